"""The statements that move digests which are ready: claim them, skip them, fail them, give them
back.

They all use the database's clock, so a worker whose own clock is wrong does no harm, and they all
depend on the lease's token, so a worker that has lost its lease changes nothing. Each is a
transaction of its own (call them outside ``atomic``): a state counts only once it is committed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from digest.models import Digest
from subscribers.database import execute, fetch

from .conditions import HELD, IS_READY, WHY_NOT, as_parameters
from .recipients import COLUMNS, Claimed, from_row


@dataclass(frozen=True, slots=True)
class Lease:
    """The digests that one worker holds under one token."""

    token: UUID
    claimed: Sequence[Claimed]


def claim(limit: int, *, lease: timedelta, mail_service: str) -> Lease:
    """Lease up to `limit` digests that are ready, those that have waited longest first.

    Rows that another worker holds are passed over rather than waited for. A leased row is not
    looked at again before its lease ends; `next_attempt_at` says so too, which keeps the index
    short. Nothing is claimed while the mail service is held.
    """
    token = uuid4()
    with transaction.atomic():
        # The table grows from nothing to a million rows within minutes. PostgreSQL still believes
        # it small, and would sort all that are ready instead of taking the first from the index.
        execute("SET LOCAL enable_sort = off")
        rows = _claim_rows(token, limit, lease, mail_service)
    claimed = [
        Claimed(pk, uuid, attempts, due_at, from_row(reader))
        for pk, uuid, attempts, due_at, *reader in rows
    ]
    return Lease(token, claimed)


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
            SELECT s.* FROM digest_digest r JOIN subscribers_subscriber s ON s.id = r.subscriber_id
            WHERE r.id = ready.id
        ) s ON true
        WHERE d.id = ready.id
        RETURNING d.id, d.uuid, d.attempts, d.due_at, {COLUMNS}
        """,
        {"limit": limit, "token": token, "lease": lease, "mail_service": mail_service},
    )


def skip(token: UUID, skip_reasons: Mapping[int, str], edition_id: int | None) -> int:
    """Store why we chose not to send these digests, by id, and the edition they had to choose from.

    Returns how many there were.
    """
    return execute(
        f"""
        UPDATE digest_digest d
        SET state = 'skipped', skip_reason = c.skip_reason, edition_id = %(edition)s,
            lease_token = NULL, lease_until = NULL
        FROM jsonb_to_recordset(%(rows)s) AS c(id bigint, skip_reason text)
        WHERE d.id = c.id
            AND d.id = ANY(%(ids)s)
            AND {IS_READY}
            AND d.lease_token = %(token)s
        """,
        {
            **as_parameters({"id": pk, "skip_reason": why} for pk, why in skip_reasons.items()),
            "edition": edition_id,
            "token": token,
        },
    )


def skip_unwanted(token: UUID, ids: Sequence[int], *, late: timedelta) -> dict[str, int]:
    """Store why `mark_sending` passed over these digests, where the reason is the reader's.

    Returns how many there were of each reason. The others stay as they are; `release` gives them
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
            AND {IS_READY}
            AND d.lease_token = %(token)s
        RETURNING d.skip_reason
        """,
        {"ids": list(ids), "token": token, "late": late, "only_to": settings.MAIL_ONLY_TO},
    )
    reasons = [reason for (reason,) in rows]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def fail(token: UUID, errors: Mapping[int, str]) -> int:
    """Fail digests that could not even be rendered (error by id). Returns how many there were."""
    return execute(
        f"""
        UPDATE digest_digest d
        SET state = 'failed', error = c.error, lease_token = NULL, lease_until = NULL
        FROM jsonb_to_recordset(%(rows)s) AS c(id bigint, error text)
        WHERE d.id = c.id
            AND d.id = ANY(%(ids)s)
            AND {IS_READY}
            AND d.lease_token = %(token)s
        """,
        {
            **as_parameters({"id": pk, "error": text} for pk, text in errors.items()),
            "token": token,
        },
    )


def release(token: UUID, ids: Sequence[int], *, wait: timedelta = timedelta(0)) -> int:
    """Give back those of these digests that were not marked; others may claim them after `wait`."""
    return execute(
        f"""
        UPDATE digest_digest d
        SET lease_token = NULL, lease_until = NULL, next_attempt_at = now() + %(wait)s
        WHERE d.id = ANY(%(ids)s) AND {IS_READY} AND d.lease_token = %(token)s
        """,
        {"ids": list(ids), "token": token, "wait": wait},
    )


def is_anything_ready() -> bool:
    """Whether there is a digest to claim."""
    return Digest.objects.filter(state=Digest.State.READY, next_attempt_at__lte=Now()).exists()


def is_anything_held() -> bool:
    """Whether a worker holds a digest, or held it when it died."""
    # The time lets the index find those that are leased among all that wait.
    leased = Q(lease_until__gt=Now(), next_attempt_at__lte=Now() + settings.DELIVERY_LEASE)
    held = Q(state=Digest.State.READY) & leased
    digests = Digest.objects
    return digests.filter(state=Digest.State.SENDING).exists() or digests.filter(held).exists()
