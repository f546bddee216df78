"""Whether the database remembers what was sent. If it does not, sending starts in safe mode.

A database restored from a backup, or one that lost its last commits, knows nothing of the newest
mails and would send them again. Two things find it out:

* each host that sends keeps a mark outside the database: a file with the time until which digests
  were sent. The database holds the same time and is always written first, so a file that is ahead
  of it proves that something was lost. A missing file proves nothing, unless the database has sent
  digests and been asleep since: nobody can tell then whether it is the newest one.
* the database holds what a copy of it cannot have: which server it is in, and the identifiers that
  were given to it and to one of its tables when they were made (`_place`).

Redis keeps no copy, because it may be emptied at any moment and is often restored, or lost,
together with the database.
"""

import logging
import os
import time
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from digest.models import Hold, Restoration
from subscribers.database import Lock, execute, fetch, wait_for_lock
from subscribers.leaving.again import apply_again

from .holds import hold

logger = logging.getLogger(__name__)

FILE = "last-sending"
# A run notes no more often than this that it sends.
EVERY = timedelta(seconds=10)
# A database whose clock has not ticked for so long, met by a host without a mark, may be any.
ASLEEP = timedelta(hours=1)
# Whoever came after the backup had numbers that their links are made from. Nobody gets them again.
GAP = 1_000_000
ASYNCHRONOUS = (
    "The database does not wait for the disk (synchronous_commit is off), so after a crash digests "
    "would be sent twice. Remove what overrides Broadsheet's own setting, then release this hold."
)
RESTORED = (
    "Safe mode: this database is older than what was sent, or a copy. Nothing is sent until "
    "somebody says until when digests had gone out: on the page “After a restore”, or with "
    "manage.py after_restore."
)


class Memory:
    """Notes in both places that a run is sending."""

    def __init__(self) -> None:
        self._noted_at = float("-inf")

    def note_sending(self) -> None:
        """Call this before each hand-over to the mail service; it does little most of the time."""
        if time.monotonic() - self._noted_at < EVERY.total_seconds():
            return
        self._noted_at = time.monotonic()
        note()


def note() -> None:
    """Note that digests are sent until now."""
    # The order matters: the file must never be ahead of what is committed.
    at = _advance()
    if settings.STATE_FOLDER:
        _write(settings.STATE_FOLDER, at)


def hold_if_forgetful() -> None:
    """Hold all mail services if the database is older than what was sent, or may become so.

    Safe mode has no end until somebody settles it (``delivery.restored``). It begins once, because
    afterwards the database counts as new. Makes two quick queries.
    """
    known = _known()
    if not known.is_synchronous and not Hold.objects.active().filter(mail_service="").exists():
        hold("", ASYNCHRONOUS, None)
    mark = _read()
    if known.is_safe_mode:
        help_to_settle(mark)
    elif known.is_forgetful(mark):
        begin_safe_mode(mark)
    elif mark is None and known.sent_until and settings.STATE_FOLDER:
        # This host has just joined.
        _write(settings.STATE_FOLDER, known.sent_until)
    if not known.was_at:
        _settle_down()


def begin_safe_mode(mark: datetime | None) -> None:
    """Hold everything, once, until somebody says what was sent."""
    with transaction.atomic():
        wait_for_lock(Lock.HOLDING_A_MAIL_SERVICE)
        known = _known()
        if known.is_safe_mode or not known.is_forgetful(mark):
            return  # another worker was faster
        enter_safe_mode(known.until, mark)


def restored_by_us(at: datetime | None) -> None:
    """Enter safe mode after a restore of our own, of a backup made at that time. Call it in a
    transaction."""
    enter_safe_mode(at or _known().until, _read())


def enter_safe_mode(known_until: datetime | None, sent_until: datetime | None) -> None:
    """Enter it without a look. Call it in a transaction."""
    # The backup may have been made in safe mode.
    Hold.objects.filter(Restoration.UNSETTLED).update(released_at=Now())
    Restoration.objects.filter(settled_at=None).update(settled_at=Now())
    hold("", RESTORED, None)
    held = Hold.objects.active().filter(mail_service="", reason=RESTORED).latest("created_at")
    Restoration.objects.create(hold=held, known_until=known_until, sent_until=sent_until)
    _catch_up(sent_until)
    skip_numbers()
    if known_until:
        transaction.on_commit(lambda: help_to_settle(sent_until))


def help_to_settle(mark: datetime | None) -> None:
    """Add what this host knows, in safe mode: its mark, and who has left. Safe to repeat."""
    found = Restoration.objects.filter(settled_at=None).order_by("-found_at").first()
    if found is None or not found.known_until:
        return
    counts = apply_again(found.known_until)
    with transaction.atomic():
        locked = Restoration.objects.select_for_update().get(pk=found.pk)
        for kind, number in counts.items():
            # Nothing is done about those who have moved, so they are found again and again.
            before = 0 if kind == "moved" else locked.signed_off.get(kind, 0)
            locked.signed_off[kind] = before + number
        # A mark that was written since says nothing.
        if mark and found.known_until < mark < found.found_at:
            locked.sent_until = max(mark, locked.sent_until or mark)
        locked.save(update_fields=["signed_off", "sent_until"])


