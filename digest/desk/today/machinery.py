"""Whether the clock ticks, workers live, letters go out, and the disks have room."""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from digest.models import Heartbeat
from subscribers.database import fetch

# A tick is told of before the fifth minute without one is over.
_NO_TICK = timedelta(minutes=4, seconds=20)
LEAST_FREE = 0.10
_MOST_LETTERS = 1000
# The mailbox is read every five minutes.
BOUNCES_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Clock:
    """When the last tick was, and since when the oldest letter that is still tried waits."""

    now: datetime
    ticked_at: datetime | None
    letters: int
    oldest_letter: datetime | None
    # When the mailbox of the bounces was last read, or a bounce came through a pipe.
    bounces_at: datetime | None = None

    @property
    def age(self) -> timedelta | None:
        return self.now - self.ticked_at if self.ticked_at else None

    @property
    def is_still(self) -> bool:
        """Whether ticks have been missing for too long; they never began if there is no age."""
        return self.age is None or self.age > longest_silence()

    @property
    def is_bounces_read(self) -> bool:
        """Whether the mailbox with the bounces, if there is one, was read not long ago."""
        if not settings.MAIL_BOUNCES_MAILBOX:
            return True
        return self.bounces_at is not None and self.now - self.bounces_at < BOUNCES_AFTER


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system, by a folder on it; `free` is the share that is free of space and of files."""

    folder: Path
    free: float

    @property
    def is_full(self) -> bool:
        return self.free < LEAST_FREE


def longest_silence() -> timedelta:
    return max(_NO_TICK, 3 * timedelta(seconds=settings.TICK_SECONDS))


def look() -> Clock:
    rows = fetch(
        """
        SELECT now(), (SELECT at FROM digest_heartbeat WHERE name = %(tick)s), count(*), min(at),
            (SELECT at FROM digest_heartbeat WHERE name = %(bounces)s)
        FROM (
            SELECT created_at AS at FROM subscribers_letter
            WHERE sent_at IS NULL AND given_up_at IS NULL ORDER BY next_attempt_at LIMIT %(most)s
        ) letters
        """,
        {"tick": Heartbeat.TICK, "bounces": Heartbeat.BOUNCES, "most": _MOST_LETTERS},
    )
    return Clock(*rows[0])


def disks() -> Sequence[Disk]:
    """Return the disks of this host that we, or the operator (WATCH_FOLDERS), know of, the fullest
    first; each once. A folder that is not there is left out."""
    by_device: dict[int, Disk] = {}
    for folder in _folders():
        try:
            device, used = folder.stat().st_dev, shutil.disk_usage(folder)
            files = os.statvfs(folder)
        except OSError:
            continue
        free = used.free / used.total if used.total else 1.0
        if files.f_files:
            free = min(free, files.f_favail / files.f_files)
        by_device.setdefault(device, Disk(folder, free))
    return sorted(by_device.values(), key=lambda disk: disk.free)


def _folders() -> Iterator[Path]:
    yield settings.BASE_DIR
    for folder in (settings.STATE_FOLDER, *settings.WATCH_FOLDERS):
        if folder is not None:
            # It may not be there yet; its disk is that of what is.
            yield next(one for one in (folder, *folder.parents) if one.exists())
