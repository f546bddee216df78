"""The statements around a hand-over: mark a chunk as being sent, record what became of it, and let
what nobody recorded become doubt.

The rules of ``leases`` hold here too: the database's clock, the lease's token, one transaction for
each statement.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from digest.choosing.composing import Composed
from digest.mail.version import template_version
from subscribers.database import execute, fetch

from .conditions import HELD, IS_HANDED_OVER, IS_READY, WHY_NOT, as_parameters


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
    to: active, not paused, not suppressed, not late, and the mail service not held. Returns the
    address of each digest that passed, by id; only these may be handed over.
    """
    rows = fetch(
        _MARK,
        {
            **as_parameters(
                {
                    "id": composed.digest_id,
                    "paper_ids": composed.paper_ids,
                    "reasons": composed.reasons,
                    "contributions": composed.contributions,
                    "chosen_by": composed.chosen_by,
                }
                for composed in chunk
            ),
            "token": token,
            "lease": lease,
            "late": late,
            "mail_service": mail_service,
            "template_version": template_version(),
        },
    )
    return dict(rows)


_MARK = f"""
    UPDATE digest_digest d
    SET state = 'sending',
        attempts = d.attempts + 1,
        paper_ids = c.paper_ids,
        reasons = c.reasons,
        contributions = c.contributions,
        chosen_by = c.chosen_by,
        template_version = %(template_version)s,
        mail_service = %(mail_service)s,
        error = '',
        handed_over_at = now(),
        lease_until = now() + %(lease)s
    FROM jsonb_to_recordset(%(rows)s)
            AS c(
                id bigint, paper_ids bigint[], reasons text[], contributions smallint[],
                chosen_by text[]
            ),
        subscribers_subscriber s
    WHERE d.id = c.id
        AND d.id = ANY(%(ids)s)
        AND s.id = d.subscriber_id
        AND {IS_READY}
        AND d.lease_token = %(token)s
        AND d.lease_until > now()
        AND NOT {HELD}
        AND ({WHY_NOT}) IS NULL
    RETURNING d.id, s.email
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


def record(token: UUID, hand_overs: Iterable[HandOver]) -> int:
    """Store what became of digests that were being sent. Returns how many rows took it.

    A row that has become uncertain in the meantime still takes the word of the worker that handed
    it over. A row that an event has moved on does not, because the event knows more.
    """
    return execute(
        _RECORD,
        {
            **as_parameters(
                {
                    "id": hand_over.digest_id,
                    "state": hand_over.state,
                    "message_id": hand_over.message_id,
                    "error": hand_over.error,
                    "wait": hand_over.wait.total_seconds(),
                    "is_spent": hand_over.is_spent,
                }
                for hand_over in hand_overs
            ),
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
        UPDATE digest_digest SET state = 'uncertain', error = 'The worker fell silent.'
        WHERE state = 'sending' AND lease_until < now()
        """
    )
    assumed = execute(
        """
        UPDATE digest_digest SET state = 'assumed', lease_token = NULL, lease_until = NULL
        WHERE state = 'uncertain' AND handed_over_at < now() - %(doubt)s
        """,
        {"doubt": doubt},
    )
    return uncertain, assumed
