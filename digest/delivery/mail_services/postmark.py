"""Postmark: it can be asked whether it has a message."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import requests

from digest.delivery.outcomes import Meaning, Outcome, Verdict

from .base import Doubtful, Traits
from .bounces import Bounces

# How far Postmark's clock may be from the database's.
_CLOCK_SKEW = timedelta(minutes=1)


def _look_up(
    session: requests.Session, backend: Any, digests: Sequence[Doubtful]
) -> Iterator[tuple[Doubtful, Outcome]]:
    """Search Postmark's outbound messages for each digest.

    A digest that is not found may still be there: the index can lag behind, most likely when
    Postmark is in trouble. So its absence is believed only when Postmark already shows a digest
    that was handed over later. https://postmarkapp.com/developer/api/messages-api
    """
    newest = [
        datetime.fromisoformat(found["ReceivedAt"])
        for found in _search(session, backend, tag="digest")
    ]
    for digest in digests:
        found = _search(session, backend, metadata_digest=str(digest.uuid))
        # The metadata is compared again: a search that ignored the filter would otherwise confirm
        # every digest.
        ours = [
            one["MessageID"] for one in found if one["Metadata"].get("digest") == str(digest.uuid)
        ]
        if ours:
            yield digest, Outcome(Verdict.SENT, message_id=ours[0])
        elif digest.is_settled and any(at > digest.handed_over_at + _CLOCK_SKEW for at in newest):
            yield digest, Outcome(Verdict.RETRY)
        else:
            yield digest, Outcome(Verdict.UNCERTAIN)


def _search(session: requests.Session, backend: Any, **wanted: str) -> list[dict[str, Any]]:
    """The newest outbound message that fits, or none."""
    stream = {"messagestream": backend.message_stream} if backend.message_stream else {}
    response = session.get(
        urljoin(backend.api_url, "messages/outbound"),
        params={"count": "1", "offset": "0", **stream, **wanted},
        headers={"Accept": "application/json", "X-Postmark-Server-Token": backend.server_token},
        timeout=backend.timeout,
        allow_redirects=False,
    )
    response.raise_for_status()
    return list(response.json()["Messages"])


# https://postmarkapp.com/developer/api/bounce-api#bounce-types
# A spam notification is a filter's, not the reader's; a complaint has a type of its own.
_BOUNCES = Bounces(
    hard=[{"Type": {"HardBounce", "BadEmailAddress"}}, {"SuppressionReason": {"HardBounce"}}],
    blocks=[{"Type": {"Blocked", "SpamNotification", "VirusNotification", "DMARCPolicy"}}],
)

# https://postmarkapp.com/developer/api/overview#error-codes (300 can be about anything)
_REFUSALS = {
    "10": Meaning.US,
    "100": Meaning.US_FOR_NOW,
    "400": Meaning.US,
    "401": Meaning.US,
    "402": Meaning.MESSAGE,
    "403": Meaning.MESSAGE,
    "405": Meaning.US,
    "406": Meaning.ADDRESS,
    "409": Meaning.MESSAGE,
    "411": Meaning.MESSAGE,
    "412": Meaning.US,
    "413": Meaning.US,
    "429": Meaning.US_FOR_NOW,
    "1226": Meaning.US,
    "1235": Meaning.US,
}

TRAITS = Traits(name="Postmark", refusals=_REFUSALS, look_up=_look_up, bounces=_BOUNCES)
