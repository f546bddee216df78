"""Makes a backup: one file, in pg_dump's own format, which pg_restore also reads without us.

It holds the database and nothing else. Pictures are fetched again, and .env is left out: its keys
and passwords would lie beside what they protect. A fingerprint of the two keys that a restored
database depends on is in it, so that a restore with other keys is noticed.
"""

import hmac
import os
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from deploy.env import BASE_DIR
from digest.models import Backup

from . import programs

FOLDER = BASE_DIR / ".broadsheet" / "backups"
NAME = "broadsheet-{:%Y-%m-%d-%H%M%S}.dump"
PATTERN = "broadsheet-[0-9]*-[0-9]*-[0-9]*-[0-9]*.dump"
# What a restore has put aside (``restores``).
ASIDE = "before_restore_"


def back_up(place: Path) -> tuple[Path, int]:
    """Write a backup to this file, or into this folder. Returns where it is, and its size.

    Readers and senders are not disturbed. The file appears under its name when it is complete and
    on the disk. Raises `ProgramError` or OSError.
    """
    path = place / NAME.format(timezone.now()) if _is_folder(place) else place
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    row = _note(path)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    try:
        size = _dump(unfinished)
        # What cannot be read to its end is no backup.
        programs.run("pg_restore", "--file=/dev/null", str(unfinished), is_offline=True)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_folder(path.parent)
    if row is not None:
        Backup.objects.filter(pk=row.pk).update(finished_at=Now(), size=size)
    return path, size


def _note(path: Path) -> Backup | None:
    """Note it before the rest, so that it is in the backup itself.

    An upgrade makes one before it migrates: its database may be older than this table.
    """
    if Backup._meta.db_table not in connection.introspection.table_names():
        return None
    return Backup.objects.create(name=path.name, keys=fingerprint())


def forget_old(folder: Path, keep: int) -> Sequence[Path]:
    """Delete all but the newest `keep` backups in the folder. Returns those deleted."""
    old = sorted(folder.glob(PATTERN))[:-keep]
    for path in old:
        path.unlink()
    return old


def fingerprint() -> str:
    """What tells whether the keys are the same, and nothing else about them."""
    keys = f"{settings.LINK_KEY}\n{settings.ADDRESS_KEY}".encode()
    return hmac.digest(keys, b"broadsheet backup", "sha256").hex()[:32]


def _is_folder(place: Path) -> bool:
    return place.is_dir() or place.suffix == ""


def _dump(path: Path) -> int:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        programs.run(
            "pg_dump",
            *("--format=custom", "--no-owner", "--no-privileges", "--lock-wait-timeout=60s"),
            f"--exclude-schema={ASIDE}*",
            "--exclude-table-data=django_session",  # whoever was logged in logs in again
            to=file,
        )
        os.fsync(file)
        return os.fstat(file).st_size
    finally:
        os.close(file)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
