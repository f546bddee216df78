"""What delivery must know of a reader: one list of columns, and what a row of them becomes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from digest.choosing.composing import Request

from .limits.providers import provider_of

_OF_THE_DIGEST = {"digest_id", "edition_id", "subscriber_id"}
# Whatever else a request holds is the reader's own, in a column of the same name.
_PREFERENCES = [field.name for field in fields(Request) if field.name not in _OF_THE_DIGEST]
_COLUMNS = ("id", "email", "links_epoch", *_PREFERENCES)
# For a SELECT or RETURNING list in which `s` is the subscriber.
COLUMNS = ", ".join(f"s.{column}" for column in _COLUMNS)
WIDTH = len(_COLUMNS)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A reader, and how they want the digest that is being made for them.

    `address` is empty, and the request's subscriber None, for a reader who has been erased.
    """

    address: str
    provider: str
    links_epoch: str
    request: Request


@dataclass(frozen=True, slots=True)
class Claimed:
    """A digest that this worker holds, and whom it is for."""

    digest_id: int
    uuid: UUID
    attempts: int
    recipient: Recipient


def from_row(digest_id: int, edition_id: int, row: Sequence[Any]) -> Recipient:
    """The recipient of this digest; `row` holds the values of `COLUMNS`."""
    subscriber_id, email, links_epoch, *preferences = row
    address = email or ""
    return Recipient(
        address=address,
        provider=provider_of(address),
        links_epoch=links_epoch or "",
        request=Request(digest_id, edition_id, subscriber_id, *preferences),
    )
