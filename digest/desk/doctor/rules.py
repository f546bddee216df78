"""The mailbox providers' rules for bulk mail, each with the date from which it holds.

A rule is kept if the checks that it depends on found nothing wrong. What only the provider sees,
such as how many readers report spam, cannot be told from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .findings import Finding, Verdict, worst

_GMAIL = "https://support.google.com/a/answer/81126"
_GMAIL_FAQ = "https://support.google.com/a/answer/14229414"
_YAHOO = "https://senders.yahooinc.com/best-practices/"
_MICROSOFT = (
    "https://techcommunity.microsoft.com/blog/microsoftdefenderforoffice365blog/"
    "strengthening-email-ecosystem-outlook%E2%80%99s-new-requirements-for-high%E2%80%90volume-"
    "senders/4399730"
)
_SPF = ("spf-record", "spf-lookups", "spf-all", "spf-sender")
_DKIM = ("dkim-key",)
_DMARC = ("dmarc-record", "dmarc-alignment")
_ONE_CLICK = ("one-click", "headers", "dkim-signature")


@dataclass(frozen=True, slots=True)
class Rule:
    provider: str
    words: str | Promise
    since: str
    source: str
    checks: Sequence[str] = ()


_AUTHENTICATED = gettext_lazy("SPF and DKIM")
_ALIGNED = gettext_lazy("DMARC with at least p=none, From aligned")
_REVERSE = gettext_lazy("reverse names that lead back")
_TLS = gettext_lazy("TLS")
_FORMAT = gettext_lazy("mails by RFC 5322, From not a provider’s own domain")
_CLICK = gettext_lazy("one-click unsubscribing")
_SPAM = gettext_lazy("fewer than 3 in 1000 reported as spam, better 1")
_LEAVING = gettext_lazy("leaving within two days")
_WAY_OUT = gettext_lazy("a way out that works, and a sender who takes replies")

RULES = (
    Rule("Gmail", _AUTHENTICATED, "2024-02-01", _GMAIL, (*_SPF, *_DKIM)),
    Rule("Gmail", _ALIGNED, "2024-02-01", _GMAIL, _DMARC),
    Rule("Gmail", _REVERSE, "2024-02-01", _GMAIL, ("ptr",)),
    Rule("Gmail", _TLS, "2024-02-01", _GMAIL, ("tls",)),
    Rule("Gmail", _FORMAT, "2024-02-01", _GMAIL, ("headers", "from-domain")),
    Rule("Gmail", _CLICK, "2024-06-01", _GMAIL_FAQ, _ONE_CLICK),
    Rule("Gmail", _LEAVING, "2024-06-01", _GMAIL_FAQ, ("one-click",)),
    Rule("Gmail", _SPAM, "2024-02-01", _GMAIL),
    Rule("Yahoo", _AUTHENTICATED, "2024-02-01", _YAHOO, (*_SPF, *_DKIM)),
    Rule("Yahoo", _ALIGNED, "2024-02-01", _YAHOO, _DMARC),
    Rule("Yahoo", _REVERSE, "2024-02-01", _YAHOO, ("ptr",)),
    Rule("Yahoo", _FORMAT, "2024-02-01", _YAHOO, ("headers", "from-domain")),
    Rule("Yahoo", _CLICK, "2024-06-01", _YAHOO, _ONE_CLICK),
    Rule("Yahoo", _LEAVING, "2024-06-01", _YAHOO, ("one-click",)),
    Rule("Yahoo", _SPAM, "2024-02-01", _YAHOO),
    Rule("Microsoft", _AUTHENTICATED, "2025-05-05", _MICROSOFT, (*_SPF, *_DKIM)),
    Rule("Microsoft", _ALIGNED, "2025-05-05", _MICROSOFT, _DMARC),
    Rule("Microsoft", _WAY_OUT, "2025-05-05", _MICROSOFT, ("one-click", "headers", "mx")),
)


def check(findings: Sequence[Finding]) -> list[Finding]:
    """The rules as findings, by what the checks have found."""
    return [_judged(rule, findings) for rule in RULES]


def _judged(rule: Rule, findings: Sequence[Finding]) -> Finding:
    bearing = [one for one in findings if one.check in rule.checks]
    verdict = worst(bearing)
    change = ""
    if not rule.checks:
        change = _("Only the provider knows: register with its tools for senders.")
    elif verdict is not Verdict.OK:
        names = dict.fromkeys(one.check for one in bearing if one.verdict is verdict)
        change = _("See above: %(checks)s.") % {"checks": ", ".join(names)}
    words = f"{rule.provider}: {rule.words}"
    return Finding("rule", verdict, words, change, rule.since, rule.source)
