"""Which readers are due, since when, and when each of them is due next."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeVar

from subscribers.database import array, execute, fetch
from subscribers.wishes.schedule import Due, Timing, next_due, today_in

from .recipients import COLUMNS

T = TypeVar("T")
# Days that were missed longer ago than this, by a database restored from an old backup, get no row.
CATCH_UP = timedelta(days=31)


class DueReader(NamedTuple):
    """A reader who is due: since when, by which timing, and a row of ``recipients.COLUMNS``."""

    subscriber_id: int
    due: Due
    is_first: bool
    timing: Timing
    columns: Sequence[Any]


def due_readers(
    limit: int, condition: str, parameters: Mapping[str, Any], until: datetime | None = None
) -> list[DueReader]:
    """The readers who have been due longest, `until` then or now, locked until the end of the
    transaction."""
    rows = fetch(
        f"""
        SELECT s.id, s.next_due_at, s.next_due_on, s.next_due_at = s.confirmed_at,
            s.zone, s.hour, s.frequency, s.weekday, s.paused_until, {COLUMNS}
        FROM subscribers_subscriber s
        WHERE state = 'active' AND next_due_at <= coalesce(%(until)s, now()) AND {condition}
        ORDER BY next_due_at, id
        LIMIT %(limit)s
        FOR NO KEY UPDATE SKIP LOCKED
        """,
        {**parameters, "until": until, "limit": limit},
    )
    return [_reader(*row) for row in rows]


def _reader(pk: int, at: datetime, on: date | None, is_first: bool | None, *rest: Any) -> DueReader:
    zone, hour, frequency, weekday, paused_until, *columns = rest
    timing = Timing(zone, hour, frequency, weekday, paused_until)
    local_date = on or today_in(timing.zone, at)
    return DueReader(pk, Due(at, local_date), bool(is_first), timing, columns)


class Dues(NamedTuple):
    """All times at which a reader has been due, oldest first, and the next one to come."""

    past: Sequence[Due]
    following: Due


def catching_up(now: datetime) -> Callable[[Due, Timing], Dues]:
    """How to find everything that was due until `now`, cached: most readers share their timing."""

    @cache
    def dues(first: Due, timing: Timing) -> Dues:
        past = [first]
        while (due := next_due(max(past[-1].at, now - CATCH_UP), timing, past[-1].on)).at <= now:
            past.append(due)
        return Dues(past, due)

    return dues


def shared(values: Iterable[T]) -> tuple[Sequence[T], Sequence[int]]:
    """The different values, and for each of `values` its place among them, from 1."""
    places: dict[T, int] = {}
    numbers = [places.setdefault(value, len(places) + 1) for value in values]
    return list(places), numbers


def set_next_due(dues: Mapping[int, Dues]) -> None:
    """Set when each subscriber is due next. Many share their times, which go over only once."""
    times, places = shared(
        (due.following.at, due.following.on, due.past[-1].on) for due in dues.values()
    )
    at, on, last = zip(*times, strict=True)
    execute(
        """
        UPDATE subscribers_subscriber s
        SET next_due_at = (%(at)s::timestamptz[])[due.place],
            next_due_on = (%(on)s::date[])[due.place],
            last_due_on = (%(last)s::date[])[due.place]
        FROM unnest(%(ids)s::bigint[], %(places)s::int[]) AS due(id, place)
        WHERE s.id = due.id
        """,
        {
            "ids": array(dues),
            "places": array(places),
            "at": list(at),
            "on": list(on),
            "last": list(last),
        },
    )
