"""When a reader's next digest is due. Plain values in, an instant out; no database."""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from subscribers.models import Subscriber

_DAYS = {
    Subscriber.Frequency.DAILY.value: frozenset(range(7)),
    Subscriber.Frequency.WEEKDAYS.value: frozenset(range(5)),
}


def next_due(
    after: datetime,
    *,
    zone: str,
    hour: int,
    frequency: str,
    weekday: int,
    paused_until: date | None,
) -> datetime:
    """The first time after `after`, in UTC, at which the clock in `zone` shows `hour`:00.

    Only days that `frequency` allows count (`weekday`, Monday is 0, for a weekly one), and
    none before `paused_until`. An hour that comes twice counts the first time. For an hour
    that the clock jumps over it is the moment of the jump; a whole day that a country left
    out, as Samoa did when it crossed the date line, has no digest.
    """
    tz = ZoneInfo(zone)
    allowed = _DAYS.get(frequency, {weekday})
    day = max(after.astimezone(tz).date(), paused_until or date.min)
    while True:
        if day.weekday() in allowed:
            due = _instant(day, hour, tz)
            if due is not None and due > after:
                return due
        day += timedelta(days=1)


def next_due_of(subscriber: Subscriber, after: datetime) -> datetime:
    """`next_due` by what the subscriber set, whatever their state."""
    return next_due(
        after,
        zone=subscriber.zone,
        hour=subscriber.hour,
        frequency=subscriber.frequency,
        weekday=subscriber.weekday,
        paused_until=subscriber.paused_until,
    )


def last_due_of(subscriber: Subscriber, now: datetime) -> datetime | None:
    """When their last digest was due by what they set, pauses aside; None if that is long ago."""
    tz = ZoneInfo(subscriber.zone)
    allowed = _DAYS.get(subscriber.frequency, {subscriber.weekday})
    today = now.astimezone(tz).date()
    for day in (today - timedelta(days=days) for days in range(8)):
        if day.weekday() in allowed:
            due = _instant(day, subscriber.hour, tz)
            if due is not None and due <= now:
                return due
    return None


def end_of_day(now: datetime, zone: str) -> datetime:
    """The first instant of tomorrow, in UTC, for whoever lives in `zone`."""
    tz = ZoneInfo(zone)
    today = now.astimezone(tz).date()
    day = today + timedelta(days=1)
    while (start := _instant(day, 0, tz)) is None:
        day += timedelta(days=1)
    return start


def _instant(day: date, hour: int, tz: ZoneInfo) -> datetime | None:
    """When the clock shows `hour`:00 on that day, or jumps over it; None without such a day."""
    wanted = datetime.combine(day, time(hour), tz)
    due = wanted.astimezone(UTC)
    # Two times of one zone are compared by what the clock shows (PEP 495).
    if due.astimezone(tz) == wanted:
        return due
    jump = _jump_over(wanted, tz)
    last_before = jump - timedelta(seconds=1)
    days_around = {last_before.astimezone(tz).date(), jump.astimezone(tz).date()}
    return jump if day in days_around else None


def _jump_over(wanted: datetime, tz: ZoneInfo) -> datetime:
    """The instant at which the clock jumps over `wanted`, a time that it never shows.

    Read with the offset after the jump (fold 1), `wanted` lies before it; read with the one
    before (fold 0), after it (PEP 495). The jump is found between the two.
    """
    earlier = wanted.replace(fold=1).astimezone(UTC)
    later = wanted.replace(fold=0).astimezone(UTC)
    seconds = bisect_left(
        range(int((later - earlier).total_seconds())),
        True,
        key=lambda passed: (earlier + timedelta(seconds=passed)).astimezone(tz) > wanted,
    )
    return earlier + timedelta(seconds=seconds)
