"""What should have happened, worked out without the product's own schedule."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from digest.models import Digest

Reason = Digest.SkipReason
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a reader has set, and whether they get digests at all."""

    zone: str
    hour: int
    frequency: str = "daily"
    weekday: int = 0
    paused_until: date | None = None
    is_active: bool = True

    def allows(self, day: date) -> bool:
        days = {"daily": range(7), "weekdays": range(5)}.get(self.frequency, [self.weekday])
        return day.weekday() in days and (self.paused_until is None or day >= self.paused_until)


@dataclass(slots=True)
class Life:
    """A reader's wishes over time, each with the instant from which they count, and their mails."""

    wishes: list[tuple[datetime, Wishes]]
    joined_at: datetime | None = None
    mails: list[tuple[datetime, date, tuple[int, ...]]] = field(default_factory=list)

    def at(self, moment: datetime) -> Wishes:
        place = bisect_left(self.wishes, moment, key=lambda change: change[0])
        return self.wishes[max(place - 1, 0)][1]


@cache
def shown_at(zone: str, day: date, hour: int) -> datetime | None:
    """The first minute at which clocks in the zone show that hour of that day or, if they skip it,
    have passed it; None if the zone skips the day. Found by looking at the clock."""
    tz, wanted = ZoneInfo(zone), datetime.combine(day, time(hour))
    middle = datetime.combine(day, time(hour), UTC)
    minutes = range(-16 * 60, 16 * 60)

    def clock(minute: int) -> datetime:
        return (middle + timedelta(minutes=minute)).astimezone(tz).replace(tzinfo=None)

    # By the hour first, because a clock that is set back shows an hour twice.
    coarse = next(m for m in minutes[::60] if clock(m) >= wanted)
    first = next(m for m in range(coarse - 60, coarse + 1) if clock(m) >= wanted)
    before, after = clock(first - 1).date(), clock(first).date()
    if day not in {before, after}:
        return None
    return middle + timedelta(minutes=first)


def due_days(life: Life, start: datetime, end: datetime) -> dict[date, datetime]:
    """The local dates on which the reader was due, each with the instant."""
    found: list[tuple[datetime, date]] = []
    if life.joined_at is not None:
        local = life.joined_at.astimezone(ZoneInfo(life.at(life.joined_at + SECOND).zone))
        found.append((life.joined_at, local.date()))
    for (since, wishes), (until, _) in zip(
        life.wishes, [*life.wishes[1:], (end, None)], strict=True
    ):
        if not wishes.is_active:
            continue
        day = since.date() - 2 * DAY
        while day <= until.date() + 2 * DAY:
            at = shown_at(wishes.zone, day, wishes.hour) if wishes.allows(day) else None
            if at is not None and max(since, start) < at <= until:
                found.append((at, day))
            day += DAY
    due: dict[date, datetime] = {}
    for at, day in sorted(found):
        if not due or day > max(due):
            due[day] = at
    return due


@dataclass(frozen=True, slots=True)
class Times:
    """When the world worked: `up` are the instants of ticks with workers and mail, in order;
    `planned` those with workers; `closed` maps an edition's date to when it closed."""

    up: Sequence[datetime]
    planned: Sequence[datetime]
    closed: dict[date, datetime]
    step: timedelta
    late: timedelta
    closing_hour: int

    def is_up_for_an_hour(self, since: datetime, until: datetime) -> bool:
        """Whether everything worked for an hour on end between the two."""
        ticks = self.up[bisect_left(self.up, since) : bisect_left(self.up, until)]
        needed = HOUR // self.step + 1
        return any(
            ticks[place + needed - 1] - ticks[place] <= HOUR
            for place in range(len(ticks) - needed + 1)
        )

    def has_edition(self, due_at: datetime) -> datetime | None:
        """When the edition had closed that a digest due then waits for, or a later one."""
        awaited = (due_at - timedelta(hours=self.closing_hour)).date()
        return min((at for day, at in self.closed.items() if day >= awaited), default=None)


