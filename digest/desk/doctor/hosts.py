"""Hosts: reverse names, the greeting, where replies go, and the mail servers' TLS."""

import smtplib
import ssl
import time
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from digest.delivery.limits.providers import provider_of

from .findings import Finding, ok, unknown, wrong
from .resolver import Resolver
from .setup import Setup

_SECONDS = 10.0
# A certificate that ends sooner has not been renewed in time.
_LEAST_DAYS = 7
_LARGE = {"google", "microsoft", "yahoo", "apple", "gmx", "proton", "yandex", "vk", "qq"}


def check(setup: Setup, dns: Resolver) -> Iterator[Finding]:
    yield from _reverse_names(setup, dns)
    yield from _greeting(setup, dns)
    yield _from_domain(setup)
    for domain in setup.reply_domains:
        yield _replies(domain, dns)
    for name, backend in setup.smtp.items():
        yield _tls(name, backend)
    for service in setup.hosted:
        yield ok("tls", _("%(service)s is reached by HTTPS.") % {"service": service})


# --- names ---------------------------------------------------------------------------------
def _reverse_names(setup: Setup, dns: Resolver) -> Iterator[Finding]:
    if not setup.ips:
        words = _("The IP address from which mail leaves is unknown.")
        if setup.hosted and not setup.smtp:
            words = _("The mail service sends from IP addresses of its own.")
        yield unknown("ptr", words, _("Set MAIL_SENDING_IPS, or name a mail with --mail."))
    for ip in setup.ips:
        yield _reverse_name(ip, dns)


def _reverse_name(ip: str, dns: Resolver) -> Finding:
    names = dns.names_of(ip)
    if names.problem:
        return unknown("ptr", names.problem)
    change = _("Ask who gave you the address for a reverse name that leads back to it.")
    if not names.values:
        return wrong("ptr", _("%(ip)s has no reverse name (PTR).") % {"ip": ip}, change)
    problem = ""
    for name in names.values[:10]:
        answer = dns.addresses(name)
        about = {"ip": ip, "name": name}
        if ip_address(ip) in map(ip_address, answer.values):
            return ok("ptr", _("%(ip)s is %(name)s, and back.") % about)
        problem = problem or answer.problem
    if problem:
        return unknown("ptr", problem)
    words = _("%(ip)s has the reverse name %(name)s, which does not lead back to it.")
    return wrong("ptr", words % {"ip": ip, "name": names.values[0]}, change)


def _greeting(setup: Setup, dns: Resolver) -> Iterator[Finding]:
    if not setup.smtp:
        yield ok("ehlo", _("No SMTP server is greeted."))
        return
    name = settings.MAIL_EHLO
    change = _("Set MAIL_EHLO to a name that leads to the sending IP address.")
    if "." not in name or _is_ip(name):
        words = _("The greeting “%(name)s” is not the full name of a host.")
        yield wrong("ehlo", words % {"name": name}, change)
        return
    answer = dns.addresses(name)
    if answer.problem:
        yield unknown("ehlo", answer.problem)
    elif not answer.values:
        words = _("The greeting %(name)s leads to no IP address.")
        yield wrong("ehlo", words % {"name": name}, change)
    elif setup.ips and _is_direct(setup) and not set(setup.ips) & set(answer.values):
        words = _("The greeting %(name)s leads to another IP address than the sending one.")
        yield wrong("ehlo", words % {"name": name}, change)
    else:
        yield ok("ehlo", _("The greeting %(name)s leads to an IP address.") % {"name": name})


def _is_direct(setup: Setup) -> bool:
    """Whether a mail server takes our mail without a password: as that of our own host."""
    return any(not backend.username for backend in setup.smtp.values())


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _from_domain(setup: Setup) -> Finding:
    domain = setup.from_domain
    if provider_of(f"anybody@{domain}") in _LARGE or "." not in domain or _is_ip(domain):
        words = _("Mail from %(domain)s is taken for forged: the domain is not yours.")
        change = _("Set MAIL_FROM to an address of a domain that you control.")
        return wrong("from-domain", words % {"domain": domain}, change)
    return ok("from-domain", _("Mail is from %(domain)s.") % {"domain": domain})


