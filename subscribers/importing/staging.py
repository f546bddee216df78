"""Entries in a temporary table, judged against what we know of their addresses.

The table belongs to the database session and is gone with it. Memory does not grow with the file.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from itertools import islice
from weakref import WeakKeyDictionary

from django.db import connection

from subscribers.database import execute, fetch

from .entries import Entry, Said

BATCH = 10_000
# What each judgement means for the row, and why, in words.
WHAT = {
    "added": ("add", "has consented"),
    "left": ("add as left", "has left the other system"),
    "bounced": ("suppress", "mail to the address bounced"),
    "complained": ("suppress", "has complained"),
    "blocked": ("suppress", "was blocked there"),
    "reader_active": ("nothing", "is a reader already"),
    "reader_pending": ("nothing", "has signed up here, but not confirmed"),
    "reader_unsubscribed": ("nothing", "has left here"),
    "duplicate": ("nothing", "stands in the file more than once"),
    "suppressed": ("nothing", "is suppressed here"),
    "erased": ("nothing", "was erased here"),
    "gone": ("nothing", "was a reader here and is not any more"),
    "no_basis": ("nothing", "no basis of consent was stated"),
    "unconfirmed": ("nothing", "has not confirmed there"),
    "unknown": ("nothing", "the state is not known"),
    "nothing": ("nothing", "the state is missing"),
    "invalid": ("nothing", "this is no address"),
    "no_address": ("nothing", "there is no address"),
    "ragged": ("nothing", "there are more cells than columns"),
    "too_long": ("nothing", "the row is too long"),
    "quote": ("nothing", "a quote is not closed"),
}

_COLUMNS = (
    *("number", "problem", "email", "address_hash", "confirmed_at"),
    *("wish", "note", "zone", "hour", "frequency", "weekday", "length", "language"),
    *("is_exploring", "paused_until", "due_at", "due_on", "topics", "terms"),
)
# What COPY takes for something else in a text.
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = {"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"}
_NULL = r"\N"
_COPY = f"COPY import_entry ({', '.join(_COLUMNS)}) FROM STDIN"
_DROP = "DROP TABLE IF EXISTS pg_temp.import_entry, pg_temp.import_judged"
_CREATE = """
CREATE TEMPORARY TABLE import_entry (
    number int NOT NULL, problem text NOT NULL, note text NOT NULL, wish text NOT NULL,
    email text NOT NULL, address_hash text NOT NULL, zone text, hour smallint, frequency text,
    weekday smallint, length smallint, language text, is_exploring boolean, paused_until date,
    confirmed_at timestamptz, due_at timestamptz, due_on date, topics jsonb, terms jsonb
)
"""
_HEAVIEST = "ARRAY['complained', 'blocked', 'bounced', 'left', 'unknown', 'nothing', 'unconfirmed']"
# Of several rows with one address, the one counts that forbids most. What a reader has done here
# outweighs any file; consents that came with files do not tell what somebody did here.
_JUDGE = f"""
CREATE TEMPORARY TABLE import_judged AS
SELECT e.number, CASE
    WHEN e.problem <> '' THEN e.problem
    WHEN e.turn > 1 THEN 'duplicate'
    WHEN s.id IS NOT NULL THEN 'reader_' || s.state
    WHEN EXISTS (
        SELECT FROM subscribers_consent c
        WHERE c.address_hash = e.address_hash AND c.act = 'erased'
    ) THEN 'erased'
    WHEN x.id IS NOT NULL THEN 'suppressed'
    WHEN EXISTS (
        SELECT FROM subscribers_consent c
        WHERE c.address_hash = e.address_hash AND c.act NOT IN ('asked', 'imported', 'left_before')
    ) THEN 'gone'
    WHEN e.wish <> 'active' THEN e.wish
    WHEN NOT %(has_basis)s THEN 'no_basis'
    ELSE 'added'
