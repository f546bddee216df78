"""DMARC: the policy, and whether SPF's and DKIM's domains are aligned with From (RFC 9989)."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from .findings import Finding, ok, unknown, wrong
from .resolver import Resolver
from .setup import Setup
from .tags import tags_of

# A tree walk asks about no more names than this (§4.10).
_MOST_ASKED = 8


class BadRecord(Exception):
    """The words say why a domain's record counts for nothing."""


class NoAnswer(Exception):
    """DNS did not answer. The words say how."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The record that applies to a domain, and the domain where it is."""

    at: str
    tags: dict[str, str]

    def strict(self, tag: str) -> bool:
        return self.tags.get(tag, "r").lower() == "s"


def check(setup: Setup, dns: Resolver) -> Iterator[Finding]:
    domain = setup.from_domain
    try:
        policy = policy_of(dns, domain)
        if policy is None:
            words = _("%(domain)s has no DMARC record.") % {"domain": domain}
            change = _("Publish a TXT record at _dmarc.%(domain)s, such as “v=DMARC1; p=none”.")
            yield wrong("dmarc-record", words, change % {"domain": domain})
            return
        yield _policy(policy, domain)
        yield _alignment(policy, setup, dns)
    except NoAnswer as error:
        yield unknown("dmarc-record", str(error))
    except BadRecord as error:
        change = _("Correct the record: v=DMARC1 comes first, p is none, quarantine or reject.")
        yield wrong("dmarc-record", str(error), change)


def policy_of(dns: Resolver, domain: str) -> Policy | None:
    """The record that applies to a domain: its own, or that of its organisation. Raises BadRecord
    and NoAnswer."""
    tags = _record(dns, domain)
    if tags is not None:
        return Policy(domain, tags)
    organization = organization_of(dns, domain)
    if organization == domain:
        for name in _upwards(domain):
            _record(dns, name)  # raises for one that was meant to apply and cannot
        return None
    tags = _record(dns, organization)
    return None if tags is None else Policy(organization, tags)


def organization_of(dns: Resolver, domain: str) -> str:
    """The organisational domain, by a walk up the tree; the domain itself if nothing tells."""
    found = domain
    for name in _upwards(domain):
        try:
            tags = _record(dns, name)
        except BadRecord:
            continue
        if tags is None:
            continue
        if tags.get("psd", "").lower() == "n":
            return name
        if tags.get("psd", "").lower() == "y":
            # The organisation is the domain right below a public suffix.
            below = domain.split(".")[-(name.count(".") + 2) :]
            return ".".join(below)
        found = name
    return found


def _upwards(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    yield domain
    start = max(1, len(labels) - _MOST_ASKED + 1)
    for place in range(start, len(labels)):
        yield ".".join(labels[place:])


def _record(dns: Resolver, domain: str) -> dict[str, str] | None:
    answer = dns.txt(f"_dmarc.{domain}")
    if answer.problem:
        raise NoAnswer(answer.problem)
    records = [one for one in answer.values if one.strip().lower().startswith("v=dmarc1")]
    about = {"domain": domain}
    if len(records) > 1:
        raise BadRecord(_("%(domain)s has several DMARC records, so none counts.") % about)
    if not records:
        return None
    try:
        tags = tags_of(records[0])
    except ValueError as error:
        raise BadRecord(_("The DMARC record of %(domain)s cannot be read.") % about) from error
    if next(iter(tags)) != "v" or tags["v"] != "DMARC1":
        raise BadRecord(_("The DMARC record of %(domain)s cannot be read.") % about)
    return tags


def _policy(policy: Policy, domain: str) -> Finding:
    is_own = policy.at == domain
    wish = policy.tags.get("p", "none" if "rua" in policy.tags else "").lower()
    if not is_own:
        wish = policy.tags.get("sp", wish).lower()
    if wish not in {"none", "quarantine", "reject"}:
        raise BadRecord(_("The DMARC record of %(domain)s has no policy.") % {"domain": policy.at})
    about = {"domain": policy.at, "policy": wish}
    words = _("The DMARC record of %(domain)s applies: %(policy)s.") % about
    if "rua" not in policy.tags:
        words += " " + _("It asks for no reports (rua).")
    return ok("dmarc-record", words)


def _alignment(policy: Policy, setup: Setup, dns: Resolver) -> Finding:
    """One of the two suffices; both are better."""
    signing = [domain for _selector, domain in setup.keys]
    envelope = [setup.envelope_domain] if setup.envelope_domain else []
    by = [
        name
        for name, domains, tag in (("DKIM", signing, "adkim"), ("SPF", envelope, "aspf"))
        if any(_is_aligned(one, policy, setup, dns, tag) for one in domains)
    ]
    about = {"domain": setup.from_domain, "by": " + ".join(by)}
    if by:
        return ok("dmarc-alignment", _("From (%(domain)s) is aligned with %(by)s.") % about)
    change = _("Let DKIM sign as %(domain)s, or use a domain of yours on the envelope.") % about
    if signing and envelope:
        words = _("From (%(domain)s) is aligned with neither DKIM nor SPF, so DMARC fails.")
        return wrong("dmarc-alignment", words % about, change)
    words = _("Whether From (%(domain)s) is aligned cannot be seen: not all domains are known.")
    return unknown("dmarc-alignment", words % about, change)


def _is_aligned(domain: str, policy: Policy, setup: Setup, dns: Resolver, tag: str) -> bool:
    if domain == setup.from_domain:
        return True
    if policy.strict(tag):
        return False
    return organization_of(dns, domain) == organization_of(dns, setup.from_domain)
