"""What delivery must know of a reader: one list of columns, and what a row of them becomes."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from digest.choosing.composing import Request

from .limits.providers import provider_of

_OF_THE_DIGEST = {"digest_id", "edition_id", "subscriber_id"}
# Whatever else a request holds is the reader's own, in a column of the same name.
_PREFERENCES = [field.name for field in fields(Request) if field.name not in _OF_THE_DIGEST]
_COLUMNS = ("id", "email", "links_epoch", "links_generation", *_PREFERENCES)
# For a SELECT or RETURNING list in which `s` is the subscriber.
COLUMNS = ", ".join(f"s.{column}" for column in _COLUMNS)
WIDTH = len(_COLUMNS)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A reader, and how they want the digest that is being made for them.

    `address` is empty, and `subscriber_id` None, for a reader who has been erased. `preferences`
    are those that a `Request` needs, in its order.
    """

    subscriber_id: int | None
    address: str
    provider: str
    links_epoch: str
    links_generation: int
    preferences: Sequence[Any]

    def request(self, digest_id: int, edition_id: int) -> Request:
        """The digest to be composed for this reader, who is not erased, from this edition."""
        assert self.subscriber_id is not None
        return Request(digest_id, edition_id, self.subscriber_id, *self.preferences)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A digest that this worker holds, and whom it is for."""

    digest_id: int
    uuid: UUID
    attempts: int
    due_at: datetime
    recipient: Recipient


def from_row(row: Sequence[Any]) -> Recipient:
    """The recipient in a row of `COLUMNS`."""
    subscriber_id, email, epoch, generation, *preferences = row
    address, provider = email or "", provider_of(email or "")
    return Recipient(subscriber_id, address, provider, epoch or "", generation or 0, preferences)