END AS judgement
FROM (
    SELECT number, problem, wish, address_hash, CASE WHEN problem = '' THEN row_number() OVER (
        PARTITION BY problem = '', address_hash COLLATE "C"
        ORDER BY coalesce(array_position({_HEAVIEST}, wish), 100), number
    ) END AS turn
    FROM import_entry
) e
LEFT JOIN subscribers_subscriber s ON s.address_hash = e.address_hash AND e.problem = ''
LEFT JOIN subscribers_suppression x ON x.address_hash = e.address_hash AND e.problem = ''
"""


@contextmanager
def tables() -> Iterator[None]:
    """Make the temporary table of entries, and drop it with what was judged when the block ends."""
    execute(_DROP)
    execute(_CREATE)
    try:
        yield
    finally:
        execute(_DROP)


def fill(entries: Iterable[Entry]) -> Iterator[int]:
    """Copy the entries, by the batch. Yields how many there are so far.

    Each batch is complete before it is copied, so the entries may come from the same database.
    """
    remaining, number = iter(entries), 0
    tails: WeakKeyDictionary[Said, str] = WeakKeyDictionary()
    while lines := [_line(entry, tails) for entry in islice(remaining, BATCH)]:
        with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
            copy.write("".join(lines))
        number += len(lines)
        yield number


def _line(entry: Entry, tails: MutableMapping[Said, str]) -> str:
    """The entry as a line for COPY. psycopg takes longer for it than for all else.

    `tails` are the parts of lines that rows share, for as long as somebody else remembers them.
    """
    number, said, problem, email, address_hash, confirmed_at = entry
    since = confirmed_at.isoformat() if confirmed_at else _NULL
    if (tail := tails.get(said)) is None:
        tail = tails[said] = _tail(said)
    return f"{number}\t{problem}\t{_text(email)}\t{address_hash}\t{since}\t{tail}"


def _tail(said: Said) -> str:
    value = said.preferences.get
    values = (
        *(said.wish, said.note, value("zone"), value("hour"), value("frequency")),
        *(value("weekday"), value("length"), value("language"), value("is_exploring")),
        *(value("paused_until"), said.due and said.due.at, said.due and said.due.on),
        json.dumps(said.topics) if said.topics else None,
        json.dumps(said.terms) if said.terms else None,
    )
    return "\t".join(map(_text, values)) + "\n"


def _text(value: object) -> str:
    if value is None:
        return _NULL
    text = str(value)
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], text) if _SPECIAL.search(text) else text


def judge(*, has_basis: bool) -> Mapping[str, int]:
    """Decide what becomes of each entry. Returns how many there are of each judgement."""
    execute("ALTER TABLE import_entry ADD PRIMARY KEY (number)")
    execute("ANALYZE import_entry")
    execute(_JUDGE.replace("%(has_basis)s", "true" if has_basis else "false"))
    execute("ALTER TABLE import_judged ADD PRIMARY KEY (number)")
    execute("ANALYZE import_judged")
    return dict(fetch("SELECT judgement, count(*) FROM import_judged GROUP BY 1 ORDER BY 1"))


def numbers() -> Iterator[tuple[int, int]]:
    """Yield the ranges of row numbers, the first and the one after the last, that are a batch."""
    ((last,),) = fetch("SELECT coalesce(max(number), 0) FROM import_entry")
    for first in range(0, last + 1, BATCH):
        yield first, first + BATCH


def keep(file_id: int) -> None:
    """Keep what becomes of each row of this file for the pages, instead of what was kept before."""
    execute("DELETE FROM subscribers_importrow WHERE file_id = %s", [file_id])
    execute(
        "INSERT INTO subscribers_importrow (file_id, number, judgement, says, note) "
        "SELECT %s, number, judgement, wish, note FROM import_entry JOIN import_judged "
        "USING (number) ORDER BY number",
        [file_id],
    )


def report() -> Iterator[tuple[int, str, str, str, str]]:
    """Yield each row's number, what becomes of it, why, what the file says, and a note."""
    for first, end in numbers():
        rows = fetch(
            "SELECT number, judgement, wish, note FROM import_entry JOIN import_judged "
            "USING (number) WHERE number >= %s AND number < %s ORDER BY number",
            [first, end],
        )
        for number, judgement, wish, note in rows:
            yield (number, *WHAT[judgement], wish, note)
