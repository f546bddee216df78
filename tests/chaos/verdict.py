"""The rules that a round can break, its figures, and the times by which it is judged."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.promise.oracle import HOUR

# A digest is composed from what there is this long before it would be late.
LAST_CALL = HOUR
# How many offending cases to show for each rule.
SHOWN = 5

# The rules.
NO_ROW = "a reader was due, and there is no row"
NO_MAIL = "a row says sent, and no mail has arrived"
NO_REASON = "a day was lost for no good reason"
UNSETTLED = "a row is not settled"
TWICE = "two mails for one date"
UNEXPECTED = "a mail for a date that says it was not sent"
EARLY = "a mail before its hour"
AFTER = "a mail to somebody who had left"
PAPERS = "a paper came twice"
DOUBT = "a digest is in doubt, and no fault explains it"
UNHEARD = "reported as delivered, and the row does not say so"
HELD = "sending was held, and no fault explains it"
STUCK = "a process did not stop in time"
STRANGERS = "a mail to an address that no reader has"


@dataclass(frozen=True, slots=True)
class Outage:
    """Nothing could be sent between these times: no workers, no mail service, or a hold."""

    kind: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Times:
    """When the round began and ended, when the edition closes that a digest waits for, which papers
    it and the later ones have, and when nothing could be sent."""

    start: datetime
    end: datetime
    closed_for: Callable[[datetime], datetime | None]
    papers_for: Callable[[datetime], Collection[str]]
    outages: Sequence[Outage]
    late: timedelta

    @property
    def settled_until(self) -> datetime:
        """What was due before this must have come to an end."""
        return self.end - self.late - HOUR

    def was_up(self, since: datetime, until: datetime) -> bool:
        """Whether everything worked for an hour on end between the two."""
        for outage in sorted(self.outages, key=lambda one: one.since):
            if outage.until <= since:
                continue
            if min(outage.since, until) - since >= HOUR:
                return True
            since = max(since, outage.until)
        return until - since >= HOUR


@dataclass
class Verdict:
    """A round's figures, and each broken rule with the cases that break it.

    `states` are the rows by state or reason, `explained` those of the rows in doubt for which a
    fault accounts, and `after` the most seconds after which a mail came to somebody who had left.
    """

    days: int = 0
    mails: int = 0
    doubt: int = 0
    explained: int = 0
    after: float = 0.0
    states: Counter[str] = field(default_factory=Counter)
    found: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def count(self, *rules: str) -> int:
        return sum(len(self.found.get(rule, ())) for rule in rules)

    @property
    def lost(self) -> int:
        return self.count(NO_ROW, NO_MAIL, NO_REASON, UNSETTLED)

    @property
    def twice(self) -> int:
        return self.count(TWICE, UNEXPECTED)

    @property
    def violations(self) -> list[str]:
        return [
            f"{rule} ({len(cases)}): {'; '.join(cases[:SHOWN])}"
            for rule, cases in self.found.items()
            if cases
        ]
