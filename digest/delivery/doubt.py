"""How doubt is resolved: digests that the mail service may have, or may not.

    uncertain ──the service shows it──────────────► sent
        │    ──the service surely lacks it────────► ready
        │    ──the service knows its key──► sending ──► sent, or uncertain again
        └─── nothing of these, for long ──► assumed sent (``leases.sweep``)

Beside all this the service's own events may settle a digest at any time. Doubt is a state of
its own to the end: were a digest in doubt made READY for a second try, a change of the mail
service, a key that ran out or a refusal would make two mails of it, or a false "failed".
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin
from uuid import UUID, uuid4

import requests
from django.conf import settings

from digest.choosing.composing import Request, compose
from digest.mail.message import DigestMessage
from digest.mail.shared import TEMPLATE_VERSION, shared_parts
from digest.models import Digest
from subscribers.database import fetch

from . import leases, routing
from .connection import MailService
from .outcomes import Outcome, Verdict

logger = logging.getLogger(__name__)

State = Digest.State
# At most so many digests of a kind at once, and each again only after a while.
MOST = 100
PAUSE = timedelta(minutes=3)
# A service may show a message only a while after it took it.
SETTLING = timedelta(minutes=15)
# How far its clock may be from the database's.
CLOCKS = timedelta(minutes=1)
# A key that is about to run out is not relied on.
MARGIN = timedelta(minutes=5)


def resolve(*, seconds: float) -> Counter[str]:
    """Settle digests in doubt, each at the mail service it was handed to, for `seconds` (below
    ``MARGIN``).

    Answers how many came into each state. Those of a service that is not configured any more
    are left alone: a digest in doubt is never handed to a second one. Any number may run at
    once, on any host, and be killed at any moment. Call it outside a transaction.
    """
    deadline = time.monotonic() + seconds

    def is_over() -> bool:
        return time.monotonic() >= deadline

    states: Counter[str] = Counter()
    for name in routing.names():
        backend = routing.connection_to(name)
        states += look_up(name, backend, is_over=is_over)
        if idempotent_for := getattr(backend, "idempotent_for", None):
            states += retry(name, idempotent_for, is_over=is_over)
    return states


# --- asking the service ----------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Doubtful:
    """A digest that the service is asked about."""

    digest_id: int
    uuid: UUID
    attempts: int
    handed_over_at: datetime
    is_settled: bool


def look_up(mail_service: str, backend: Any, *, is_over: Callable[[], bool]) -> Counter[str]:
    """Ask the mail service about digests in doubt, where it can be asked.

    Answers how many came into each state. The service's address and key are the backend's.
    """
    states: Counter[str] = Counter()
    ask = LOOK_UPS.get(routing.kind_of(backend))
    if ask is None or not (digests := _take_to_look_up(mail_service)):
        return states
    with requests.Session() as session:
        try:
            for digest, outcome in ask(session, backend, digests):
                if state := _SETTLED.get(outcome.verdict):
                    states[state] += _settle(digest, state, outcome.message_id)
                if is_over():
                    break
        except (
            requests.RequestException,
            AttributeError,
            LookupError,
            TypeError,
            ValueError,
        ) as error:
            # No connection, or an answer that is not what the service documents: doubt stays.
            # Only the kind is logged, because the error may quote what was asked.
            kind = type(error).__name__
            logger.warning("%s was asked about digests in doubt in vain: %s", mail_service, kind)
    return states


_SETTLED = {Verdict.SENT: State.SENT, Verdict.RETRY: State.READY}


def _ask_postmark(
    session: requests.Session, backend: Any, digests: Sequence[Doubtful]
) -> Iterator[tuple[Doubtful, Outcome]]:
    """SENT, RETRY (surely not there) or UNCERTAIN for each.

    That a digest is not found says little: the index may be behind, most likely just when the
    service is in trouble. It is believed only when it already showed a digest that came later,
    and shows this one not even then. https://postmarkapp.com/developer/api/messages-api
    """
    stream = {"messagestream": backend.message_stream} if backend.message_stream else {}

    def search(**wanted: str) -> list[dict[str, Any]]:
        response = session.get(
            urljoin(backend.api_url, "messages/outbound"),
            params={"count": "1", "offset": "0", **stream, **wanted},
            headers={"Accept": "application/json", "X-Postmark-Server-Token": backend.server_token},
            timeout=backend.timeout,
            allow_redirects=False,
        )
        response.raise_for_status()
        return list(response.json()["Messages"])

    newest = [datetime.fromisoformat(found["ReceivedAt"]) for found in search(tag="digest")]
    for digest in digests:
        # The metadata is compared once more: a service that overlooked the filter would
        # otherwise confirm whatever it is asked.
        ours = [
            found["MessageID"]
            for found in search(metadata_digest=str(digest.uuid))
            if found["Metadata"].get("digest") == str(digest.uuid)
        ]
        if ours:
            yield digest, Outcome(Verdict.SENT, message_id=ours[0])
        elif digest.is_settled and any(at > digest.handed_over_at + CLOCKS for at in newest):
            yield digest, Outcome(Verdict.RETRY)
        else:
            yield digest, Outcome(Verdict.UNCERTAIN)


LookUp = Callable[[requests.Session, Any, Sequence[Doubtful]], Iterator[tuple[Doubtful, Outcome]]]
# anymail's name of the service -> how it is asked.
LOOK_UPS: Mapping[str, LookUp] = {"Postmark": _ask_postmark}


def _take_to_look_up(mail_service: str) -> list[Doubtful]:
    """The oldest digests in doubt at the service; nobody else gets them for a while."""
    rows = fetch(
        """
        WITH doubtful AS (
            SELECT id FROM digest_digest
            WHERE state = 'uncertain'
                AND mail_service = %(mail_service)s
                AND next_attempt_at <= now()
            ORDER BY handed_over_at, id
            LIMIT %(most)s
            FOR UPDATE SKIP LOCKED
        )
        UPDATE digest_digest d
        SET next_attempt_at = now() + %(pause)s
        FROM doubtful
        WHERE d.id = doubtful.id
        RETURNING d.id, d.uuid, d.attempts, d.handed_over_at,
            d.handed_over_at < now() - %(settling)s
        """,
        {"mail_service": mail_service, "most": MOST, "pause": PAUSE, "settling": SETTLING},
    )
    return sorted((Doubtful(*row) for row in rows), key=lambda digest: digest.handed_over_at)


def _settle(digest: Doubtful, state: str, message_id: str) -> int:
    """Store what the service said, unless an event or another attempt came first."""
    return len(
        fetch(
            """
            UPDATE digest_digest
            SET state = %(state)s, message_id = %(message_id)s, error = '',
                next_attempt_at = now(), lease_token = NULL, lease_until = NULL
            WHERE id = %(id)s AND state = 'uncertain' AND attempts = %(attempts)s
            RETURNING id
            """,
            {
                "state": state,
                "message_id": message_id[:300],
                "id": digest.digest_id,
                "attempts": digest.attempts,
            },
        )
    )


# --- handing over once more, under the same key ----------------------------------------------
@dataclass(frozen=True, slots=True)
class Stored:
    """A digest as it was handed over before: enough to make the same message again."""

    request: Request
    uuid: UUID
    address: str
    paper_ids: tuple[int, ...]
    reasons: tuple[str, ...]
    handed_over_at: datetime


def retry(
    mail_service: str, idempotent_for: timedelta, *, is_over: Callable[[], bool]
) -> Counter[str]:
    """Hand digests in doubt to the same service again, under the key it knows them by.

    Only an acceptance settles one. A refusal does not: it is of the second attempt and says
    nothing about the first. Answers how many came into each state.
    """
    states: Counter[str] = Counter()
    with MailService(mail_service) as service:
        while digests := take_for_retry(token := uuid4(), service.name, idempotent_for):
            results = _hand_over_again(service, digests, is_over)
            leases.record(token, results)
            states.update(result.state for result in results)
            if is_over() or any(result.state != State.SENT for result in results):
                break
    return states


def _hand_over_again(
    service: MailService, digests: Sequence[Stored], is_over: Callable[[], bool]
) -> list[leases.Result]:
    """After an answer that is not about the one message, the rest is not tried.

    Nor is it once the time is over: a process that was frozen may wake when a key has run out.
    """
    messages = make_again(digests)
    results, is_well = [], True
    for digest in digests:
        outcome = Outcome(Verdict.UNCERTAIN, "Waits for another try.")
        message = messages.get(digest.request.digest_id)
        if message and is_well and not is_over():
            outcome = service.connect() or service.hand_over(message)
            is_well = outcome.verdict in {Verdict.SENT, Verdict.FAILED}
        results.append(
            leases.Result(
                digest.request.digest_id,
                State.SENT if outcome.verdict is Verdict.SENT else State.UNCERTAIN,
                message_id=outcome.message_id,
                error=outcome.detail,
                wait=PAUSE,
            )
        )
    return results


def take_for_retry(token: UUID, mail_service: str, idempotent_for: timedelta) -> list[Stored]:
    """Mark digests in doubt as being sent, where their key still holds; the oldest first.

    `handed_over_at` stays that of the first attempt, because the key runs from there. All that
    ``leases.mark_sending`` asks is asked here too: the reader may still be written to, the
    service is not held.
    """
    rows = fetch(
        f"""
        WITH doubtful AS (
            SELECT d.id, s.id AS subscriber_id, s.email, s.frequency, s.length, s.language,
                s.is_exploring, s.confirmed_at
            FROM digest_digest d JOIN subscribers_subscriber s ON s.id = d.subscriber_id
            WHERE d.state = 'uncertain'
                AND d.mail_service = %(mail_service)s
                AND d.template_version = %(template_version)s
                AND d.handed_over_at > now() - %(holds)s
                AND d.next_attempt_at <= now()
                AND NOT {leases.HELD}
                AND ({leases.WHY_NOT}) IS NULL
            ORDER BY d.handed_over_at, d.id
            LIMIT %(most)s
            FOR UPDATE OF d SKIP LOCKED
        )
        UPDATE digest_digest d
        SET state = 'sending',
            attempts = d.attempts + 1,
            lease_token = %(token)s,
            lease_until = now() + %(lease)s,
            next_attempt_at = now() + %(pause)s
        FROM doubtful
        WHERE d.id = doubtful.id
        RETURNING d.id, d.edition_id, doubtful.subscriber_id, doubtful.frequency,
            doubtful.length, doubtful.language, doubtful.is_exploring, doubtful.confirmed_at,
            d.uuid, doubtful.email, d.paper_ids, d.reasons, d.handed_over_at
        """,
        {
            "mail_service": mail_service,
            "template_version": TEMPLATE_VERSION,
            "holds": idempotent_for - MARGIN,
            "late": settings.DELIVERY_LATE,
            "token": token,
            "lease": settings.DELIVERY_LEASE,
            "pause": PAUSE,
            "most": settings.DELIVERY_CHUNK,
        },
    )
    return sorted(
        (
            Stored(Request(*row[:8]), row[8], row[9], tuple(row[10]), tuple(row[11]), row[12])
            for row in rows
        ),
        key=lambda digest: digest.handed_over_at,
    )


def make_again(digests: Sequence[Stored]) -> dict[int, DigestMessage]:
    """The messages as they were, by digest id; without those that cannot be made again.

    `handed_over_at` stands for the time of the first attempt: the month in a link is the same.
    Where something has changed all the same, the service refuses the key and nothing is sent.
    """
    messages = {}
    again = {}
    if digests:
        composed = compose(
            [digest.request for digest in digests],
            vote_weight=settings.RANKING_VOTE_WEIGHT,
            least=settings.DIGEST_LEAST_PAPERS,
        )
        again = {c.digest_id: c for c in composed}
    for digest in digests:
        try:
            selection = again[digest.request.digest_id]
            message = DigestMessage(
                shared_parts(selection.window, digest.request.language),
                uuid=digest.uuid,
                subscriber_id=digest.request.subscriber_id,
                paper_ids=digest.paper_ids,
                reason_codes=digest.reasons,
                now=digest.handed_over_at,
                is_weekly=digest.request.is_weekly,
                is_first=selection.is_first,
            )
        except Exception:  # whatever it is, the others go on and this one stays in doubt
            logger.exception("Digest %s could not be made again.", digest.request.digest_id)
        else:
            message.to = [digest.address]
            messages[digest.request.digest_id] = message
    return messages
