"""How far the product has come: whether it has anything to do now, and when it will have again.

This only decides when time goes on. What was right is judged by the oracle, which does not ask.
"""

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings

from subscribers.database import fetch

from .faults import Scene

# Seconds without a mail and without a change, after which nothing more is expected to happen.
STILL = 4.0
# Workers that have just started, and a tick, get as long as this.
LEAST = 1.6
PATIENCE = 120.0

# When a digest in doubt may be handed over again, or looked up; then it is assumed sent.
_DOUBTFUL = [timedelta(minutes=minutes) for minutes in (4, 8, 16, 20, 40)]

_BUSY = """
    SELECT
        (SELECT count(*) FROM digest_digest WHERE state = 'ready' AND next_attempt_at <= now()),
        (SELECT count(*) FROM digest_digest WHERE state = 'sending'),
        (SELECT count(*) FROM digest_digest WHERE state = 'uncertain'),
        (SELECT count(*) FROM subscribers_subscriber
            WHERE state = 'active' AND next_due_at <= now()),
        EXISTS (SELECT FROM digest_hold
            WHERE released_at IS NULL AND (until IS NULL OR until > now()))
"""
_EVENTS = """
    SELECT DISTINCT date_trunc('second', at) + interval '1 second' FROM (
        SELECT next_attempt_at AS at FROM digest_digest WHERE state = 'ready'
        UNION ALL SELECT lease_until FROM digest_digest WHERE state = 'sending'
        UNION ALL SELECT handed_over_at + wait
            FROM digest_digest, unnest(%(doubtful)s::interval[]) AS wait WHERE state = 'uncertain'
        UNION ALL SELECT until FROM digest_hold WHERE released_at IS NULL AND %(with_holds)s
    ) happening WHERE at > %(now)s
"""


def events(now: datetime, *, with_holds: bool) -> Sequence[datetime]:
    """When waits, leases, doubts and holds will end."""
    doubtful = [*_DOUBTFUL, settings.DELIVERY_DOUBT]
    parameters = {"now": now, "with_holds": with_holds, "doubtful": doubtful}
    return [at for (at,) in fetch(_EVENTS, parameters)]


class Quiet:
    """Watches until nothing more is to be expected for now."""

    def __init__(self, scene: Scene, mails: int) -> None:
        self._scene, self._mails_before = scene, mails
        self._begun = self._moved_at = time.monotonic()
        self._state: object = None
        self._looked_at, self._up_at = 0.0, 0.0
        self._is_busy = self._is_unanswered = True
        self.mails = 0

    def moved(self) -> None:
        self._moved_at = time.monotonic()

    def is_still(self, seconds: float) -> bool:
        """Whether nothing has moved for so long, though the mail service may be slow."""
        now = time.monotonic()
        return self._up_at > 0 and now > self._moved_at + seconds

    def is_over(self) -> bool:
        now = time.monotonic()
        self._look(now)
        if not self._scene.fleet.is_up():
            self._up_at = 0.0
            return now > self._begun + PATIENCE
        self._up_at = self._up_at or now
        if now < max(self._begun, self._up_at) + LEAST:
            return False
        if (self._is_unanswered or self._is_busy) and now < self._scene.patient_until:
            return False  # a slow mail service takes seconds, which must not become hours
        still = now > max(self._moved_at, self._up_at) + STILL
        return not self._is_busy or still or now > self._begun + PATIENCE

    def _look(self, now: float) -> None:
        mails = self._scene.mail.count() - self._mails_before
        if mails != self.mails:
            self.mails, self._moved_at = mails, now
        if now < self._looked_at + 0.25:
            return
        self._looked_at = now
        looking_at = time.monotonic()
        ((ready, sending, doubtful, due, is_held),) = state = fetch(_BUSY)
        self._is_unanswered = bool(sending or doubtful)
        if not self._is_unanswered:
            self._scene.calm.append((looking_at, time.monotonic()))
        self._is_busy = bool(sending or due or (ready and not is_held))
        if state != self._state:
            self._state, self._moved_at = state, now
