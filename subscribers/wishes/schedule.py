"""When a reader's next digest is due. Takes plain values, returns instants, needs no database."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from subscribers.models import Subscriber

from .zones import zone_of

_DAY = timedelta(days=1)
_DAYS = {
    Subscriber.Frequency.DAILY.value: frozenset(range(7)),
    Subscriber.Frequency.WEEKDAYS.value: frozenset(range(5)),
}


class Due(NamedTuple):
    """When a digest is due, in UTC, and the reader's own calendar day that it belongs to."""

    at: datetime
    on: date


class Timing(NamedTuple):
    """The preferences that decide when a digest is due.

    `weekday` is the day of a weekly digest; Monday is 0.
    """

    zone: str
    hour: int
    frequency: str
    weekday: int
    paused_until: date | None


def next_due(after: datetime, timing: Timing, last: date | None = None) -> Due:
    """Return the first time after `after` at which clocks in the zone show the hour.

    Only days that the frequency allows count, none before `paused_until`, and none up to `last`,
    the local date of the reader's latest digest. If the hour occurs twice, the first one counts. If
    the clock skips the hour, the digest is due at the moment of the jump, and still belongs to the
    day that it was meant for. A day that a country skipped altogether, as Samoa did when it crossed
    the date line, has no digest.
    """
    tz = zone_of(timing.zone)
    allowed = _DAYS.get(timing.frequency, {timing.weekday})
    # The day before, because an hour that the clock skips at midnight is due on the next day.
    day = max(after.astimezone(tz).date() - _DAY, timing.paused_until or date.min)
    if last is not None:
        day = max(day, last + _DAY)
    while True:
        if day.weekday() in allowed:
            at = _instant(day, timing.hour, tz)
            if at is not None and at > after:
                return Due(at, day)
        day += _DAY


def timing_of(subscriber: Subscriber) -> Timing:
    """Return what the subscriber's preferences say about when a digest is due."""
    return Timing(
        subscriber.zone,
        subscriber.hour,
        subscriber.frequency,
        subscriber.weekday,
        subscriber.paused_until,
    )


def next_due_of(subscriber: Subscriber, after: datetime) -> Due:
    """Return `next_due` for the subscriber's preferences, whatever their state."""
    return next_due(after, timing_of(subscriber), subscriber.last_due_on)


def today_in(zone: str, now: datetime) -> date:
    """Return today's date in `zone`."""
    return now.astimezone(zone_of(zone)).date()


def _instant(day: date, hour: int, tz: ZoneInfo) -> datetime | None:
    """Return when clocks show or skip `hour`:00 on that day, or None if the zone skips the day."""
    wanted = datetime.combine(day, time(hour), tz)
    due = wanted.astimezone(UTC)
    # Times in the same zone are compared by what the clock shows (PEP 495).
    if due.astimezone(tz) == wanted:
        return due
    jump = _jump_over(wanted, tz)
    last_before = jump - timedelta(seconds=1)
    days_around = {last_before.astimezone(tz).date(), jump.astimezone(tz).date()}
    return jump if day in days_around else None


def _jump_over(wanted: datetime, tz: ZoneInfo) -> datetime:
    """Return the instant at which the clock skips `wanted`, a time that it never shows.

    Read with the offset after the jump (fold 1), `wanted` is before the jump; read with the offset
    before it (fold 0), it is after the jump (PEP 495). Bisection finds the jump between the two.
    """
    earlier = wanted.replace(fold=1).astimezone(UTC)
    later = wanted.replace(fold=0).astimezone(UTC)
    seconds = bisect_left(
        range(int((later - earlier).total_seconds())),
        True,
        key=lambda passed: (earlier + timedelta(seconds=passed)).astimezone(tz) > wanted,
    )
    return earlier + timedelta(seconds=seconds)
