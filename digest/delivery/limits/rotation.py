"""Whose turn it is on a day whose quota is too small for all who are due.

Without turns the same readers would be left out every day: those with a late hour or a high ID. So
all readers form a circle, by their IDs. Each day as many of those who are due as the quota allows
have the turn, beginning after the last one who had it the day before. Nobody is left out twice
before everybody has had the turn. Others only get what those who have the turn will not use.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

from django.conf import settings
from django.db import transaction

from digest.models import Turn
from subscribers.database import execute, fetch

# How long those whose turn it is not wait before they ask again whether something is left.
PATIENCE = timedelta(hours=1)

_DAY = "date_trunc('day', now(), 'UTC')"
_DUE = f"""
    SELECT s.id FROM subscribers_subscriber s
    WHERE s.state = 'active' AND s.next_due_at < {_DAY} + interval '1 day'
    UNION
    SELECT d.subscriber_id FROM digest_digest d
    WHERE d.state = 'ready' AND d.subscriber_id IS NOT NULL AND d.due_at > now() - %(late)s
"""
# A reader with two digests on one day, one of them yesterday's, has the turn only once.
_HAS_TURN = f"""
    CASE WHEN %(after)s < %(until)s THEN reader > %(after)s AND reader <= %(until)s
        ELSE reader > %(after)s OR reader <= %(until)s END
    AND NOT EXISTS (
        SELECT FROM digest_digest h
        WHERE h.subscriber_id = reader AND h.handed_over_at >= {_DAY} AND h.state <> 'ready'
    )
"""


@dataclass(slots=True)
class Rotation:
    """The turn of one day, as a run sees it. `to_come` are those who have not used it yet."""

    after: int
    until: int
    to_come: int

    def reserve(self, share: float) -> int:
        """How much of a quota is kept for those to come, if it is this share of all quotas."""
        return max(0, math.ceil(self.to_come * share))

    def without_turn(self, ids: Collection[int]) -> set[int]:
        """Those of these digests whose readers do not have the turn."""
        rows = fetch(
            f"""
            SELECT id FROM (
                SELECT id, subscriber_id AS reader FROM digest_digest WHERE id = ANY(%(ids)s)
            ) d WHERE {_HAS_TURN}
            """,
            {"ids": list(ids), "after": self.after, "until": self.until},
        )
        return set(ids) - {pk for (pk,) in rows}


def rotation_of_today(quota: int | None) -> Rotation | None:
    """The turn of today (UTC), given the quota of all mail services together.

    None if everybody may go, because there is no quota or it suffices for all who are due today.
    """
    if not quota:
        return None
    _skip_late()
    with transaction.atomic():
        turn = _turn(quota)
        if turn.after == turn.until:
            return None
        ((to_come,),) = fetch(
            f"SELECT count(*) FROM ({_DUE}) AS due(reader) WHERE {_HAS_TURN}",
            {"after": turn.after, "until": turn.until, "late": settings.DELIVERY_LATE},
        )
    return Rotation(turn.after, turn.until, to_come)


def _skip_late() -> None:
    """Skip what has become too late while it waited for a new quota. It would take a part of that,
    though only for a moment, and the service would be held because nothing seems to be left."""
    execute(
        """
        UPDATE digest_digest
        SET state = 'skipped', skip_reason = 'late', lease_token = NULL, lease_until = NULL
        WHERE state = 'ready' AND next_attempt_at <= now() AND due_at < now() - %(late)s
            AND (lease_until IS NULL OR lease_until < now())
        """,
        {"late": settings.DELIVERY_LATE},
    )


def _turn(quota: int) -> Turn:
    """Today's turn, which the first run of a day determines."""
    ((today,),) = fetch("SELECT (now() AT TIME ZONE 'UTC')::date")
    return Turn.objects.filter(day=today).first() or _next_turn(today, quota)


def _next_turn(today: date, quota: int) -> Turn:
    before = Turn.objects.order_by("day").last()
    after = before.until if before else 0
    rows = fetch(
        f"SELECT id FROM ({_DUE}) AS due(id) ORDER BY id <= %(after)s, id LIMIT %(limit)s",
        {"after": after, "limit": quota + 1, "late": settings.DELIVERY_LATE},
    )
    until = rows[quota - 1][0] if len(rows) > quota else after
    turn, _ = Turn.objects.get_or_create(day=today, defaults={"after": after, "until": until})
    return turn