def _replies(domain: str, dns: Resolver) -> Finding:
    about = {"domain": domain}
    answer = dns.look_up(domain, "MX")
    change = _("Publish MX records for %(domain)s, or use an address elsewhere.") % about
    # Without MX records a host of this name takes the mail (RFC 5321 §5.1).
    addresses = [dns.addresses(host) for host in answer.values[:5] or (domain,) if host]
    if answer.problem:
        return unknown("mx", answer.problem)
    if any(one.values for one in addresses):
        return ok("mx", _("%(domain)s takes mail.") % about)
    if problem := next((one.problem for one in addresses if one.problem), ""):
        return unknown("mx", problem)
    if any(answer.values):
        words = _("No mail server of %(domain)s can be found (MX), so replies are lost.") % about
    else:
        words = _("%(domain)s takes no mail (MX), so replies are lost.") % about
    return wrong("mx", words, change)


# --- TLS -----------------------------------------------------------------------------------
def _tls(name: str, backend: Any) -> Finding:
    about = {"name": name, "host": backend.host}
    try:
        connection = _connected(backend)
    except ssl.SSLError as error:
        return _bad_tls(error, about)
    except (OSError, smtplib.SMTPException) as error:
        words = _("The mail server %(host)s cannot be asked: %(error)s")
        return unknown("tls", words % {**about, "error": type(error).__name__})
    try:
        return _secured(connection, backend, about)
    except ssl.SSLError as error:
        return _bad_tls(error, about)
    except (OSError, smtplib.SMTPException) as error:
        words = _("The mail server %(host)s cannot be asked: %(error)s")
        return unknown("tls", words % {**about, "error": type(error).__name__})
    finally:
        connection.close()


def _connected(backend: Any) -> smtplib.SMTP:
    if backend.use_ssl:
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(backend.host, backend.port, timeout=_SECONDS, context=context)
    return smtplib.SMTP(backend.host, backend.port, timeout=_SECONDS)


def _secured(connection: smtplib.SMTP, backend: Any, about: dict[str, str]) -> Finding:
    connection.ehlo(settings.MAIL_EHLO)
    is_offered = connection.has_extn("starttls")
    if not backend.use_ssl and not is_offered:
        if backend.use_tls:
            words = _("The mail server %(host)s offers no TLS, so nothing is sent.") % about
            return wrong("tls", words, _("Switch STARTTLS on there, or use another port."))
        if _is_here(connection):
            return ok("tls", _("The mail server is on this machine."))
        words = _("Mail goes to %(host)s in plain text: it offers no TLS.") % about
        return wrong("tls", words, _("Use a mail server or a port with TLS."))
    if not backend.use_ssl and not backend.use_tls:
        if _is_here(connection):
            return ok("tls", _("The mail server is on this machine."))
        words = _("Mail goes to %(host)s in plain text, although it offers TLS.") % about
        return wrong("tls", words, _("Write smtp+tls:// instead of smtp:// in the settings."))
    if not backend.use_ssl:
        connection.starttls(context=ssl.create_default_context())
    return _certified(connection, about)


def _certified(connection: smtplib.SMTP, about: dict[str, str]) -> Finding:
    assert isinstance(connection.sock, ssl.SSLSocket)
    ends = ssl.cert_time_to_seconds(str((connection.sock.getpeercert() or {})["notAfter"]))
    days = int((ends - time.time()) // 86_400)
    if days < _LEAST_DAYS:
        words = _("The certificate of %(host)s ends in %(days)d days.") % {**about, "days": days}
        return wrong("tls", words, _("Renew it."))
    return ok("tls", _("%(host)s has TLS and a valid certificate.") % about)


def _bad_tls(error: ssl.SSLError, about: dict[str, str]) -> Finding:
    if isinstance(error, ssl.SSLCertVerificationError):
        words = _("The certificate of %(host)s is not valid: %(error)s.")
        change = _("Use the host name that is in the certificate, or have a valid one issued.")
        return wrong("tls", words % {**about, "error": error.verify_message.rstrip(".")}, change)
    words = _("TLS with %(host)s fails: %(error)s")
    change = _("smtp+tls:// is for STARTTLS (587), smtp+ssl:// for TLS from the start (465).")
    return wrong("tls", words % {**about, "error": error.reason or "SSLError"}, change)


def _is_here(connection: smtplib.SMTP) -> bool:
    assert connection.sock is not None
    return ip_address(connection.sock.getpeername()[0]).is_loopback
