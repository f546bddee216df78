"""Hand a digest in doubt over once more, under the key by which the mail service recognises it."""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.conf import settings

from digest.choosing.composing import Composed, compose
from digest.delivery import handover
from digest.delivery.conditions import HELD, WHY_NOT
from digest.delivery.connection import Connection
from digest.delivery.deadline import IsOver
from digest.delivery.outcomes import Outcome, Verdict
from digest.delivery.recipients import COLUMNS, Recipient, from_row
from digest.mail.message import DigestMessage
from digest.mail.rendering import render
from digest.mail.shared import shared_parts
from digest.mail.version import template_version
from digest.models import Digest
from subscribers.database import fetch

logger = logging.getLogger(__name__)

State = Digest.State
# How long before the same digest is tried again.
PAUSE = timedelta(minutes=3)
# A key that is about to expire is not relied on.
KEY_MARGIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Attempted:
    """A digest that was handed over before: enough to make the same message again."""

    digest_id: int
    uuid: UUID
    recipient: Recipient
    paper_ids: tuple[int, ...]
    reasons: tuple[str, ...]
    handed_over_at: datetime


def retry(mail_service: str, idempotent_for: timedelta, *, is_over: IsOver) -> Counter[str]:
    """Hand digests in doubt to the same service again, under the key that it knows them by.

    Only an acceptance settles a digest. A refusal does not: it is about the second attempt and says
    nothing about the first. Returns how many digests entered each state.
    """
    states: Counter[str] = Counter()
    with Connection(mail_service) as connection:
        while digests := take(token := uuid4(), mail_service, idempotent_for):
            hand_overs = _hand_over_again(connection, digests, is_over)
            handover.record(token, hand_overs)
            states.update(hand_over.state for hand_over in hand_overs)
            if is_over() or any(hand_over.state != State.SENT for hand_over in hand_overs):
                break
    return states


def _hand_over_again(
    connection: Connection, digests: Sequence[Attempted], is_over: IsOver
) -> list[handover.HandOver]:
    """Hand over each digest until an answer is not about that one message; then leave the rest.

    The rest is left, too, once the time is over: a process that was frozen may wake up after a key
    has expired.
    """
    messages = make_again(digests)
    hand_overs, is_well = [], True
    for digest in digests:
        outcome = Outcome(Verdict.UNCERTAIN, "Waits for another attempt.")
        message = messages.get(digest.digest_id)
        if message and is_well and not is_over():
            outcome = connection.open() or connection.hand_over(message)
            is_well = outcome.verdict in {Verdict.SENT, Verdict.FAILED}
        hand_overs.append(
            handover.HandOver(
                digest.digest_id,
                State.SENT if outcome.verdict is Verdict.SENT else State.UNCERTAIN,
                message_id=outcome.message_id,
                error=outcome.detail,
                wait=PAUSE,
            )
        )
    return hand_overs


def take(token: UUID, mail_service: str, idempotent_for: timedelta) -> list[Attempted]:
    """Mark digests in doubt as being sent while their key is still valid; the oldest first.

    `handed_over_at` stays that of the first attempt, because the key is valid from then on. Checks
    everything that ``handover.mark_sending`` checks: the reader may still be written to, and the
    service is not held.
    """
    rows = fetch(
        _TAKE,
        {
            "mail_service": mail_service,
            "template_version": template_version(),
            "valid_for": idempotent_for - KEY_MARGIN,
            "late": settings.DELIVERY_LATE,
            "token": token,
            "lease": settings.DELIVERY_LEASE,
            "pause": PAUSE,
            "batch": settings.DELIVERY_CHUNK,
        },
    )
    return sorted(
        (
            Attempted(pk, uuid, from_row(pk, edition, reader), tuple(papers), tuple(reasons), at)
            for pk, uuid, edition, papers, reasons, at, *reader in rows
        ),
        key=lambda digest: digest.handed_over_at,
    )


_TAKE = f"""
    WITH doubtful AS (
        SELECT d.id AS digest_id, s.*
        FROM digest_digest d JOIN subscribers_subscriber s ON s.id = d.subscriber_id
        WHERE d.state = 'uncertain'
            AND d.mail_service = %(mail_service)s
            AND d.template_version = %(template_version)s
            AND d.handed_over_at > now() - %(valid_for)s
            AND d.next_attempt_at <= now()
            AND NOT {HELD}
            AND ({WHY_NOT}) IS NULL
        ORDER BY d.handed_over_at, d.id
        LIMIT %(batch)s
        FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE digest_digest d
    SET state = 'sending',
        attempts = d.attempts + 1,
        lease_token = %(token)s,
        lease_until = now() + %(lease)s,
        next_attempt_at = now() + %(pause)s
    FROM doubtful s
    WHERE d.id = s.digest_id
    RETURNING d.id, d.uuid, d.edition_id, d.paper_ids, d.reasons, d.handed_over_at, {COLUMNS}
"""


def make_again(digests: Sequence[Attempted]) -> dict[int, DigestMessage]:
    """The messages as they were, by digest id, without those that cannot be made again.

    They are made as of the first attempt, so that the month in their links is the same. Should
    anything differ all the same, the service refuses the key and nothing is sent.
    """
    selections = _compose_again(digests)
    messages = {}
    for digest in digests:
        try:
            messages[digest.digest_id] = _message(digest, selections[digest.digest_id])
        except Exception:  # whatever it is, the others go on and this one stays in doubt
            logger.exception("Digest %s could not be made again.", digest.digest_id)
    return messages


def _compose_again(digests: Sequence[Attempted]) -> dict[int, Composed]:
    """Selections from the same windows, by digest id; their papers may differ from the stored."""
    composed = compose(
        [digest.recipient.request for digest in digests],
        vote_weight=settings.RANKING_VOTE_WEIGHT,
        least=settings.DIGEST_LEAST_PAPERS,
    )
    return {selection.digest_id: selection for selection in composed}


def _message(digest: Attempted, selection: Composed) -> DigestMessage:
    request = digest.recipient.request
    message = render(
        shared_parts(selection.window, request.language),
        replace(selection, paper_ids=digest.paper_ids, reasons=digest.reasons),
        uuid=digest.uuid,
        subscriber_id=request.subscriber_id,
        now=digest.handed_over_at,
        is_weekly=request.is_weekly,
    )
    message.to = [digest.recipient.address]
    return message
