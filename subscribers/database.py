"""The few things we ask of PostgreSQL itself: plain statements, its clock, and its locks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from enum import IntEnum
from typing import Any

import psycopg
from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper

Parameters = Mapping[str, Any] | Sequence[Any] | None
# A statement that a session has run this many times is prepared. Django's own are all different.
_PREPARE_AFTER = 5
_TIMES = psycopg.adapters.types["timestamptz"].oid
_TimeLoader = psycopg.adapters.get_loader(_TIMES, psycopg.pq.Format.TEXT)
assert _TimeLoader is not None


class Lock(IntEnum):
    """The advisory locks of this project, each with a number of its own."""

    CLOSING_AN_EDITION = 0x0ED1_7104
    STORING_PAPERS = 0x0ED1_7105
    ASKING_ARXIV = 0x0ED1_7106
    SENDING_LETTERS = 0x0ED1_7107
    SENDING_DIGESTS = 0x0ED1_7108
    HOLDING_A_MAIL_SERVICE = 0x0ED1_7109
    CURATING_PAPERS = 0x0ED1_7110
    MAKING_FORECASTS = 0x0ED1_7111
    IMPORTING_READERS = 0x0ED1_7112
    CALLING_AN_ENDPOINT = 0x0ED1_7113
    FETCHING_PICTURES = 0x0ED1_7114
    MAKING_SUMMARIES = 0x0ED1_7115
    PRUNING = 0x0ED1_7116


class _PreparingCursor(psycopg.Cursor[Any]):
    """A cursor that also tells Django's log of queries which statement it ran.

    The log reads `_query`, which psycopg leaves empty for a statement that is prepared already.
    """

    def _send_query_prepared(self, name: bytes, pgq: Any, *, binary: bool | None = None) -> None:
        self._query = pgq
        super()._send_query_prepared(name, pgq, binary=binary)


def fetch(sql: str, parameters: Parameters = None) -> list[tuple[Any, ...]]:
    """Run a statement and return all of its rows."""
    with _preparing_cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def execute(sql: str, parameters: Parameters = None) -> int:
    """Run a statement and return how many rows it touched."""
    with _preparing_cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


@contextmanager
def _preparing_cursor() -> Iterator[CursorWrapper]:
    """A cursor whose statements PostgreSQL plans once in a session, not each time they are run.

    Django's own cursors write the parameters into the statement, so no two are the same. Planning
    and parsing took a third of the database's time for a digest. Django's loader of times is slow,
    too, because it is not psycopg's compiled one.
    """
    with connection.cursor() as cursor:
        connection.connection.prepare_threshold = _PREPARE_AFTER
        cursor.cursor = _PreparingCursor(connection.connection)
        cursor.cursor.adapters.register_loader("timestamptz", _TimeLoader)
        yield cursor


def array(values: Iterable[int | date]) -> str:
    """The values as PostgreSQL writes an array. psycopg takes ten times as long to dump a list."""
    return f"{{{','.join(map(str, values))}}}"


def database_now() -> datetime:
    """The time by the database's clock, the only one that counts.

    Within a transaction this is the time at which the transaction began.
    """
    ((now,),) = fetch("SELECT now()")
    assert isinstance(now, datetime)
    return now


def wait_for_lock(lock: Lock) -> None:
    """Wait until no other transaction holds `lock`, then hold it until this one ends."""
    execute("SELECT pg_advisory_xact_lock(%s)", [lock])


@contextmanager
def only_one(lock: Lock, place: int = 0) -> Iterator[bool]:
    """Hold the `lock` of this place for as long as the block runs, if nobody else holds it.

    Yields whether it is ours; it never waits. The lock belongs to the database session, so it also
    ends when the process dies or loses its connection.
    """
    ((is_ours,),) = fetch("SELECT pg_try_advisory_lock(%s, %s)", [lock, place])
    try:
        yield is_ours
    finally:
        if is_ours:
            _unlock(lock, place)


def _unlock(lock: Lock, place: int) -> None:
    try:
        execute("SELECT pg_advisory_unlock(%s, %s)", [lock, place])
    except DatabaseError:
        connection.close()  # which ends the session, and the lock with it
