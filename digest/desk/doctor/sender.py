"""What the SPF record of the envelope's sender means for our mail."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _

from .findings import Finding, ok, unknown, wrong
from .resolver import Resolver
from .setup import Setup
from .spf import MOST_LOOKUPS, MOST_VOID, Fault, Walk, result_for, walked

# What the services ask for in the record of a sender's domain, by anymail's names.
_INCLUDES = {
    "Amazon SES": {"amazonses.com"},
    "Brevo": {"spf.brevo.com", "spf.sendinblue.com"},
    "Mailgun": {"mailgun.org", "eu.mailgun.org"},
    "Mailjet": {"spf.mailjet.com"},
    "Mandrill": {"spf.mandrillapp.com"},
    "Postmark": {"spf.mtasv.net"},
    "Resend": {"amazonses.com"},
    "SendGrid": {"sendgrid.net"},
    "SparkPost": {"sparkpostmail.com", "_spf.sparkpostmail.com"},
}


def check(setup: Setup, dns: Resolver) -> Iterator[Finding]:
    domain = setup.envelope_domain
    if not domain:
        yield unknown(
            "spf-record",
            _("The mail service chooses the sender on the envelope, whose SPF record counts."),
            _("Set MAIL_ENVELOPE_DOMAIN, or name a mail that arrived with --mail."),
        )
        return
    walk, result = walked(dns, domain)
    record = _record(walk, result, domain)
    yield record
    if not walk.unanswered and not walk.faults and result != "none":
        yield _limits(walk, domain)
        yield _everybody(walk, domain)
        yield from _allowed(setup, dns, walk, domain)


def _record(walk: Walk, result: str, domain: str) -> Finding:
    names = {"domain": domain}
    if walk.faults:
        fault, about = walk.faults[0]
        return wrong("spf-record", *_words(fault, {**names, "about": about}))
    if walk.unanswered:
        return unknown("spf-record", walk.unanswered[0])
    if result == "none":
        return wrong(
            "spf-record",
            _("%(domain)s has no SPF record.") % names,
            _(
                "Publish a TXT record at %(domain)s that names who sends for it, such as "
                "“v=spf1 include:… -all”. Your mail service says what to include."
            )
            % names,
        )
    return ok("spf-record", _("%(domain)s has one valid SPF record.") % names)


def _words(fault: Fault, about: dict[str, str]) -> tuple[str, str]:
    match fault:
        case Fault.SEVERAL:
            words = _("%(about)s has several SPF records, so none of them counts.")
            change = _("Join them to one record that begins with v=spf1.")
        case Fault.SYNTAX:
            words = _("The SPF record of %(domain)s cannot be read at “%(about)s”.")
            change = _("Correct this part of the record.")
        case Fault.MISSING:
            words = _("The SPF record of %(domain)s includes %(about)s, which has none.")
            change = _("Take it out, or correct its name.")
        case Fault.LOOP:
            words = _("The SPF record of %(domain)s includes %(about)s in a circle.")
            change = _("Take out one of the includes.")
    return words % about, change


def _limits(walk: Walk, domain: str) -> Finding:
    numbers = {"domain": domain, "number": walk.lookups, "most": MOST_LOOKUPS}
    if walk.lookups > MOST_LOOKUPS:
        words = _("The SPF record of %(domain)s needs %(number)d look-ups; %(most)d are allowed.")
        change = _("Take out includes that you do not need, or name IP addresses instead.")
        return wrong("spf-lookups", words % numbers, change)
    if walk.voids > MOST_VOID:
        numbers |= {"number": walk.voids, "most": MOST_VOID}
        words = _("%(number)d look-ups of the SPF record of %(domain)s find nothing; %(most)d may.")
        change = _("Take out the names that no longer exist.")
        return wrong("spf-lookups", words % numbers, change)
    return ok("spf-lookups", _("The SPF record needs %(number)d of %(most)d look-ups.") % numbers)


def _everybody(walk: Walk, domain: str) -> Finding:
    if walk.all_qualifier == "+":
        words = _("The SPF record of %(domain)s allows everybody to send (+all).")
        return wrong("spf-all", words % {"domain": domain}, _("Let it end in -all or ~all."))
    if walk.all_qualifier in {"-", "~"}:
        return ok("spf-all", _("The SPF record refuses everybody else."))
    return ok(
        "spf-all", _("The SPF record says nothing of everybody else; -all would refuse them.")
    )


def _allowed(setup: Setup, dns: Resolver, walk: Walk, domain: str) -> Iterator[Finding]:
    for ip in setup.ips:
        yield _of_ip(ip, domain, result_for(dns, domain, ip, settings.MAIL_EHLO))
    if setup.ips:
        return
    for service in setup.hosted:
        if _INCLUDES.get(service, set()) & set(walk.includes):
            words = _("The SPF record includes %(service)s.")
            yield ok("spf-sender", words % {"service": service})
        else:
            words = _("Whether the SPF record allows %(service)s cannot be seen.")
            yield unknown("spf-sender", words % {"service": service}, _send_a_mail())
    if setup.smtp:
        words = _("The IP address from which mail leaves is unknown.")
        yield unknown("spf-sender", words, _("Set MAIL_SENDING_IPS."))


def _of_ip(ip: str, domain: str, result: str) -> Finding:
    about = {"ip": ip, "domain": domain, "result": result}
    if result == "pass":
        return ok("spf-sender", _("The SPF record allows %(ip)s.") % about)
    if result == "temperror":
        return unknown("spf-sender", _("DNS did not answer."))
    return wrong(
        "spf-sender",
        _("The SPF record of %(domain)s does not allow %(ip)s (%(result)s).") % about,
        _("Add ip4: or ip6: with this address, or what your mail service tells you to include."),
    )


def _send_a_mail() -> str:
    return _("Send yourself a digest, save it as it arrived, and name the file with --mail.")
