"""Whether the edition that is due to close is held: by an operator, or because the day is thin or
stale.

A hold by a rule ends by itself once the rule is met. One by an operator lasts until it is approved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.db.models import Q
from django.db.models.functions import TruncDate

from digest.models import Edition, Look

Rule = Edition.HoldRule


@dataclass(frozen=True, slots=True)
class Rules:
    """What an edition needs to close at its hour.

    `least` papers, and a good look at one of the `sources` within the last `stale`; None asks for
    no look.
    """

    least: int = 1
    stale: timedelta | None = None
    sources: Sequence[str] = ()


class Hold(NamedTuple):
    """The rule that holds an edition, and the reason in words for the operator."""

    rule: str
    reason: str


def why_held(edition: Edition | None, waiting: int, now: datetime, rules: Rules) -> Hold | None:
    """Return why the edition must not close at its hour, None if it may.

    `edition` is the open one, if there is a row; `waiting` is the number of its papers.
    """
    if edition and edition.hold_rule == Rule.OPERATOR:
        return Hold(edition.hold_rule, edition.hold_reason)
    if waiting < rules.least:
        papers = "1 paper is" if waiting == 1 else f"{waiting} papers are"
        return Hold(
            Rule.THIN, f"{papers} waiting, and EDITION_LEAST_PAPERS asks for {rules.least}."
        )
    if rules.stale is not None and rules.sources:
        return _why_stale(now, rules.stale, rules.sources)
    return None


def _why_stale(now: datetime, stale: timedelta, sources: Sequence[str]) -> Hold | None:
    last = last_good_look(sources)
    if last is not None and last > now - stale:
        return None
    seen = "There has been no good look at any source"
    if last:
        seen = f"The last good look at a source was at {last:%Y-%m-%d %H:%M} UTC"
    hours = int(stale.total_seconds() // 3600)
    return Hold(Rule.STALE, f"{seen}, and EDITION_STALE_HOURS asks for one within {hours} hours.")


def last_good_look(sources: Sequence[str]) -> datetime | None:
    """Return when one of these sources was last asked for its newest papers and answered well.

    An earlier day that is read again says nothing about that.
    """
    good = (Look.Outcome.OK, Look.Outcome.QUIET)
    looks = Look.objects.filter(source__in=sources, outcome__in=good).filter(
        Q(day=None) | Q(day=TruncDate("at"))
    )
    return looks.order_by("-at").values_list("at", flat=True).first()


def is_approved(edition: Edition | None, day: date) -> bool:
    """Whether an operator wants the edition of `day` to close whatever the rules say."""
    return edition is not None and edition.approved_at is not None and edition.date >= day
