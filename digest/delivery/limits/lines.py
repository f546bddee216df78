"""The connections to a mail service, taken together: those of one run, and those of other workers.

Servers refuse single connections, for example the fourth from one client. That says nothing about
the service as long as others are open.
"""

import time
from datetime import timedelta
from threading import Condition
from uuid import UUID

from subscribers.database import fetch

# How long to wait for what becomes of others' attempts; each has a timeout of its own.
PATIENCE_SECONDS = 60.0
# A worker with a connection looks at its marks more often than this.
LATELY = timedelta(seconds=10)
# Between two chunks nothing is being sent, so look this often, so many seconds apart.
LOOKS, LOOK_EVERY = 8, 0.05


class Lines:
    """Counts the connections that are open or being opened. Threads may share it."""

    def __init__(self) -> None:
        self._changed = Condition()
        self._opening = 0
        self._open = 0

    def begin(self) -> None:
        """A connection is being opened."""
        with self._changed:
            self._opening += 1

    def end(self, *, is_open: bool) -> None:
        """The attempt is over."""
        with self._changed:
            self._opening -= 1
            self._open += is_open
            self._changed.notify_all()

    def close(self) -> None:
        """A connection that was open is not any more."""
        with self._changed:
            self._open -= 1

    def is_any_open(self) -> bool:
        """Whether a connection is open. Waits for those that are being opened, if none is yet."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._open or not self._opening, timeout=PATIENCE_SECONDS
            )
            return self._open > 0


def are_others_sending(token: UUID, mail_service: str) -> bool:
    """Whether somebody who holds another lease is handing digests to the mail service just now.

    Only who has a connection marks a chunk. A mark that has not been looked at for a while may be
    that of a worker that died.
    """
    for _ in range(LOOKS):
        if _is_anybody_sending(token, mail_service):
            return True
        time.sleep(LOOK_EVERY)
    return False


def _is_anybody_sending(token: UUID, mail_service: str) -> bool:
    rows = fetch(
        """
        SELECT 1 FROM digest_digest
        WHERE state = 'sending' AND lease_until > now() AND lease_token <> %(token)s
            AND mail_service = %(mail_service)s AND handed_over_at > now() - %(lately)s
        LIMIT 1
        """,
        {"token": token, "mail_service": mail_service, "lately": LATELY},
    )
    return bool(rows)
