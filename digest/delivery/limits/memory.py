"""Whether the database remembers what was sent. If it does not, sending starts held.

A database restored from a backup, or one that lost its last commits, knows nothing of the newest
mails and would send them again. So each host that sends keeps a mark outside it: a file with the
time until which digests were sent. The database holds the same time and is always written first, so
a file that is ahead of it proves that something was lost. A missing file proves nothing.

Redis keeps no copy, because it may be emptied at any moment and is often restored, or lost,
together with the database.
"""

import logging
import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.db import transaction

from digest.models import Hold, LastSending
from subscribers.database import fetch

from .holds import hold

logger = logging.getLogger(__name__)

FILE = "last-sending"
# A run notes no more often than this that it sends.
EVERY = timedelta(seconds=10)
ASYNCHRONOUS = (
    "The database does not wait for the disk (synchronous_commit is off), so after a crash digests "
    "would be sent twice. Remove what overrides Broadsheet's own setting, then release this hold."
)


def hold_if_forgetful() -> None:
    """Hold all mail services if the database is older than what was sent, or may become so.

    The hold has no end; an operator releases it. It is created once, because afterwards the
    database counts as new. Makes two quick queries.
    """
    ((commit,),) = fetch("SHOW synchronous_commit")
    if commit == "off" and not Hold.objects.active().filter(mail_service="").exists():
        hold("", ASYNCHRONOUS, None)
    sent_until = _read()
    known = LastSending.objects.values_list("at", flat=True).first()
    if sent_until and (known is None or known < sent_until):
        _hold_once(sent_until, known)


class Memory:
    """Notes in both places that a run is sending."""

    def __init__(self) -> None:
        self._noted_at = float("-inf")

    def note_sending(self) -> None:
        """Call this before each hand-over to the mail service; it does little most of the time."""
        if time.monotonic() - self._noted_at < EVERY.total_seconds():
            return
        self._noted_at = time.monotonic()
        if folder := settings.STATE_FOLDER:
            # The order matters: the file must never be ahead of what is committed.
            _write(folder, _advance())


def _hold_once(sent_until: datetime, known: datetime | None) -> None:
    with transaction.atomic():
        if not _catch_up(sent_until):
            return  # another worker was faster
        until = f"it knows of none after {_words(known)}" if known else "it knows of none"
        hold(
            "",
            f"The database is older than what was sent: digests went out until {_words(sent_until)}"
            f", {until}. Run manage.py after_restore, or release this hold to send what is due.",
            None,
        )


def _words(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _catch_up(sent_until: datetime) -> bool:
    """Set a time in the database that no file is ahead of. Returns False if it was not behind."""
    rows = fetch(
        """
        INSERT INTO digest_lastsending AS l (id, at)
        VALUES (1, greatest(clock_timestamp(), %(sent_until)s))
        ON CONFLICT (id) DO UPDATE SET at = greatest(clock_timestamp(), %(sent_until)s)
        WHERE l.at < %(sent_until)s
        RETURNING at
        """,
        {"sent_until": sent_until},
    )
    return bool(rows)


def _advance() -> datetime:
    """Set the database's time to now, never back, and return it."""
    ((at,),) = fetch(
        """
        INSERT INTO digest_lastsending AS l (id, at) VALUES (1, clock_timestamp())
        ON CONFLICT (id) DO UPDATE SET at = greatest(l.at, clock_timestamp())
        RETURNING at
        """
    )
    assert isinstance(at, datetime)
    return at


def _read() -> datetime | None:
    """The time in this host's file, or None if there is none that can be read."""
    if settings.STATE_FOLDER is None:
        return None
    try:
        return datetime.fromisoformat((settings.STATE_FOLDER / FILE).read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        logger.exception("Until when digests were sent cannot be read.")
        return None


def _write(folder: Path, at: datetime) -> None:
    """Replace this host's file. If that fails, sending goes on, and the log says why."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=folder, prefix=f"{FILE}.", delete=False) as file:
            file.write(at.isoformat())
            file.flush()
            os.fsync(file.fileno())
        os.replace(file.name, folder / FILE)
    except OSError:
        logger.exception("Until when digests were sent cannot be noted in %s.", folder)
