"""Has a small JPEG made of a stranger's picture, by a process with little memory and time."""

import subprocess
import sys

from . import drawer

# More than the process may compute: it may have to wait for a processor.
SECONDS = 4 * drawer.SECONDS
# What we write ourselves is far smaller.
_MOST_BYTES = 500_000


class NoPicture(Exception):
    """No picture can be made of it. The text says why."""


def drawn(data: bytes) -> bytes:
    """Return a JPEG of `drawer.SIZE` of the picture in `data`. Raises NoPicture."""
    try:
        # By its path, so that no package of ours is loaded. With "-I", neither the folder nor the
        # environment decides what it imports.
        done = subprocess.run(
            [sys.executable, "-I", drawer.__file__],
            input=data,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired as error:
        raise NoPicture("it takes too long to read") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().rpartition("\n")[2][:200]
        raise NoPicture(said or f"reading it ended with {done.returncode}")
    if not done.stdout.startswith(b"\xff\xd8\xff") or len(done.stdout) > _MOST_BYTES:
        raise NoPicture("what was made of it is no picture")
    return done.stdout
