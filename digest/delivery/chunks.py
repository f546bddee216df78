"""What a run passes to its senders and gets back from them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from digest.choosing.composing import Composed
from digest.mail.message import DigestMessage
from digest.mail.rendering import render
from digest.mail.shared import shared_parts
from digest.models import Digest

from .recipients import Claimed, Recipient


@dataclass(frozen=True, slots=True)
class Rendered:
    """A digest that is ready to be handed over, except for its recipient."""

    claimed: Claimed
    composed: Composed
    message: DigestMessage


def message_for(
    recipient: Recipient, selection: Composed, *, uuid: UUID, now: datetime
) -> DigestMessage:
    """Return the mail with this selection, except for its address.

    The same arguments give the same mail again; `now` decides which month's links it has.
    """
    request = recipient.request(selection.digest_id, selection.window.edition_id)
    return render(
        shared_parts(selection.window, request.language, request.has_pictures),
        selection,
        uuid=uuid,
        subscriber_id=request.subscriber_id,
        now=now,
        links_generation=recipient.links_generation,
        is_weekly=request.is_weekly,
    )


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rendered digests that are marked, handed over and recorded together."""

    token: UUID
    rendered: Sequence[Rendered]

    @property
    def ids(self) -> list[int]:
        return [one.composed.digest_id for one in self.rendered]


@dataclass
class Tally:
    """What a run did: digests by the state they were left in, and skipped ones by reason."""

    states: Counter[str] = field(default_factory=Counter)
    skip_reasons: Counter[str] = field(default_factory=Counter)

    def add_skips(self, reasons: Counter[str]) -> None:
        self.skip_reasons.update(reasons)
        self.states[Digest.State.SKIPPED] += reasons.total()

    def add(self, other: "Tally") -> None:
        self.states.update(other.states)
        self.skip_reasons.update(other.skip_reasons)
