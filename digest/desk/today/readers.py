"""Readers who came and left, and digests that bounced, day by day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from subscribers.database import fetch
from subscribers.models import Consent

Act = Consent.Act
DAYS = 30
CAME = (Act.CONFIRMED, Act.RESUMED)
LEFT = (
    *(Act.UNSUBSCRIBED, Act.ONE_CLICK, Act.BY_MAIL, Act.BY_PROGRAM, Act.REFUSED, Act.ERASED),
    Act.COMPLAINED,
)
# Up to here readers are counted; beyond, PostgreSQL's own estimate is near enough.
EXACTLY = 20_000


@dataclass(frozen=True, slots=True)
class DayOfReaders:
    day: date
    asked: int = 0
    confirmed: int = 0
    imported: int = 0
    left: int = 0
    bounced: int = 0

    @property
    def came(self) -> int:
        return self.confirmed + self.imported


@dataclass(frozen=True, slots=True)
class Readers:
    """The last `DAYS` days, oldest first; how readers left and why, the most frequent first.

    `active` is their number now, an estimate if `is_estimate`.
    """

    active: int
    is_estimate: bool
    days: Sequence[DayOfReaders]
    ways: Sequence[tuple[str, int]]
    reasons: Sequence[tuple[str, int]]

    def total(self, name: str) -> int:
        return sum(getattr(day, name) for day in self.days)

    @property
    def asked(self) -> int:
        return self.total("asked")

    @property
    def confirmed(self) -> int:
        return self.total("confirmed")

    @property
    def imported(self) -> int:
        return self.total("imported")

    @property
    def came(self) -> int:
        return self.total("came")

    @property
    def left(self) -> int:
        return self.total("left")

    @property
    def bounced(self) -> int:
        return self.total("bounced")


def look() -> Readers:
    rows = fetch(
        """
        SELECT day, act, reason, sum(number)::bigint FROM digest_consentcount
        WHERE day > (now() AT TIME ZONE 'UTC')::date - %(days)s
        GROUP BY 1, 2, 3 HAVING sum(number) <> 0
        """,
        {"days": DAYS},
    )
    acts: Counter[tuple[date, str]] = Counter()
    ways: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for day, act, reason, number in rows:
        acts[day, act] += number
        if act in LEFT:
            ways[act] += number
            reasons[reason] += number
    number, is_estimate = active()
    return Readers(number, is_estimate, _days(acts), ways.most_common(), reasons.most_common())


def _days(acts: Mapping[tuple[date, str], int]) -> Sequence[DayOfReaders]:
    ((today,),) = fetch("SELECT (now() AT TIME ZONE 'UTC')::date")
    bounced = dict(
        fetch(
            """
            SELECT day, sum(number)::bigint FROM digest_digestcount
            WHERE day > (now() AT TIME ZONE 'UTC')::date - %(days)s AND state = 'bounced'
            GROUP BY day
            """,
            {"days": DAYS},
        )
    )
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    return [
        DayOfReaders(
            day,
            asked=acts.get((day, Act.ASKED), 0),
            confirmed=sum(acts.get((day, act), 0) for act in CAME),
            imported=acts.get((day, Act.IMPORTED), 0),
            left=sum(acts.get((day, act), 0) for act in LEFT),
            bounced=bounced.get(day, 0),
        )
        for day in days
    ]


def active() -> tuple[int, bool]:
    """The number of active readers, and whether it is the planner's estimate.

    The estimate is that of the index which has only them.
    """
    ((estimate,),) = fetch("SELECT reltuples FROM pg_class WHERE oid = 'subscriber_due'::regclass")
    if estimate > EXACTLY:
        return int(estimate), True
    ((number,),) = fetch(
        """
        SELECT count(*) FROM (
            SELECT FROM subscribers_subscriber WHERE state = 'active' LIMIT %s
        ) active
        """,
        [5 * EXACTLY],
    )
    return int(number), number == 5 * EXACTLY