def skip_numbers() -> None:
    """Have new rows begin far above all that may have been lost."""
    rows = fetch(
        """
        SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename), last_value
        FROM pg_sequences
        WHERE data_type = 'bigint'::regtype AND schemaname = current_schema()
            AND sequencename ~ '^(digest|subscribers)_' AND last_value IS NOT NULL
        """
    )
    for name, last in rows:
        fetch("SELECT setval(%s::regclass, %s)", [name, last + GAP])


# --- what the database knows ---------------------------------------------------------------
class _Known(NamedTuple):
    """Until when digests were sent, as the database knows it, and where it was then and is now;
    `ticked_at` and `backed_up_at` are other things that it knows of, if it does."""

    is_synchronous: bool
    sent_until: datetime | None
    was_at: str
    is_at: str
    now: datetime
    ticked_at: datetime | None
    backed_up_at: datetime | None
    is_safe_mode: bool

    @property
    def until(self) -> datetime | None:
        """The last moment that it knows anything of."""
        return max(
            (at for at in (self.sent_until, self.ticked_at, self.backed_up_at) if at), default=None
        )

    def is_forgetful(self, mark: datetime | None) -> bool:
        """Whether it is older than what was sent, or may be, given this host's mark."""
        if mark and (self.sent_until is None or self.sent_until < mark):
            return True
        if self.sent_until is None or not self.was_at:
            return False  # it is new, or a version before ours did not note where it is
        is_asleep = self.until is None or self.until < self.now - ASLEEP
        is_new_host = mark is None and settings.STATE_FOLDER is not None
        return self.was_at != self.is_at or (is_new_host and is_asleep and _has_sent())


def _known() -> _Known:
    ((row),) = fetch(
        f"""
        SELECT current_setting('synchronous_commit') <> 'off', l.at, coalesce(l.place, ''),
            {_place()}, now(),
            (SELECT at FROM digest_heartbeat WHERE name = 'tick'),
            (SELECT max(at) FROM digest_backup),
            EXISTS (SELECT FROM digest_restoration WHERE settled_at IS NULL)
        FROM (SELECT 1) one LEFT JOIN digest_lastsending l ON true
        """
    )
    return _Known(*row)


def _has_sent() -> bool:
    """Whether it knows of any digest that was handed over. Before the first, nothing can be lost
    that would be sent again."""
    ((has_sent,),) = fetch(
        "SELECT EXISTS (SELECT FROM digest_digest WHERE handed_over_at IS NOT NULL)"
    )
    return bool(has_sent)


@cache
def _place() -> str:
    """SQL that says where the database is: what no copy of it has as well.

    A table that is restored gets another number, a database that is made another one, and a server
    whose files were not copied has its own, which a provider may keep from us.
    """
    ((may_ask,),) = fetch("SELECT has_function_privilege('pg_control_system()', 'EXECUTE')")
    server = "(SELECT system_identifier FROM pg_control_system())" if may_ask else "'?'"
    database = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    return f"{server} || '/' || {database} || '/' || 'digest_lastsending'::regclass::oid"


def _catch_up(sent_until: datetime | None) -> None:
    """Set a time in the database that no file is ahead of, and that it is here."""
    execute(
        f"""
        INSERT INTO digest_lastsending AS l (id, at, place)
        VALUES (1, greatest(clock_timestamp(), %(sent_until)s::timestamptz), {_place()})
        ON CONFLICT (id) DO UPDATE
        SET at = greatest(l.at, excluded.at), place = excluded.place
        """,
        {"sent_until": sent_until},
    )


def _settle_down() -> None:
    """Note where the database is, before anything is sent: a version before ours does not."""
    execute(
        f"""
        INSERT INTO digest_lastsending AS l (id, at, place)
        VALUES (1, clock_timestamp(), {_place()})
        ON CONFLICT (id) DO UPDATE SET place = excluded.place WHERE l.place = ''
        """
    )


def _advance() -> datetime:
    """Set the database's time to now, never back, and return it."""
    ((at,),) = fetch(
        f"""
        INSERT INTO digest_lastsending AS l (id, at, place)
        VALUES (1, clock_timestamp(), {_place()})
        ON CONFLICT (id) DO UPDATE
        SET at = greatest(l.at, clock_timestamp()),
            place = CASE l.place WHEN '' THEN excluded.place ELSE l.place END
        RETURNING at
        """
    )
    assert isinstance(at, datetime)
    return at


# --- this host's file ----------------------------------------------------------------------
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
