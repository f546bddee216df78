"""The statements that move digests from state to state.

All of them by the database's clock, so that a worker whose clock is wrong does no harm, and
all of them conditional on the lease's token, so that a worker that lost its lease changes
nothing. Each is a transaction of its own (call them outside ``atomic``): a state counts only
when it is committed.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models.functions import Now

from digest.choosing.composing import Composed, Request
from digest.mail.shared import TEMPLATE_VERSION
from digest.models import Digest
from subscribers.database import execute, fetch

from .limits.providers import provider_of

State = Digest.State


@dataclass(frozen=True, slots=True)
class Claimed:
    """A digest that this worker holds, and what is needed to compose it."""

    uuid: UUID
    attempts: int
    provider: str
    links_epoch: str
    request: Request


@dataclass(frozen=True, slots=True)
class Lease:
    """The digests one worker holds, under one token."""

    token: UUID
    claimed: Sequence[Claimed]


def claim(limit: int, *, lease: timedelta, mail_service: str) -> Lease:
    """Lease up to `limit` digests that are ready, the longest due first.

    Rows that another worker holds are passed over, not waited for. A leased row is not looked
    at again before its lease ends: `next_attempt_at` says so too, which keeps the index short.
    Nothing is claimed while the mail service is held.
    """
    token = uuid4()
    with transaction.atomic():
        # The table grows from nothing to a million rows within minutes, and PostgreSQL, which
        # still believes it small, would sort all that are ready instead of taking the first
        # from the index.
        execute("SET LOCAL enable_sort = off")
        rows = _claim_rows(token, limit, lease, mail_service)
    return Lease(
        token,
        [
            Claimed(uuid, attempts, provider_of(email or ""), links_epoch or "", Request(*request))
            for uuid, attempts, email, links_epoch, *request in rows
        ],
    )


def _claim_rows(
    token: UUID, limit: int, lease: timedelta, mail_service: str
) -> list[tuple[Any, ...]]:
    return fetch(
        f"""
        WITH ready AS (
            SELECT id FROM digest_digest
            WHERE state = 'ready' AND next_attempt_at <= now() AND NOT {HELD}
            ORDER BY next_attempt_at, id
            LIMIT %(limit)s
            FOR UPDATE SKIP LOCKED
        )
        UPDATE digest_digest d
        SET lease_token = %(token)s,
            lease_until = now() + %(lease)s,
            next_attempt_at = now() + %(lease)s
        FROM ready LEFT JOIN LATERAL (
            SELECT s.id, s.email, s.links_epoch, s.frequency, s.length, s.language,
                s.is_exploring, s.confirmed_at
            FROM digest_digest r JOIN subscribers_subscriber s ON s.id = r.subscriber_id
            WHERE r.id = ready.id
        ) s ON true
        WHERE d.id = ready.id
        RETURNING
            d.uuid, d.attempts, s.email, s.links_epoch,
            d.id, d.edition_id, s.id, s.frequency, s.length, s.language,
            s.is_exploring, s.confirmed_at
        """,
        {"limit": limit, "token": token, "lease": lease, "mail_service": mail_service},
    )


def mark_sending(
    token: UUID,
    chunk: Iterable[Composed],
    *,
    lease: timedelta,
    late: timedelta,
    mail_service: str,
) -> dict[int, str]:
    """Mark a chunk as being sent and renew its lease: the last look before the hand-over.

    The statement itself asks whether the lease still holds and whether the reader may still be
    written to: active, not paused, not suppressed, not late, and the mail service not held.
    Answers the address of each digest that passed, by id; only these may be handed over.
    """
    rows = fetch(
        f"""
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
            AND {_IS_READY}
            AND d.lease_token = %(token)s
            AND d.lease_until > now()
            AND NOT {HELD}
            AND ({WHY_NOT}) IS NULL
        RETURNING d.id, s.email
        """,
        {
            **_listed(
                {
                    "id": c.digest_id,
                    "paper_ids": c.paper_ids,
                    "reasons": c.reasons,
                    "contributions": c.contributions,
                    "chosen_by": c.chosen_by,
                }
                for c in chunk
            ),
            "token": token,
            "lease": lease,
            "late": late,
            "mail_service": mail_service,
            "template_version": TEMPLATE_VERSION,
        },
    )
    return dict(rows)


def skip(token: UUID, skip_reasons: Mapping[int, str]) -> int:
    """Store why we chose not to send these digests (reason by id). Answers how many it were."""
    return execute(
        f"""
        UPDATE digest_digest d
        SET state = 'skipped', skip_reason = c.skip_reason, lease_token = NULL, lease_until = NULL
        FROM jsonb_to_recordset(%(rows)s) AS c(id bigint, skip_reason text)
        WHERE d.id = c.id
            AND d.id = ANY(%(ids)s)
            AND {_IS_READY}
            AND d.lease_token = %(token)s
        """,
        {
            **_listed({"id": pk, "skip_reason": why} for pk, why in skip_reasons.items()),
            "token": token,
        },
    )


def skip_unwanted(token: UUID, ids: Sequence[int], *, late: timedelta) -> dict[str, int]:
    """Store why `mark_sending` passed these by, where the reason lies with the reader.

    Answers how many there were of each reason. The others are untouched: `release` gives them
    back.
    """
    rows = fetch(
        f"""
        UPDATE digest_digest d
        SET state = 'skipped',
            skip_reason = why.reason,
            lease_token = NULL,
            lease_until = NULL
        FROM (
            SELECT d.id, ({WHY_NOT}) AS reason
            FROM digest_digest d LEFT JOIN subscribers_subscriber s ON s.id = d.subscriber_id
            WHERE d.id = ANY(%(ids)s)
        ) why
        WHERE d.id = why.id
            AND why.reason IS NOT NULL
            AND {_IS_READY}
            AND d.lease_token = %(token)s
        RETURNING d.skip_reason
        """,
        {"ids": list(ids), "token": token, "late": late},
    )
    reasons = [reason for (reason,) in rows]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


@dataclass(frozen=True, slots=True)
class Result:
    """The state a hand-over left a digest in.

    For READY: `wait` is how long until the next try, and `is_spent` whether this one counts.
    """

    digest_id: int
    state: str
    message_id: str = ""
    error: str = ""
    wait: timedelta = timedelta(0)
    is_spent: bool = True


def record(token: UUID, results: Iterable[Result]) -> int:
    """Store what became of digests that were being sent. Answers how many rows took it.

    Also a row that has become uncertain meanwhile takes the word of the worker that handed it
    over; a row that an event has moved on does not, for the event knows more.
    """
    return execute(
        f"""
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
            AND {_IS_HANDED_OVER}
            AND d.lease_token = %(token)s
        """,
        {
            **_listed(
                {
                    "id": result.digest_id,
                    "state": result.state,
                    "message_id": result.message_id,
                    "error": result.error,
                    "wait": result.wait.total_seconds(),
                    "is_spent": result.is_spent,
                }
                for result in results
            ),
            "token": token,
        },
    )


def fail(token: UUID, errors: Mapping[int, str]) -> int:
    """Fail digests that could not even be rendered (error by id)."""
    return execute(
        f"""
        UPDATE digest_digest d
        SET state = 'failed', error = c.error, lease_token = NULL, lease_until = NULL
        FROM jsonb_to_recordset(%(rows)s) AS c(id bigint, error text)
        WHERE d.id = c.id
            AND d.id = ANY(%(ids)s)
            AND {_IS_READY}
            AND d.lease_token = %(token)s
        """,
        {**_listed({"id": pk, "error": text} for pk, text in errors.items()), "token": token},
    )


def release(token: UUID, ids: Sequence[int], *, wait: timedelta = timedelta(0)) -> int:
    """Give back those of these leased digests that were not marked, to be taken up after `wait`."""
    return execute(
        f"""
        UPDATE digest_digest d
        SET lease_token = NULL, lease_until = NULL, next_attempt_at = now() + %(wait)s
        WHERE d.id = ANY(%(ids)s) AND {_IS_READY} AND d.lease_token = %(token)s
        """,
        {"ids": list(ids), "token": token, "wait": wait},
    )


def sweep(*, doubt: timedelta) -> tuple[int, int]:
    """Let doubt be a state: answers how many became uncertain, and how many are assumed sent.

    A row still SENDING when its lease has ended belongs to a worker that died or is very slow.
    After `doubt` without a word from anybody an uncertain row is assumed sent; its papers may
    come again. Safe to repeat.
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


