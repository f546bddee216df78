"""What is to happen in a world, drawn at random."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from .oracle import DAY, HOUR, MINUTE, Wishes

STEP = HOUR
# Zones that change their clocks in the night, at noon, by half an hour, by two, over midnight, or
# for a month of fasting.
CHANGING = (
    *("Europe/Berlin", "America/New_York", "America/Los_Angeles", "America/Scoresbysund"),
    *("America/Nuuk", "Australia/Lord_Howe", "Pacific/Chatham", "America/Santiago"),
    *("Asia/Beirut", "America/St_Johns", "Atlantic/Azores", "Africa/Cairo"),
    *("Africa/Casablanca", "Antarctica/Troll", "Pacific/Norfolk"),
)
ZONES = (
    *CHANGING,
    *("UTC", "Asia/Tokyo", "Asia/Kathmandu", "Pacific/Honolulu"),
    # A day apart.
    *("Pacific/Kiritimati", "Pacific/Apia", "Pacific/Pago_Pago"),
)
# While workers are out nobody plans or sends; while the mail is, digests are planned only. While it
# is slow, mails arrive and nobody knows yet.
Outage = Literal["workers", "mail", "slow", "sources"]
OUTAGES: tuple[Outage, ...] = get_args(Outage)
_LENGTHS = (40, 90, 300, 900, 2000, 5000)
# After the end of a story its world goes on until what was due is settled.
SETTLING = DAY


@dataclass(frozen=True)
class Story:
    """The readers' first wishes and their changes, outages, and odd days.

    `ticks` are the instants at which somebody looks at what is due. They are not the hours at which
    readers are due, so that something can happen in between.
    """

    start: datetime
    days: int
    ticks: Sequence[datetime]
    readers: Sequence[Wishes]
    changes: Sequence[tuple[datetime, int, Wishes]]
    joining: Sequence[tuple[datetime, int]]
    outages: Sequence[tuple[Outage, datetime, datetime]]
    closed_early: frozenset[date]
    without_papers: frozenset[date]

    @property
    def end(self) -> datetime:
        return self.start + self.days * DAY

    def is_out(self, what: Outage, at: datetime) -> bool:
        return any(kind == what and since <= at < until for kind, since, until in self.outages)


def story(chance: Random, *, readers: int, days: int) -> Story:
    """A story of so many readers over `days`, somewhere within three years.

    Every second one has a change of clocks on one of its first days.
    """
    start = chance.choice((_any_day, _day_before_a_change_of_clocks))(chance)
    first = start + chance.randrange(60) * MINUTE
    every_day = [(start + n * DAY).date() for n in range(days)]
    wishes = [_wishes(chance) for _ in range(readers)]
    joining = {n: _moment(chance, start, days) for n in range(readers) if chance.random() < 0.2}
    return Story(
        start,
        days,
        [first + n * STEP for n in range((days * DAY + SETTLING) // STEP)],
        wishes,
        # Nobody changes anything before they have joined.
        sorted(
            (
                change
                for change in _changes(chance, wishes, start, days)
                if change[0] > joining.get(change[1], start)
            ),
            key=lambda change: change[:2],
        ),
        sorted((at, reader) for reader, at in joining.items()),
        [outage for kind in OUTAGES for outage in _outages(chance, kind, start, days)],
        frozenset(day for day in every_day if chance.random() < 0.1),
        frozenset(day for day in every_day if chance.random() < 0.1),
    )


def _any_day(chance: Random) -> datetime:
    return datetime(2025, 1, 1, tzinfo=UTC) + chance.randrange(3 * 365) * DAY


def _day_before_a_change_of_clocks(chance: Random) -> datetime:
    """A day, in a zone that changes its clocks, within two days before they do."""
    zone, first = ZoneInfo(chance.choice(CHANGING)), _any_day(chance)

    def offset(day: datetime) -> timedelta | None:
        return day.astimezone(zone).utcoffset()

    days = (first + n * DAY for n in range(366))
    # Some of them have kept one time for a year.
    return next((day for day in days if offset(day) != offset(day + 2 * DAY)), first)


def _moment(chance: Random, start: datetime, days: int) -> datetime:
    """An instant that is no full minute, and so never the one at which somebody is due."""
    return start + timedelta(seconds=60 * chance.randrange(60 * 24 * days) + 17)


def _wishes(chance: Random) -> Wishes:
    frequency = chance.choice(("daily", "daily", "daily", "weekdays", "weekly"))
    return Wishes(chance.choice(ZONES), chance.randrange(24), frequency, chance.randrange(7))


def _changes(
    chance: Random, readers: Sequence[Wishes], start: datetime, days: int
) -> Sequence[tuple[datetime, int, Wishes]]:
    changes = []
    for reader, wishes in enumerate(readers):
        for at in sorted({_moment(chance, start, days) for _ in range(chance.randrange(4))}):
            wishes = _changed(chance, wishes, at.date())
            changes.append((at, reader, wishes))
    return changes


def _changed(chance: Random, wishes: Wishes, today: date) -> Wishes:
    return chance.choice(
        (
            replace(wishes, hour=chance.randrange(24)),
            replace(wishes, zone=chance.choice(ZONES)),
            replace(_wishes(chance), is_active=wishes.is_active),
            # From yesterday, which may be today where the reader is.
            replace(wishes, paused_until=today + chance.randrange(-1, 9) * DAY),
            replace(wishes, paused_until=None),
            replace(wishes, is_active=not wishes.is_active),
        )
    )


def _outages(
    chance: Random, kind: Outage, start: datetime, days: int
) -> Iterator[tuple[Outage, datetime, datetime]]:
    for _ in range(chance.randrange(4)):
        since = _moment(chance, start, days)
        until = since + chance.choice(_LENGTHS) * MINUTE
        yield kind, since, min(until, start + days * DAY)
