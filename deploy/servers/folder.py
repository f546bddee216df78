"""The folder that one pair of servers runs in: its lock, and the folder of its sockets."""

import fcntl
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.servers.starting import ServerError

LOCK_SECONDS = 5.0
# The path of a Unix socket may have 107 bytes on Linux and 103 on macOS. The longest name in
# the folder is "/.s.PGSQL.5432".
LONGEST_SOCKET_FOLDER = 103 - 14


@dataclass(frozen=True)
class Place:
    """The folder of one pair of servers, its socket folder, and its lock's file descriptor."""

    folder: Path
    sockets: Path
    lock: int


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Hold the folder's lock and yield its file descriptor, which the servers inherit.

    The lock is therefore released only when the last server has ended. A demo that starts
    right after another was killed waits for that one's servers to end.
    """
    with (folder / "lock").open("ab") as file:
        deadline = time.monotonic() + LOCK_SECONDS
        while not _try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise ServerError(
                    "another demo is running in this checkout; stop it first "
                    f"(PostgreSQL or Valkey in {folder} is still up)"
                )
            time.sleep(0.1)
        yield file.fileno()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def socket_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder that only we may enter, because the servers ask for no password.

    It is `folder`/sockets, unless that path is too long for a socket or would have to be
    quoted in a URL. In that case it is a temporary folder, removed at the end.
    """
    inside = folder / "sockets"
    is_plain = re.fullmatch(r"[A-Za-z0-9/._-]+", str(inside)) is not None
    if is_plain and len(str(inside)) <= LONGEST_SOCKET_FOLDER:
        inside.mkdir(exist_ok=True)
        inside.chmod(0o700)
        yield inside
    else:
        with tempfile.TemporaryDirectory(prefix="broadsheet-") as outside:
            yield Path(outside)
