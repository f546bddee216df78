"""Mails that nobody could read, kept on this host: a Maildir in STATE_FOLDER.

``manage.py read_bounces --maildir`` reads them again, for example after an upgrade. The oldest are
forgotten when there are many: anybody can write to the address.
"""

import mailbox
from pathlib import Path

from django.conf import settings

FOLDER, MOST = "bounces", 1000


class NoPlace(Exception):
    """There is no folder to keep a mail in."""


def folder() -> Path | None:
    return settings.STATE_FOLDER / FOLDER if settings.STATE_FOLDER else None


def keep(content: bytes) -> None:
    """Keep a mail. Raises NoPlace or OSError."""
    path = folder()
    if path is None:
        raise NoPlace
    path.parent.mkdir(parents=True, exist_ok=True)
    mailbox.Maildir(path, create=True).add(content)
    kept = [one for part in ("new", "cur") for one in (path / part).iterdir()]
    if len(kept) > MOST:
        for one in sorted(kept, key=lambda file: file.stat().st_mtime_ns)[:-MOST]:
            one.unlink(missing_ok=True)


def number() -> int:
    """How many are kept."""
    path = folder()
    return len(mailbox.Maildir(path)) if path and path.is_dir() else 0
