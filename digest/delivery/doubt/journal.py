"""A journal of what this process has begun, kept on its host, where it outlives the process.

A worker that dies leaves a chunk marked as being sent. The journal says which of its digests were
really being handed over: at most one for each connection. All others have surely not left, and
whoever comes next on the host gives them back at once, instead of leaving them in doubt. A journal
of another boot, or none at all, proves nothing; then the leases have to run out.
"""

import fcntl
import json
import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from time import time
from uuid import UUID, uuid4

from django.conf import settings

from digest.delivery import handover
from digest.delivery.handover import HandOver
from subscribers.database import execute

logger = logging.getLogger(__name__)

# Another host's or another boot's journal is of no use to anybody after this many seconds.
STALE = 24 * 3600.0


class Journal:
    """What one run does. Threads may share it: each line is one write, which is never mixed up.

    Without a file it keeps nothing, and a death leaves a whole chunk in doubt. Once the run is over
    it refuses to be written, and thus whatever was to be begun.
    """

    def __init__(self, file: FileIO | None) -> None:
        self._file = file

    def leased(self, token: UUID) -> None:
        """Digests have been leased under this token."""
        self._write("leased", token)

    def marking(self, token: UUID, ids: Iterable[int]) -> None:
        """These digests are about to be marked as being sent."""
        self._write("marking", token, ",".join(map(str, ids)))

    def begun(self, token: UUID, digest_id: int) -> None:
        """This digest is about to be handed over."""
        self._write("begun", token, str(digest_id))

    def ended(self, token: UUID, hand_over: HandOver) -> None:
        """This is what became of a digest that was begun."""
        self._write("ended", token, json.dumps(handover.as_values(hand_over)))

    def recorded(self, token: UUID, ids: Iterable[int]) -> None:
        """What became of these digests is in the database now."""
        self._write("recorded", token, ",".join(map(str, ids)))

    def _write(self, what: str, token: UUID, details: str = "") -> None:
        if self._file is not None:
            self._file.write(f"{what} {token} {details}\n".encode())


@contextmanager
def opened() -> Iterator[Journal]:
    """A journal for one run. It is removed when the run ends well, and stays when it dies."""
    folder = _folder()
    if folder is None:
        yield Journal(None)
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{_boot()}.{os.getpid()}.{uuid4().hex}"
        # Not a bare descriptor: once closed, its number may be that of a connection.
        file = FileIO(path, "ab", opener=_create)
    except OSError as error:
        logger.warning("No journal is kept: %s", error)
        yield Journal(None)
        return
    try:
        # Held until the process ends, however it ends: whoever gets the lock knows that it has.
        fcntl.flock(file, fcntl.LOCK_EX)
        yield Journal(file)
        path.unlink()
    finally:
        file.close()


def _create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL, 0o600)


def recover() -> int:
    """Settle what dead processes of this host and boot have left. Returns how many there were.

    Safe to repeat, to run twice at once, and to be killed: each journal is removed only after all
    that it says is in the database, where everything depends on the lease's token.
    """
    found, folder = 0, _folder()
    if folder is None:
        return found
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            if path.name.startswith(f"{_boot()}."):
                found += _recover(path)
            elif path.stat().st_mtime < time() - STALE:
                path.unlink(missing_ok=True)
    return found


def _recover(path: Path) -> bool:
    with suppress(FileNotFoundError), path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False  # its process is alive, though it may be slow or frozen
        for token, said in _read(file.read()).items():
            _settle(token, said)
        path.unlink(missing_ok=True)
        return True
    return False


@dataclass(slots=True)
class _Said:
    """What a journal says about one lease: the digests about to be marked, those of them that were
    begun, and what became of the begun."""

    marking: set[int] = field(default_factory=set)
    begun: set[int] = field(default_factory=set)
    ended: dict[int, HandOver] = field(default_factory=dict)


def _read(content: bytes) -> dict[UUID, _Said]:
    """What the journal says, by token. A last line that is not whole was never begun."""
    by_token: dict[UUID, _Said] = defaultdict(_Said)
    for line in content.decode().split("\n")[:-1]:
        what, token, details = line.split(" ", 2)
        said = by_token[UUID(token)]
        if what == "marking":
            said.marking.update(map(int, details.split(",")))
        elif what == "begun":
            said.begun.add(int(details))
        elif what == "ended":
            ended = handover.from_values(json.loads(details))
            said.ended[ended.digest_id] = ended
        elif what == "recorded":
            said.marking.difference_update(map(int, details.split(",")))
    return by_token


def _settle(token: UUID, said: _Said) -> None:
    """Store what is known, doubt what was begun without an end, and give back everything else."""
    pending = said.marking
    handover.record(token, [said.ended[pk] for pk in pending & said.ended.keys()])
    in_doubt = (pending & said.begun) - said.ended.keys()
    parameters = {"token": token, "doubted": list(in_doubt), "others": list(pending - said.begun)}
    execute(
        """
        UPDATE digest_digest
        SET state = 'uncertain', error = 'The worker died during the hand-over.',
            lease_until = now()
        WHERE id = ANY(%(doubted)s) AND state = 'sending' AND lease_token = %(token)s
        """,
        parameters,
    )
    execute(
        """
        UPDATE digest_digest
        SET state = 'ready', attempts = attempts - 1, handed_over_at = NULL, error = '',
            lease_token = NULL, lease_until = NULL, next_attempt_at = now()
        WHERE id = ANY(%(others)s) AND state IN ('sending', 'uncertain')
            AND lease_token = %(token)s
        """,
        parameters,
    )
    execute(
        """
        UPDATE digest_digest
        SET lease_token = NULL, lease_until = NULL, next_attempt_at = now()
        WHERE state = 'ready' AND next_attempt_at > now() AND lease_token = %(token)s
        """,
        parameters,
    )


def _folder() -> Path | None:
    """Where this host's journals are, or None if it keeps nothing."""
    return settings.STATE_FOLDER / "journal" if settings.STATE_FOLDER else None


def _boot() -> str:
    """The id of the host's present boot; "" where there is none, and then there is no journal."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
