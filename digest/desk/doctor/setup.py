"""What there is to look at: domains, mail services, IP addresses and selectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail.backends import smtp

from digest.delivery import routing

from .arrived import Arrived


@dataclass(frozen=True, slots=True)
class Setup:
    """`smtp` are the backends of SMTP servers by their services' names; `hosted` the names of the
    services with an API of their own. `keys` are the DKIM keys as (selector, domain)."""

    from_domain: str
    envelope_domain: str
    ips: Sequence[str]
    keys: Sequence[tuple[str, str]]
    reply_domains: Sequence[str]
    smtp: Mapping[str, Any]
    hosted: Sequence[str]
    arrived: Arrived | None = None


def setup_of(arrived: Arrived | None = None) -> Setup:
    """The set-up by the settings, and by a mail that arrived."""
    backends = {name: routing.connection_to(name) for name in routing.names()}
    servers = {k: one for k, one in backends.items() if isinstance(one, smtp.EmailBackend)}
    hosted = [routing.kind_of(one) for name, one in backends.items() if name not in servers]
    return Setup(
        from_domain=settings.MAIL_DOMAIN,
        envelope_domain=_envelope_domain(arrived, is_smtp=not hosted),
        ips=settings.MAIL_SENDING_IPS or ([arrived.ip] if arrived and arrived.ip else []),
        keys=_keys(arrived),
        reply_domains=_reply_domains(),
        smtp=servers,
        hosted=hosted,
        arrived=arrived,
    )


def _envelope_domain(arrived: Arrived | None, *, is_smtp: bool) -> str:
    """The domain of the envelope's sender, or "". Over SMTP it is that of MAIL_BOUNCES or
    MAIL_FROM."""
    if arrived and arrived.envelope_domain:
        return arrived.envelope_domain
    ours = settings.MAIL_BOUNCES.rpartition("@")[2] or settings.MAIL_DOMAIN
    return settings.MAIL_ENVELOPE_DOMAIN or (ours if is_smtp else "")


def _keys(arrived: Arrived | None) -> list[tuple[str, str]]:
    named = [one.partition("@")[::2] for one in settings.DKIM_SELECTORS]
    keys = [(selector, domain or settings.MAIL_DOMAIN) for selector, domain in named]
    signed = [(one.selector, one.domain) for one in arrived.signatures] if arrived else []
    return list(dict.fromkeys([*keys, *signed]))


def _reply_domains() -> list[str]:
    """Where replies go, mails to unsubscribe, bounces, and what is written to the sender itself."""
    boxes = (
        *(settings.DEFAULT_FROM_EMAIL, settings.MAIL_REPLY_TO),
        *(settings.MAIL_UNSUBSCRIBE, settings.MAIL_BOUNCES),
    )
    domains = [parseaddr(box)[1].rpartition("@")[2].lower() for box in boxes if box]
    return list(dict.fromkeys(domains))
