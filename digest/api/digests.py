"""What became of digests, and why: along an index that there is anyway, whatever is asked for.

There are a million rows a day, and each index would cost every digest a write. So the way through
the rows depends on what is asked for, and a filter that no index knows looks at a bounded number of
rows for each page.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Max, Min
from ninja import Query, Router

from digest.models import Digest, Scope
from subscribers.database import fetch
from subscribers.models import Subscriber

from . import shown
from .access import Bearer, Request
from .paging import Cursor, Key, Limit, Page, bad_cursor, cursor_of, day, keys_of, moment, number
from .problems import Problem, not_found
from .schemas import Day, DigestOut, DigestState, Json

router = Router(tags=["Digests"])
_READ = Bearer(Scope.READ_DIGESTS)
Reader = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="A reader's id.")]
OwnDate = Annotated[Day | None, Query(description="The readers' own date.")]
# So many rows are looked at for a page at most, in steps; and of so many readers the entries in the
# index of readers and dates.
MOST, _STEP = 20_000, 2_000
_READERS = 20_000
_Kind = Callable[[Key], Any]


@dataclass(frozen=True, slots=True)
class _Way:
    """Rows in the order of an index: those that `where` names, by the columns `keys`."""

    where: str
    keys: str
    kinds: Sequence[_Kind]
    is_descending: bool = False


_GONE_WRONG = "state IN ('failed', 'bounced', 'complained', 'uncertain', 'assumed')"
_WAYS_BY_STATE = {
    "ready": (_Way("state = 'ready'", "next_attempt_at, id", (moment, number)),),
    "sending": (_Way("state = 'sending'", "lease_until, id", (moment, number)),),
    **dict.fromkeys(
        ("failed", "bounced", "complained", "uncertain", "assumed"),
        (
            _Way(
                f"{_GONE_WRONG} AND handed_over_at IS NOT NULL",
                "handed_over_at, id",
                (moment, number),
            ),
            _Way(f"{_GONE_WRONG} AND handed_over_at IS NULL", "id", (number,)),
        ),
    ),
}
_BY_READER = (
    _Way("subscriber_id IS NOT NULL", "subscriber_id, local_date", (number, day)),
    _Way("subscriber_id IS NULL", "local_date, id", (day, number)),
)
_OF_READER = (_Way("subscriber_id = %(subscriber)s", "local_date", (day,), is_descending=True),)


@router.get("", auth=_READ, response=Page[DigestOut], summary="List digests")
def list_digests(
    request: Request,
    limit: Limit = 50,
    cursor: Cursor = "",
    subscriber: Reader = None,
    date: OwnDate = None,
    state: DigestState | None = None,
) -> Json:
    """Digests, by reader, by date or by state, in an order that stays the same.

    A reader's are the newest first. A page may be short, even empty: go on while there is `next`.
    """
    asked = {"subscriber": subscriber, "date": date, "state": state}
    ways = _OF_READER if subscriber else _WAYS_BY_STATE.get(state or "", _BY_READER)
    ids, following = _look(ways, asked, limit, cursor)
    rows = Digest.objects.select_related("edition").only(*_FIELDS).in_bulk(ids)
    return {"items": [shown.digest(rows[pk]) for pk in ids if pk in rows], "next": following}


@router.get("/{id}", auth=_READ, response={200: DigestOut, 404: Problem}, summary="One digest")
def get_digest(request: Request, id: UUID) -> Json:
    found = Digest.objects.select_related("edition").filter(uuid=id).first()
    if found is None:
        raise not_found("digest")
    return shown.digest(found)


_FIELDS = (
    *("uuid", "subscriber_id", "local_date", "edition__date", "state", "skip_reason", "error"),
    *("due_at", "attempts", "handed_over_at", "mail_service", "paper_ids"),
)


# --- on the way ----------------------------------------------------------------------------
def _look(
    ways: Sequence[_Way], asked: dict[str, Any], limit: int, cursor: str
) -> tuple[list[int], str | None]:
    """Return the ids of a page and the cursor of the next."""
    place, keys = _read(ways, cursor)
    found: list[int] = []
    left = MOST
    step = _STEP if _is_filtered(ways, asked) else limit + 1
    while place < len(ways) and left > 0:
        upto = _upto(ways[place], asked, keys)
        rows = _rows(ways[place], {**asked, "upto": upto}, keys, step)
        for pk, is_wanted, *keys in rows:
            if is_wanted:
                found.append(pk)
            if len(found) == limit:
                return found, cursor_of(place, *keys)
        left -= len(rows)
        if len(rows) < step and upto is not None and upto < _end(Max):
            keys, left = [upto, asked["date"]], left - MOST // 2
        elif len(rows) < step:
            place, keys = place + 1, []
    return found, cursor_of(place, *keys) if place < len(ways) else None


def _upto(way: _Way, asked: dict[str, Any], keys: Sequence[Any]) -> int | None:
    """The last reader to look at, for a date: the index has each reader's dates beside each other,
    and few of them may have this one."""
    if asked["date"] is None or not way.keys.startswith("subscriber_id"):
        return None
    first: int = keys[0] if keys else (_end(Min) - 1)
    return first + _READERS


def _end(of: type[Min] | type[Max]) -> int:
    """The oldest or the newest reader."""
    found: int = Subscriber.objects.aggregate(end=of("pk"))["end"] or 1
    return found


def _read(ways: Sequence[_Way], cursor: str) -> tuple[int, list[Any]]:
    """Which of the ways a cursor stands on, and after which keys."""
    if not cursor:
        return 0, []
    for place, way in enumerate(ways):
        for kinds in ((number, *way.kinds), (number,)):
            try:
                said, *keys = keys_of(cursor, *kinds) or [-1]
            except type(bad_cursor()):
                continue
            if said == place:
                return place, keys
    raise bad_cursor()


def _is_filtered(ways: Sequence[_Way], asked: dict[str, Any]) -> bool:
    return ways is not _OF_READER and bool(asked["date"] or asked["state"])


def _rows(way: _Way, asked: dict[str, Any], keys: Sequence[Any], step: int) -> list[Any]:
    """The next rows of a way: their id, whether they are wanted, and their keys."""
    names = {f"key{place}": key for place, key in enumerate(keys)}
    after = ", ".join(f"%({name})s" for name in names)
    compared = "<" if way.is_descending else ">"
    order = "DESC" if way.is_descending else "ASC"
    where = way.where + (f" AND ({way.keys}) {compared} ({after})" if keys else "")
    # The index of readers and dates knows the date as well.
    if asked["date"] and "local_date" in way.keys:
        where += " AND local_date = %(date)s"
    if asked["upto"] is not None:
        where += " AND subscriber_id <= %(upto)s"
    return fetch(
        f"""
        SELECT id, (%(date)s::date IS NULL OR local_date = %(date)s)
            AND (%(state)s::text IS NULL OR state = %(state)s), {way.keys}
        FROM digest_digest WHERE {where}
        ORDER BY {", ".join(f"{key} {order}" for key in way.keys.split(", "))} LIMIT {step}
        """,
        {**asked, **names},
    )
