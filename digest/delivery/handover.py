"""The statements around a hand-over: mark a chunk as being sent, look again at what has been marked
for a while, record what became of it, and let what nobody recorded become doubt.

The rules of ``leases`` hold here too: the database's clock, the lease's token, one transaction for
each statement.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings

from digest.choosing.composing import Composed
from digest.mail.version import template_version
from digest.models import Curation, Digest
from subscribers.database import execute, fetch

from .conditions import (
    HELD_AFTER_THE_GATE,
    IS_HANDED_OVER,
    IS_READY,
    OUTDATED,
    SILENT,
    WHY_NOT,
    as_parameters,
)
from .outcomes import Outcome, Verdict

State = Digest.State
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)


def mark_sending(
    token: UUID,
    chunk: Iterable[Composed],
    *,
    lease: timedelta,
    late: timedelta,
    mail_service: str,
) -> dict[int, str]:
    """Mark a chunk as being sent and renew its lease: the last look before the hand-over.

    The statement itself checks that the lease still holds and that the reader may still be written
    to: active, not paused, not suppressed, not late, and the mail service not held; and that no
    operator has changed the papers since. Returns the address of each digest that passed, by id;
    only these may be handed over.
    """
    rows = fetch(
        _MARK,
        {
            **as_parameters(
                {
                    "id": composed.digest_id,
                    "edition_id": composed.window.edition_id,
                    "paper_ids": composed.paper_ids,
                    "reasons": composed.reasons,
                    "contributions": composed.contributions,
                    "chosen_by": composed.chosen_by,
                    "revision": composed.window.revision,
                }
                for composed in chunk
            ),
            "token": token,
            "lease": lease,
            "late": late,
            "only_to": settings.MAIL_ONLY_TO,
            "mail_service": mail_service,
            "template_version": template_version(),
        },
    )
    return dict(rows)


# A row that somebody else has locked is passed over. Waiting for the lock would mark it by the
# reader's state as it was before.
_MARK = f"""
    WITH free AS (
        SELECT id FROM digest_digest d
        WHERE id = ANY(%(ids)s) AND {IS_READY} AND lease_token = %(token)s AND lease_until > now()
        FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE digest_digest d
    SET state = 'sending',
        attempts = d.attempts + 1,
        edition_id = c.edition_id,
        paper_ids = c.paper_ids,
        reasons = c.reasons,
        contributions = c.contributions,
        chosen_by = c.chosen_by,
        revision = c.revision,
        template_version = %(template_version)s,
        mail_service = %(mail_service)s,
        error = '',
        handed_over_at = now(),
        lease_until = now() + %(lease)s
    FROM free,
        jsonb_to_recordset(%(rows)s)
            AS c(
                id bigint, edition_id bigint, paper_ids bigint[], reasons text[],
                contributions smallint[], chosen_by text[], revision bigint
            ),
        subscribers_subscriber s
    WHERE d.id = free.id
        AND c.id = free.id
        AND s.id = d.subscriber_id
        AND c.revision >= {Curation.REVISION}
        AND NOT {HELD_AFTER_THE_GATE}
        AND ({WHY_NOT}) IS NULL
    RETURNING d.id, s.email
"""


def look_again(
    token: UUID, ids: Sequence[int], *, lease: timedelta, late: timedelta, mail_service: str
) -> dict[int, str]:
    """Check marked digests once more, which have not been handed over yet, and renew their lease.

    Checks all that `mark_sending` checks. Returns the address of each digest that may still go, by
    id. One whose reader must not be written to any more is skipped with the reason; one whose mail
    service is held, or whose papers an operator has changed, is given back. One whose lease has
    ended is left alone: it is somebody else's.
    """
    rows = fetch(
        _LOOK_AGAIN,
        {
            "ids": list(ids),
            "token": token,
            "lease": lease,
            "late": late,
            "only_to": settings.MAIL_ONLY_TO,
            "mail_service": mail_service,
        },
    )
    return {pk: email for pk, email, state in rows if state == "sending"}


_LOOK_AGAIN = f"""
    WITH marked AS (
        SELECT id FROM digest_digest d
        WHERE id = ANY(%(ids)s) AND state = 'sending'
            AND lease_token = %(token)s AND lease_until > now()
        FOR NO KEY UPDATE SKIP LOCKED
    ), checked AS (
        SELECT d.id, s.email, {WHY_NOT} AS why_not,
            {HELD_AFTER_THE_GATE} OR {OUTDATED} AS is_held
        FROM marked
            JOIN digest_digest d ON d.id = marked.id
            LEFT JOIN subscribers_subscriber s ON s.id = d.subscriber_id
    ), seen AS (
        SELECT *, why_not IS NULL AND NOT is_held AS may_go FROM checked
    )
    UPDATE digest_digest d
    SET state = CASE
            WHEN may_go THEN 'sending' WHEN why_not IS NULL THEN 'ready' ELSE 'skipped'
        END,
        skip_reason = coalesce(why_not, ''),
        attempts = d.attempts - CASE WHEN may_go THEN 0 ELSE 1 END,
        handed_over_at = CASE WHEN may_go THEN now() END,
        next_attempt_at = CASE WHEN may_go THEN d.next_attempt_at ELSE now() END,
        lease_token = CASE WHEN may_go THEN d.lease_token END,
        lease_until = CASE WHEN may_go THEN now() + %(lease)s END
    FROM seen
    WHERE d.id = seen.id
    RETURNING d.id, seen.email, d.state
"""


@dataclass(frozen=True, slots=True)
class HandOver:
    """The state in which a hand-over left a digest.

    For READY: `wait` is how long until the next attempt, and `is_spent` whether this one counts.
    """

    digest_id: int
    state: str
    message_id: str = ""
    error: str = ""
    wait: timedelta = timedelta(0)
    is_spent: bool = True


def as_values(hand_over: HandOver) -> dict[str, Any]:
    """The hand-over as values for JSON. Spelled out, because ``asdict`` is slow."""
    return {
        "id": hand_over.digest_id,
        "state": hand_over.state,
        "message_id": hand_over.message_id,
        "error": hand_over.error,
        "wait": hand_over.wait.total_seconds(),
        "is_spent": hand_over.is_spent,
    }


def from_values(values: Mapping[str, Any]) -> HandOver:
    """The hand-over that `as_values` made these of."""
    own = {**values, "digest_id": values["id"], "wait": timedelta(seconds=values["wait"])}
    return HandOver(**{name: own[name] for name in HandOver.__slots__})


def of_outcome(digest_id: int, attempts: int, outcome: Outcome) -> HandOver:
    """The state in which this outcome of the digest's `attempts`-th attempt leaves it."""
    if outcome.verdict is Verdict.SENT:
        return HandOver(digest_id, State.SENT, outcome.message_id)
    hand_over = partial(HandOver, digest_id, message_id=outcome.message_id, error=outcome.detail)
    if outcome.wait or outcome.verdict is Verdict.STOP:
        # The mail service said "not now" to everybody, so this digest loses no attempt.
        return hand_over(State.READY, wait=outcome.wait or timedelta(0), is_spent=False)
    if outcome.verdict is Verdict.RETRY and not outcome.is_spent:
        return hand_over(State.READY, wait=_back_off(attempts), is_spent=False)
    if outcome.verdict is Verdict.RETRY and attempts >= settings.DELIVERY_ATTEMPTS:
        return hand_over(State.FAILED)
    return hand_over(_STATES[outcome.verdict], wait=_back_off(attempts))


_STATES = {
    Verdict.FAILED: State.FAILED,
    Verdict.UNCERTAIN: State.UNCERTAIN,
    Verdict.RETRY: State.READY,
}


def _back_off(attempts: int) -> timedelta:
    """Twice as long each time, with jitter so that a thousand retries do not come at once."""
    doublings = 2.0 ** (attempts - 1)
    return min(FIRST_WAIT * doublings, LONGEST_WAIT) * random.uniform(0.75, 1.25)


def record(token: UUID, hand_overs: Iterable[HandOver]) -> int:
    """Store what became of digests that were being sent. Returns how many rows took it.

    A row that has become uncertain in the meantime still takes the word of the worker that handed
    it over. A row that an event has moved on does not, because the event knows more.
    """
    return execute(
        _RECORD,
        {
            **as_parameters(as_values(hand_over) for hand_over in hand_overs),
            "token": token,
        },
    )


_RECORD = f"""
    UPDATE digest_digest d
    SET state = c.state,
        message_id = c.message_id,
        error = c.error,
        attempts = d.attempts - CASE WHEN c.is_spent THEN 0 ELSE 1 END,
        next_attempt_at = now() + make_interval(secs => c.wait),
        lease_token = CASE c.state WHEN 'uncertain' THEN d.lease_token END,
        lease_until = CASE c.state WHEN 'uncertain' THEN now() END
    FROM jsonb_to_recordset(%(rows)s) AS c(
        id bigint, state text, message_id text, error text,
        wait double precision, is_spent boolean
    )
    WHERE d.id = c.id
        AND d.id = ANY(%(ids)s)
        AND {IS_HANDED_OVER}
        AND d.lease_token = %(token)s
"""


def sweep(*, doubt: timedelta) -> tuple[int, int]:
    """Turn silence into doubt, and old doubt into an assumption.

    A row that is still SENDING when its lease has ended belongs to a worker that died or is very
    slow: it becomes UNCERTAIN, whoever holds it. A row that has been UNCERTAIN for `doubt` without
    a word from anybody is ASSUMED sent, and its papers may come again. Returns how many rows took
    each step. Safe to repeat.
    """
    uncertain = execute(
        """
        UPDATE digest_digest SET state = 'uncertain', error = %(silent)s
        WHERE state = 'sending' AND lease_until < now()
        """,
        {"silent": SILENT},
    )
    assumed = execute(
        """
        UPDATE digest_digest SET state = 'assumed', lease_token = NULL, lease_until = NULL
        WHERE state = 'uncertain' AND handed_over_at < now() - %(doubt)s
        """,
        {"doubt": doubt},
    )
    return uncertain, assumed
