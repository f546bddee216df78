"""When a reader's next digest is due. Takes plain values, returns instants, needs no database."""

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
    """Return the first instant after `after`, in UTC, at which clocks in `zone` show `hour`:00.

    Only days that `frequency` allows count, and none before `paused_until`. `weekday` (Monday is 0)
    is the day of a weekly digest. If the hour occurs twice, the first one counts. If the clock
    skips the hour, the digest is due at the moment of the jump. A day that a country skipped
    altogether, as Samoa did when it crossed the date line, has no digest.
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
    """Return `next_due` for the subscriber's preferences, whatever their state."""
    return next_due(
        after,
        zone=subscriber.zone,
        hour=subscriber.hour,
        frequency=subscriber.frequency,
        weekday=subscriber.weekday,
        paused_until=subscriber.paused_until,
    )


def last_due_of(subscriber: Subscriber, now: datetime) -> datetime | None:
    """Return when a digest was last due within the past week, ignoring pauses, or None."""
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
    """Return the first instant of tomorrow in `zone`, as UTC."""
    tz = ZoneInfo(zone)
    today = now.astimezone(tz).date()
    day = today + timedelta(days=1)
    while (start := _instant(day, 0, tz)) is None:
        day += timedelta(days=1)
    return start


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
