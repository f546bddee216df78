"""Ask the mail service which of the digests in doubt it has."""

import logging
from collections import Counter
from datetime import timedelta
from typing import Any

import requests

from digest.delivery import events, mail_services, routing
from digest.delivery.limits.deadline import IsOver
from digest.delivery.mail_services import Doubtful
from digest.delivery.outcomes import Verdict
from digest.models import Digest
from subscribers.database import execute, fetch

logger = logging.getLogger(__name__)

State = Digest.State
# How many digests to ask about per round, and how long before asking about one again.
BATCH = 100
PAUSE = timedelta(minutes=3)
# A service may list a message only a while after it accepted it.
SETTLING = timedelta(minutes=15)


def look_up(mail_service: str, backend: Any, *, is_over: IsOver) -> Counter[str]:
    """Ask the mail service about its digests in doubt, if it can be asked.

    `backend` is a connection to it, and holds its address and key. Returns how many digests
    entered each state.
    """
    states: Counter[str] = Counter()
    ask = mail_services.traits_of(routing.kind_of(backend)).look_up
    if ask is None or not (digests := _take(mail_service)):
        return states
    with requests.Session() as session:
        try:
            for digest, outcome in ask(session, backend, digests):
                if state := _settled_state(digest, outcome.verdict):
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
            # No connection, or an answer other than the service documents: doubt remains. Only the
            # kind is logged, because the error may quote what was asked.
            kind = type(error).__name__
            logger.warning("Could not ask %s about digests in doubt: %s", mail_service, kind)
    return states


def _take(mail_service: str) -> list[Doubtful]:
    """The oldest digests in doubt at the service; nobody else gets them for a while."""
    rows = fetch(
        """
        WITH doubtful AS (
            SELECT id FROM digest_digest
            WHERE state = 'uncertain'
                AND mail_service = %(mail_service)s
                AND next_attempt_at <= now()
            ORDER BY handed_over_at, id
            LIMIT %(batch)s
            FOR UPDATE SKIP LOCKED
        )
        UPDATE digest_digest d
        SET next_attempt_at = now() + %(pause)s
        FROM doubtful
        WHERE d.id = doubtful.id
        RETURNING d.id, d.uuid, d.attempts, d.handed_over_at,
            d.handed_over_at < now() - %(settling)s
        """,
        {"mail_service": mail_service, "batch": BATCH, "pause": PAUSE, "settling": SETTLING},
    )
    return sorted((Doubtful(*row) for row in rows), key=lambda digest: digest.handed_over_at)


def _settled_state(digest: Doubtful, verdict: Verdict) -> str | None:
    """The state that ends the doubt, or None if it remains.

    A search may miss what the service has. What it reported in an event outweighs that.
    """
    if verdict is Verdict.RETRY:
        return events.state_told(digest.digest_id)
    return State.SENT if verdict is Verdict.SENT else None


def _settle(digest: Doubtful, state: str, message_id: str) -> int:
    """Store what the service said, unless an event or another attempt came first."""
    return execute(
        """
        UPDATE digest_digest
        SET state = %(state)s, message_id = %(message_id)s, error = '',
            next_attempt_at = now(), lease_token = NULL, lease_until = NULL
        WHERE id = %(id)s AND state = 'uncertain' AND attempts = %(attempts)s
        """,
        {
            "state": state,
            "message_id": message_id[:300],
            "id": digest.digest_id,
            "attempts": digest.attempts,
        },
    )
