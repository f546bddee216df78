"""Hand a digest in doubt over once more, under the key by which the mail service recognises it."""

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings

from digest.choosing.composing import Composed, Request, compose
from digest.delivery import handover
from digest.delivery.chunks import message_for
from digest.delivery.conditions import HELD, WHY_NOT
from digest.delivery.connection import Connection
from digest.delivery.limits.deadline import FRESH_SECONDS, IsOver, patiently, stale_after
from digest.delivery.limits.gate import Gate, Passed
from digest.delivery.limits.holds import hold
from digest.delivery.limits.providers import provider_of
from digest.delivery.outcomes import Outcome, Verdict
from digest.delivery.recipients import COLUMNS, WIDTH, Recipient, from_row
from digest.mail.message import DigestMessage
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
    edition_id: int
    recipient: Recipient
    paper_ids: tuple[int, ...]
    reasons: tuple[str, ...]
    revision: int
    error: str
    handed_over_at: datetime

    @property
    def request(self) -> Request:
        return self.recipient.request(self.digest_id, self.edition_id)


def retry(mail_service: str, idempotent_for: timedelta, *, is_over: IsOver) -> Counter[str]:
    """Hand digests in doubt to the same service again, under the key that it knows them by.

    They pass the same gate as all others. Only an acceptance settles a digest. A refusal does not:
    it is about the second attempt and says nothing about the first. Returns how many digests
    entered each state.
    """
    states: Counter[str] = Counter()
    gate = Gate(mail_service)
    doubtful = _Doubtful(mail_service, idempotent_for - KEY_MARGIN)
    with Connection(mail_service) as connection:
        while not is_over() and (providers := doubtful.claim(gate.chunk_size)):
            passed = gate.admit(providers)
            digests = doubtful.mark(token := uuid4(), passed.ids)
            outcomes = _hand_over_again(connection, digests, passed, is_over)
            hand_overs = [_hand_over_of(one, outcomes.get(one.digest_id)) for one in digests]
            patiently(partial(handover.record, token, hand_overs))
            gate.give_back(passed, len(passed.ids) - len(outcomes))
            states.update(hand_over.state for hand_over in hand_overs)
            if not all(map(_is_well, outcomes.values())):
                _hold_if_asked(mail_service, list(outcomes.values())[-1])
                break
            if passed.too_many or not passed.ids:
                break
    return states


def _hand_over_again(
    connection: Connection, digests: Sequence[Attempted], passed: Passed, is_over: IsOver
) -> dict[int, Outcome]:
    """Hand over each digest until an answer is not about that one message. Returns the outcomes of
    those that were handed over, by id.

    Nor does it go on once the time is over or the mark is stale: a process that was frozen may wake
    up after a key has expired, or a reader may have left.
    """
    is_stale = stale_after(FRESH_SECONDS)
    messages = make_again(digests)
    outcomes: dict[int, Outcome] = {}
    for digest in digests:
        if digest.digest_id not in messages:
            continue
        passed.wait_for_turn(digest.recipient.provider)
        if is_over() or is_stale():
            break
        outcome = connection.open() or connection.hand_over(messages[digest.digest_id])
        outcomes[digest.digest_id] = outcome
        if not _is_well(outcome):
            break
    return outcomes


def _is_well(outcome: Outcome) -> bool:
    """Whether the answer was about that one message."""
    return outcome.verdict in {Verdict.SENT, Verdict.FAILED}


def _hand_over_of(digest: Attempted, outcome: Outcome | None) -> handover.HandOver:
    """What to record of a digest; without an outcome it was not handed over again."""
    if outcome is None:
        return handover.HandOver(
            digest.digest_id, State.UNCERTAIN, error=digest.error, wait=PAUSE, is_spent=False
        )
    return handover.HandOver(
        digest.digest_id,
        State.SENT if outcome.verdict is Verdict.SENT else State.UNCERTAIN,
        message_id=outcome.message_id,
        error=outcome.detail,
        wait=PAUSE,
    )


