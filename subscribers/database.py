"""The few things we ask of PostgreSQL itself: plain statements, its clock, and its locks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from enum import IntEnum
from threading import Event, Thread
from typing import Any
from uuid import uuid4

import psycopg
from django.db import Error, connection, connections
from django.db.backends.utils import CursorWrapper

Parameters = Mapping[str, Any] | Sequence[Any] | None
# A statement that a session has run this many times is prepared. Django's own are all different.
_PREPARE_AFTER = 5
_TIMES = psycopg.adapters.types["timestamptz"].oid
_TimeLoader = psycopg.adapters.get_loader(_TIMES, psycopg.pq.Format.TEXT)
assert _TimeLoader is not None
# For how long one is believed to be at work who is heard of no more (`only_one`).
_LATCH = timedelta(seconds=6)


class Lock(IntEnum):
    """What only one may do at a time, each with a number of its own. `wait_for_lock` waits for
    another's transaction to end, `only_one` does not wait."""

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
    READING_BOUNCES = 0x0ED1_7117


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
        if not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            connection.connection.prepare_threshold = _PREPARE_AFTER
        cursor.cursor = _PreparingCursor(connection.connection)
        cursor.cursor.adapters.register_loader("timestamptz", _TimeLoader)
        yield cursor


@contextmanager
def directly() -> Iterator[None]:
    """Have this thread ask the server itself, if there is a pooler in front of it, which would lend
    its session to others between two transactions. Call it outside a transaction."""
    if "direct" not in connections.databases:
        yield
        return
    pooled, own = connections["default"], connections.create_connection("direct")
    own.alias = "default"
    connections["default"] = own
    try:
        yield
    finally:
        connections["default"] = pooled
        own.close()


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

    Yields whether it is ours; it never waits. Call it outside a transaction. A row says who holds
    it, and a thread renews it, so it ends soon after the process dies, stands still, or is cut off
    from the database. A session's lock would not: the server hears of a lost host only after hours,
    and a pooler lends a session to somebody else after each transaction. Whoever was believed dead
    may go on beside the next holder, so this saves work and is no proof.
    """
    holder = {"lock": lock, "place": place, "holder": uuid4(), "lease": _LATCH}
    if not fetch(_TAKE, holder):
        yield False
        return
    is_over = Event()
    renewing = Thread(target=_renew, args=(holder, is_over), name="latch", daemon=True)
    renewing.start()
    try:
        yield True
    finally:
        is_over.set()
        renewing.join()
        _let_go(holder)


def is_held(lock: Lock, place: int = 0) -> bool:
    """Whether somebody holds the `lock` of this place now."""
    held = fetch(
        "SELECT FROM subscribers_latch"
        " WHERE lock = %s AND place = %s AND until > clock_timestamp()",
        [lock, place],
    )
    return bool(held)


# Two who try at the same moment do not wait for each other either, though one is in a transaction.
_TAKE = """
    INSERT INTO subscribers_latch AS latch (lock, place, holder, until)
    SELECT %(lock)s, %(place)s, %(holder)s, clock_timestamp() + %(lease)s
    WHERE pg_try_advisory_xact_lock(%(lock)s, %(place)s)
    ON CONFLICT (lock, place) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE latch.until < clock_timestamp()
    RETURNING 1
"""


def _renew(holder: Mapping[str, Any], is_over: Event) -> None:
    while not is_over.wait(_LATCH.total_seconds() / 3):
        try:
            execute(
                "UPDATE subscribers_latch SET until = clock_timestamp() + %(lease)s"
                " WHERE lock = %(lock)s AND place = %(place)s AND holder = %(holder)s",
                holder,
            )
        except Error:
            connection.close()  # the next try opens another
    connection.close()


def _let_go(holder: Mapping[str, Any]) -> None:
    try:
        execute(
            "DELETE FROM subscribers_latch"
            " WHERE lock = %(lock)s AND place = %(place)s AND holder = %(holder)s",
            holder,
        )
    except Error:
        connection.close()  # it ends by itself
