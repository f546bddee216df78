"""What a check returns."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.utils.translation import gettext as _


class Verdict(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, and what to change, in words. `check` is its name for programs.

    `since` and `source` are the date from which a provider's rule holds, and its address.
    """

    check: str
    verdict: Verdict
    found: str
    change: str = ""
    since: str = ""
    source: str = ""


def ok(check: str, found: str) -> Finding:
    return Finding(check, Verdict.OK, found)


def wrong(check: str, found: str, change: str) -> Finding:
    return Finding(check, Verdict.WRONG, found, change)


def unknown(check: str, found: str, change: str = "") -> Finding:
    """`change` says how it could be told."""
    return Finding(check, Verdict.UNKNOWN, found, change)


def worst(findings: Iterable[Finding]) -> Verdict:
    """The worst of the verdicts. If there is none, nobody can tell."""
    verdicts = {one.verdict for one in findings} or {Verdict.UNKNOWN}
    return next(one for one in (Verdict.WRONG, Verdict.UNKNOWN, Verdict.OK) if one in verdicts)


def verdict_words(verdict: Verdict) -> str:
    match verdict:
        case Verdict.OK:
            return _("Right")
        case Verdict.WRONG:
            return _("Wrong")
    return _("Cannot tell")
