"""Pages of a list by cursor: each goes on where the last one ended, along an index."""

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Generic, TypeVar

from django.db.models import Model, QuerySet
from ninja import Query, Schema
from pydantic import Field

from .problems import ApiError, invalid

T = TypeVar("T")
Row = TypeVar("Row", bound=Model)
Key = str | int

Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]
Cursor = Annotated[
    str, Query(max_length=300, description="`next` of the page before; empty for the first.")
]


class Page(Schema, Generic[T]):
    """A part of a list. There is more as long as `next` is not null, even if `items` is short."""

    items: list[T]
    next: str | None = Field(description="The cursor of the next page, or null after the last.")


def cursor_of(*keys: date | Key | None) -> str:
    """What the next page is asked for with: where this one ended."""
    said = [key.isoformat() if isinstance(key, date) else key for key in keys]
    return urlsafe_b64encode(json.dumps(said, separators=(",", ":")).encode()).decode().rstrip("=")


def keys_of(cursor: str, *kinds: Callable[[Key], T]) -> list[T] | None:
    """Read a cursor of keys of these kinds; None if it is empty."""
    if not cursor:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        said = json.loads(b64decode(padded.encode(), altchars=b"-_", validate=True))
        return [kind(key) for kind, key in zip(kinds, said, strict=True)]
    except (ValueError, TypeError, RecursionError) as error:
        raise bad_cursor() from error


def bad_cursor() -> ApiError:
    return invalid({"query.cursor": "Take it from “next” of the page before, unchanged."})


def number(key: Key) -> int:
    """A cursor's key as a row's number."""
    if not isinstance(key, int) or isinstance(key, bool) or not 0 <= key < 2**63:
        raise ValueError
    return key


def day(key: Key) -> date:
    return date.fromisoformat(str(key))


def moment(key: Key) -> datetime:
    at = datetime.fromisoformat(str(key))
    if at.tzinfo is None:
        raise ValueError
    return at


def paged(
    rows: QuerySet[Row, Row], limit: int, key: Callable[[Row], str]
) -> tuple[list[Row], str | None]:
    """Return a page of the rows and its next cursor. One more row than the limit is looked at."""
    found = list(rows[: limit + 1])
    page = found[:limit]
    return page, key(page[-1]) if len(found) > limit else None
