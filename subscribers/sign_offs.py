"""A file of those who stopped the mail, outside the database.

A database that is restored from a backup has forgotten who has left since, and would write to them
again. So each host also notes in ``STATE_FOLDER``/sign-offs what its processes have committed:
when, the keyed hash of the address, and what happened. There is no address in it, and without
ADDRESS_KEY nobody can tell whose hash is there. ``leaving.again`` reads it after a restore.
"""

import logging
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

logger = logging.getLogger(__name__)

# What happened, with a word of detail after a colon: the act of a consent, or a reason.
LEFT, ERASED, SUPPRESSED, PAUSED = "left", "erased", "suppressed", "paused"
# What ends one of these, and an address that its reader has given up for another.
BACK, LIFTED, GOES_ON, MOVED = "back", "lifted", "goes-on", "moved"
# No backup that anybody would restore is older.
KEEP = timedelta(days=400)


class SignOff(NamedTuple):
    """A line of the file."""

    at: datetime
    address_hash: str
    what: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.at.isoformat()} {self.address_hash} {self.what}:{self.detail}\n"


def note(address_hash: str, what: str, now: datetime, detail: str = "") -> None:
    """Add a line once the transaction that is open is committed."""
    note_all([address_hash], what, now, detail)


def note_all(hashes: Iterable[str], what: str, now: datetime, detail: str = "") -> None:
    """Add a line for each of these addresses once the open transaction is committed."""
    lines = "".join(str(SignOff(now, one, what, detail)) for one in hashes)
    if lines and settings.STATE_FOLDER:
        transaction.on_commit(partial(_append, settings.STATE_FOLDER, now, lines))


def since(moment: datetime) -> Iterator[SignOff]:
    """What this host has noted since `moment`, in the order in which it was committed."""
    if settings.STATE_FOLDER is None:
        return
    with suppress(FileNotFoundError):
        for path in sorted(_folder(settings.STATE_FOLDER).iterdir()):
            if path.name >= _name(moment):
                yield from (one for one in _read(path) if one.at >= moment)


def _read(path: Path) -> Iterator[SignOff]:
    """The lines that are whole: a full disk or a crash may have cut one off."""
    with path.open(encoding="ascii", errors="replace") as file:
        for line in file:
            with suppress(ValueError):
                at, address_hash, what = line.removesuffix("\n").split(" ")
                kind, _, detail = what.partition(":")
                if line.endswith("\n"):
                    yield SignOff(datetime.fromisoformat(at), address_hash, kind, detail)


def _append(folder: Path, now: datetime, lines: str) -> None:
    """Write to the disk. If that fails, whoever leaves has left all the same, and the log says so.

    One write appends whole lines, even if several processes do so at once.
    """
    path = _folder(folder) / _name(now)
    try:
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _forget(path.parent, now)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(file, lines.encode())
            os.fsync(file)
        finally:
            os.close(file)
    except OSError:
        logger.exception("A sign-off cannot be noted in %s: a restore would forget it.", path)


def _forget(folder: Path, now: datetime) -> None:
    for path in folder.iterdir():
        if path.name < _name(now - KEEP):
            path.unlink(missing_ok=True)


def _folder(state: Path) -> Path:
    return state / "sign-offs"


def _name(at: datetime) -> str:
    """A file a month."""
    return f"{at:%Y-%m}"