def _hold_if_asked(mail_service: str, outcome: Outcome) -> None:
    if outcome.verdict is Verdict.STOP or outcome.wait:
        length = None if outcome.verdict is Verdict.STOP else outcome.wait
        hold(mail_service, outcome.detail, length)


# --- the rows ------------------------------------------------------------------------------
class _Doubtful:
    """The digests in doubt at one service whose key it has known for less than `valid_for`."""

    def __init__(self, mail_service: str, valid_for: timedelta) -> None:
        self._parameters = {
            "mail_service": mail_service,
            "template_version": template_version(),
            "valid_for": valid_for,
            "late": settings.DELIVERY_LATE,
            "only_to": settings.MAIL_ONLY_TO,
            "lease": settings.DELIVERY_LEASE,
            "pause": PAUSE,
        }

    def claim(self, number: int) -> dict[int, str]:
        """The mailbox providers of the oldest, by id; nobody else gets these for a while."""
        rows = fetch(_CLAIM, {**self._parameters, "number": number})
        return {pk: provider_of(email) for pk, email, _ in sorted(rows, key=itemgetter(2, 0))}

    def mark(self, token: UUID, ids: Collection[int]) -> list[Attempted]:
        """Mark these as being sent: the last look before the hand-over; the oldest first.

        Checks everything that ``handover.mark_sending`` checks: the reader may still be written to,
        and the service is not held. `handed_over_at` stays that of the first attempt, because the
        key is valid from then on.
        """
        rows = fetch(_MARK, {**self._parameters, "ids": list(ids), "token": token})
        return sorted(
            (
                Attempted(pk, uuid, edition, from_row(reader), tuple(papers), tuple(why), *rest)
                for pk, uuid, edition, papers, why, *rest, reader in map(_reader_last, rows)
            ),
            key=lambda digest: (digest.handed_over_at, digest.digest_id),
        )


def _reader_last(row: Sequence[Any]) -> Sequence[Any]:
    """A row of `_MARK` with the columns of its reader as one."""
    return [*row[:-WIDTH], row[-WIDTH:]]


_FROM_DOUBTFUL = f"""
    FROM digest_digest d JOIN subscribers_subscriber s ON s.id = d.subscriber_id
    WHERE d.state = 'uncertain'
        AND d.mail_service = %(mail_service)s
        AND d.template_version = %(template_version)s
        AND d.handed_over_at > now() - %(valid_for)s
        AND NOT {HELD}
        AND ({WHY_NOT}) IS NULL
"""
_CLAIM = f"""
    WITH doubtful AS (
        SELECT d.id AS digest_id, s.email {_FROM_DOUBTFUL}
            AND d.next_attempt_at <= now()
        ORDER BY d.handed_over_at, d.id
        LIMIT %(number)s
        FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE digest_digest d SET next_attempt_at = now() + %(pause)s
    FROM doubtful
    WHERE d.id = doubtful.digest_id
    RETURNING d.id, doubtful.email, d.handed_over_at
"""
_MARK = f"""
    WITH doubtful AS (
        SELECT d.id AS digest_id, s.* {_FROM_DOUBTFUL}
            AND d.id = ANY(%(ids)s)
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
    RETURNING d.id, d.uuid, d.edition_id, d.paper_ids, d.reasons, d.revision, d.error,
        d.handed_over_at,
        {COLUMNS}
"""


# --- the messages --------------------------------------------------------------------------
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
        [digest.request for digest in digests],
        vote_weight=settings.RANKING_VOTE_WEIGHT,
        least=settings.DIGEST_LEAST_PAPERS,
    )
    return {selection.digest_id: selection for selection in composed}


def _message(digest: Attempted, selection: Composed) -> DigestMessage:
    again = selection._replace(
        window=replace(selection.window, revision=digest.revision),
        paper_ids=digest.paper_ids,
        reasons=digest.reasons,
    )
    message = message_for(digest.recipient, again, uuid=digest.uuid, now=digest.handed_over_at)
    message.to = [digest.recipient.address]
    return message