def faults(life: Life, rows: Sequence[Digest], times: Times, settled_until: datetime) -> list[str]:
    """Everything that is wrong with one reader's rows and mails, in words.

    What was due before `settled_until` must have come to an end.
    """
    due = due_days(life, times.planned[0] - times.step, times.planned[-1])
    by_date = {row.local_date: row for row in rows}
    said = [f"{day}: {number} rows" for day, number in _doubled(rows)]
    unknown = _days_unknown(life, times)
    for day, at in due.items():
        if day not in by_date | unknown and not _left_before_planning(life, at, times):
            said.append(f"{day}: due at {at}, and no row")
    extra = by_date.keys() - due.keys() - unknown.keys()
    said += [f"{day}: a row that nobody was due for" for day in extra]
    for day in sorted(due.keys() & by_date.keys()):
        if due[day] < settled_until:
            following = min((at for at in due.values() if at > due[day]), default=None)
            said += _faults_of_row(life, by_date[day], due[day], following, times)
    return said + _faults_of_mails(life, due)


def _days_unknown(life: Life, times: Times) -> dict[date, None]:
    """The days of outages of the planner for more than a day in which the reader changed something.

    A known gap: of such days the planner knows the first, and works out the others by the wishes
    that it finds when it comes back.
    """
    found: dict[date, None] = {}
    for before, after in pairwise(times.planned):
        is_long = after - before > DAY - times.step
        if is_long and any(before < since <= after for since, _ in life.wishes):
            days = range(-2, (after - before).days + 3)
            found |= dict.fromkeys(before.date() + n * DAY for n in days)
    return found


def _doubled(rows: Sequence[Digest]) -> list[tuple[date, int]]:
    counts = Counter(row.local_date for row in rows)
    return [(day, number) for day, number in counts.items() if number > 1]


def _left_before_planning(life: Life, at: datetime, times: Times) -> bool:
    """Whether the reader was gone before any worker could have seen that they were due."""
    place = bisect_left(times.planned, at)
    seen = times.planned[place] if place < len(times.planned) else datetime.max.replace(tzinfo=UTC)
    return any(at <= since <= seen and not wishes.is_active for since, wishes in life.wishes)


def _faults_of_row(
    life: Life, row: Digest, at: datetime, following: datetime | None, times: Times
) -> list[str]:
    where = f"{row.local_date}, due at {at}"
    if row.state == Digest.State.SENT:
        return (
            [] if any(day == row.local_date for _, day, _ in life.mails) else [f"{where}: no mail"]
        )
    if row.state != Digest.State.SKIPPED:
        return [f"{where}: still {row.state}"]
    if row.skip_reason in {Reason.LATE, Reason.SUPERSEDED, Reason.NO_EDITION}:
        return _faults_of_loss(row, at, following, times, where)
    known = {Reason.NOTHING_NEW, Reason.THIN, Reason.PAUSED, Reason.UNSUBSCRIBED}
    return [] if row.skip_reason in known else [f"{where}: skipped as {row.skip_reason!r}"]


def _faults_of_loss(
    row: Digest, at: datetime, following: datetime | None, times: Times, where: str
) -> list[str]:
    """A day may be lost only if nothing could be sent between its hour and the late policy's, or
    the next digest's."""
    edition = times.has_edition(at)
    ready = max(at, edition) if edition else None
    deadline = at + times.late - HOUR - times.step
    if row.skip_reason == Reason.SUPERSEDED and following is not None:
        deadline = min(deadline, following)
    if ready and ready < deadline and times.is_up_for_an_hour(ready, deadline):
        return [f"{where}: lost as {row.skip_reason}, though all was well after {ready}"]
    return []


def _faults_of_mails(life: Life, due: dict[date, datetime]) -> list[str]:
    said = []
    days = Counter(day for _, day, _ in life.mails)
    said += [f"{day}: {number} mails" for day, number in days.items() if number > 1]
    for at, day, _ in life.mails:
        if day in due and at < due[day]:
            said.append(f"{day}: a mail at {at}, before the hour {due[day]}")
    papers = Counter(paper for _, _, papers in life.mails for paper in papers)
    said += [f"paper {paper}: {number} times" for paper, number in papers.items() if number > 1]
    return said
