"""What should have happened, worked out without the product's own schedule."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain
from typing import NamedTuple
from zoneinfo import ZoneInfo

from digest.models import Digest

Reason = Digest.SkipReason
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
QUARTER = timedelta(minutes=15)
MINUTE = timedelta(minutes=1)
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


class Row(NamedTuple):
    """What is known of a digest."""

    local_date: date
    state: str
    skip_reason: str


@dataclass(slots=True)
class Life:
    """A reader's wishes over time, each with the instant from which they count, and their mails."""

    wishes: list[tuple[datetime, Wishes]]
    joined_at: datetime | None = None
    mails: list[tuple[datetime, date, tuple[int, ...]]] = field(default_factory=list)

    def at(self, moment: datetime) -> Wishes:
        place = bisect_left(self.wishes, moment, key=lambda change: change[0])
        return self.wishes[max(place - 1, 0)][1]

    def since(self, moment: datetime) -> Iterator[Wishes]:
        """The wishes at that moment and all later ones."""
        return chain([self.at(moment)], (wishes for at, wishes in self.wishes if at >= moment))


@lru_cache(maxsize=100_000)
def shown_at(zone: str, day: date, hour: int) -> datetime | None:
    """The first quarter of an hour at which clocks in the zone show that hour of that day or, if
    they skip it, have passed it; None if the zone skips the day. Found by looking at the clock."""
    tz, wanted = _zone(zone), datetime.combine(day, time(hour))
    at = datetime.combine(day, time(hour), UTC)
    at -= (at.astimezone(tz).utcoffset() or timedelta(0)) + 3 * HOUR
    while at.astimezone(tz).replace(tzinfo=None) < wanted:
        at += QUARTER
    around = {(at - MINUTE).astimezone(tz).date(), at.astimezone(tz).date()}
    return at if day in around else None


_zone = lru_cache(ZoneInfo)


def due_days(life: Life, start: datetime, end: datetime) -> dict[date, datetime]:
    """The local dates on which the reader was due, each with the instant."""
    found: list[tuple[datetime, date]] = []
    if life.joined_at is not None:
        local = life.joined_at.astimezone(_zone(life.at(life.joined_at + SECOND).zone))
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
    """When the world worked, from its `start` to its `last` tick.

    `up` are the instants of ticks with workers and mail, in order; `closed` maps the date of an
    edition to when it closed.
    """

    start: datetime
    last: datetime
    up: list[datetime]
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


def faults(life: Life, rows: Sequence[Row], times: Times, end: datetime) -> list[str]:
    """Everything that is wrong with one reader's rows and mails at the end of a story, in words.

    `end` is when the last reader was due whose digest must have come to an end.
    """
    due = due_days(life, times.start, times.last)
    by_date = {row.local_date: row for row in rows}
    said = [f"{day}: {number} rows" for day, number in _doubled(rows)]
    missing, extra = due.keys() - by_date.keys(), by_date.keys() - due.keys()
    said += [f"{day}: due at {due[day]}, and no row" for day in missing]
    said += [f"{day}: a row that nobody was due for" for day in extra]
    for day in sorted(due.keys() & by_date.keys()):
        if due[day] < end:
            following = min((at for at in due.values() if at > due[day]), default=None)
            said += _faults_of_row(life, by_date[day], due[day], following, times)
    return said + _faults_of_mails(life, due)


def _doubled(rows: Sequence[Row]) -> list[tuple[date, int]]:
    counts = Counter(row.local_date for row in rows)
    return [(day, number) for day, number in counts.items() if number > 1]


def _faults_of_row(
    life: Life, row: Row, at: datetime, following: datetime | None, times: Times
) -> list[str]:
    where = f"{row.local_date}, due at {at}"
    if row.state == Digest.State.SENT:
        return _faults_of_mail(life, row, at, times, where)
    if row.state != Digest.State.SKIPPED:
        return [f"{where}: still {row.state}"]
    if row.skip_reason in {Reason.LATE, Reason.SUPERSEDED, Reason.NO_EDITION}:
        return _faults_of_loss(row, at, following, times, where)
    is_true = {
        Reason.PAUSED: any((w.paused_until or date.min) > row.local_date for w in life.since(at)),
        Reason.UNSUBSCRIBED: any(not wishes.is_active for wishes in life.since(at)),
        Reason.NOTHING_NEW: not _is_something_new(life, row, at, times),
        Reason.THIN: not _is_something_new(life, row, at, times),
    }
    return [] if is_true.get(Reason(row.skip_reason)) else [f"{where}: why {row.skip_reason}?"]


def _faults_of_mail(life: Life, row: Row, at: datetime, times: Times, where: str) -> list[str]:
    """A mail is sent as soon as its hour has come and its edition is there, or not at all."""
    sent = next((sent for sent, day, _ in life.mails if day == row.local_date), None)
    edition = times.has_edition(at)
    if sent is None:
        return [f"{where}: no mail"]
    if edition and any(max(at, edition) <= up < sent for up in times.up):
        return [f"{where}: a mail only at {sent}, with the edition of {edition}"]
    if sent > at + times.late:
        return [f"{where}: a mail at {sent}, which is too late"]
    return []


def _is_something_new(life: Life, row: Row, at: datetime, times: Times) -> bool:
    """Whether an edition has closed since the mail before: each has enough for a digest.

    After an outage the mail of the day before may be sent when this one is due already.
    """
    before = (sent for sent, day, _ in life.mails if day < row.local_date)
    last = max(before, default=times.start)
    return any(last < closed <= at for closed in times.closed.values())


def _faults_of_loss(
    row: Row, at: datetime, following: datetime | None, times: Times, where: str
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
        wishes = life.at(at)
        if day in due and at < due[day]:
            said.append(f"{day}: a mail at {at}, before the hour {due[day]}")
        if not wishes.is_active or (wishes.paused_until or day) > day:
            said.append(f"{day}: a mail at {at} to a reader who had left or paused")
    papers = Counter(paper for _, _, papers in life.mails for paper in papers)
    said += [f"paper {paper}: {number} times" for paper, number in papers.items() if number > 1]
    return said
