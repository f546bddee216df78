"""A clock that a test sets, for PostgreSQL and for Python at once.

PostgreSQL's functions of time are shadowed by functions in a schema that is searched first.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import time_machine

from subscribers.database import execute

_FUNCTIONS = ("now", "statement_timestamp", "clock_timestamp", "transaction_timestamp")


class Clock:
    """The time in this process and on Django's connection. It stands still until it is set."""

    def __init__(self, coordinates: time_machine.Traveller) -> None:
        self._coordinates = coordinates

    def set(self, now: datetime) -> None:
        self._coordinates.move_to(now)
        execute("SELECT set_config('clock.now', %s, false)", [now.isoformat()])


@contextmanager
def settable(now: datetime) -> Iterator[Clock]:
    """A clock that shows `now`, on this connection, until the block or the transaction ends."""
    execute("DROP SCHEMA IF EXISTS clock CASCADE")
    execute("CREATE SCHEMA clock")
    for name in _FUNCTIONS:
        execute(
            f"CREATE FUNCTION clock.{name}() RETURNS timestamptz LANGUAGE sql STABLE"
            " AS $$ SELECT current_setting('clock.now')::timestamptz $$"
        )
    execute("SET search_path TO clock, public, pg_catalog")
    try:
        with time_machine.travel(now, tick=False) as coordinates:
            clock = Clock(coordinates)
            clock.set(now)
            yield clock
    finally:
        execute("RESET search_path")
        execute("DROP SCHEMA clock CASCADE")