def is_anything_ready() -> bool:
    """Whether there is a digest to claim."""
    return Digest.objects.filter(state=State.READY, next_attempt_at__lte=Now()).exists()


# The state of a row that is known by its id. Written so that PostgreSQL does not see the indexes
# of all rows in these states: with figures of yesterday it believes them nearly empty, and would
# read through them for each statement instead of going by the primary key.
_IS_READY = "d.state || '' = 'ready'"
_IS_HANDED_OVER = "d.state || '' IN ('sending', 'uncertain')"

# Why a reader must not be written to, or NULL; `d` is the digest and `s` its subscriber. A
# pause ends on the reader's own calendar, which may be up to 14 hours ahead of UTC.
WHY_NOT = """
    CASE
        WHEN s.id IS NULL THEN 'erased'
        WHEN s.state <> 'active' THEN s.state
        WHEN EXISTS (
            SELECT FROM subscribers_suppression x WHERE x.address_hash = s.address_hash
        ) THEN 'suppressed'
        WHEN s.paused_until > ((now() AT TIME ZONE 'UTC') + interval '14 hours')::date THEN 'paused'
        WHEN d.due_at < now() - %(late)s THEN 'late'
    END
"""

HELD = """
    EXISTS (
        SELECT FROM digest_hold h
        WHERE h.mail_service IN (%(mail_service)s, '')
            AND h.released_at IS NULL
            AND (h.until IS NULL OR h.until > now())
    )
"""


def _listed(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Rows as parameters: as JSON, and their ids once more.

    PostgreSQL cannot tell how many rows the JSON holds; by the ids it knows, and goes to them
    by the primary key instead of reading the whole table.
    """
    listed = list(rows)
    return {"rows": json.dumps(listed), "ids": [row["id"] for row in listed]}
