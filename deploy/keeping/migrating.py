"""Migrations on a live system: none may make writers wait for longer than a lock time-out.

An ALTER TABLE that waits for a lock, behind an open transaction such as pg_dump's, makes all who
come after it wait as well. So it gives up after a few seconds, lets them pass, and comes again.
Each migration is a transaction, so one that gave up has changed nothing.

Libraries were looked at: one does without transactions, so that what fails half-way is mended by
hand, and another ends the transaction in the way, which may be the backup of an upgrade.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection

from subscribers.database import execute, fetch

LOCK_SECONDS = 3.0
ATTEMPTS = 40
# Between two attempts, so that those who waited behind the last one get their turn.
PAUSE = 3.0
# lock_not_available, deadlock_detected
_LOCKED = ("55P03", "40P01")


class Blocked(Exception):
    """Somebody kept a lock through all attempts. The message says who, and what to do."""


def migrate_patiently(
    migrate: Callable[[], object],
    tell: Callable[[str], None],
    *,
    lock_seconds: float = LOCK_SECONDS,
    attempts: int = ATTEMPTS,
    pause: float = PAUSE,
) -> None:
    """Run `migrate` until no lock was in its way; what it has committed it does not do again.

    Raises `Blocked` after so many attempts.
    """
    for left in range(attempts - 1, -1, -1):
        try:
            with _lock_timeout(lock_seconds):
                migrate()
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", None) not in _LOCKED:
                raise
            who = _oldest_transactions()
            if not left:
                raise Blocked(
                    f"A lock could not be had: {who}. Nothing is half done. Wait for them or end "
                    "them, then run it again."
                ) from error
            tell(f"Waiting for a lock: {who}. {left} more attempts.")
            time.sleep(pause)
        else:
            return


def wait_for_locks(seconds: float) -> None:
    """Set how long this session waits for a lock; 0 is for ever."""
    execute("SELECT set_config('lock_timeout', %s, false)", [f"{seconds * 1000:.0f}ms"])


@contextmanager
def _lock_timeout(seconds: float) -> Iterator[None]:
    wait_for_locks(seconds)
    try:
        yield
    finally:
        if connection.is_usable():
            execute("RESET lock_timeout")
        else:
            connection.close()


def _oldest_transactions() -> str:
    """Who has had a transaction open for longest."""
    rows = fetch(
        """
        SELECT coalesce(nullif(application_name, ''), usename::text, backend_type), pid,
            extract(epoch FROM clock_timestamp() - xact_start)::int
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
        ORDER BY xact_start LIMIT 3
        """
    )
    named = [f"{name} (process {pid}, for {seconds} s)" for name, pid, seconds in rows]
    return f"open transactions of {', '.join(named)}" if named else "nobody has it any more"
