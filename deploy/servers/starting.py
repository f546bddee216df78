"""Finding a server's programs, waiting until it is ready, and explaining why it is not."""

import importlib.util
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import redis

START_SECONDS = 60.0
LOG_LINES = 15


class ServerError(RuntimeError):
    """A server cannot run. The message says which one, why, and what to do about it."""


def wait_until_ready(
    name: str, child: subprocess.Popen[bytes], log: Path, connect: Callable[[], object]
) -> None:
    """Return as soon as `connect` succeeds.

    Raises `ServerError` if the child ends first, or after START_SECONDS.
    """
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError, redis.RedisError):
            connect()
            return
        time.sleep(0.02)
    raise failure(name, "did not start", log)


def failure(name: str, what: str, log: Path) -> ServerError:
    """An error that quotes the last lines of the server's log."""
    lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
    tail = "\n".join(f"  {line}" for line in lines) or "  (nothing)"
    return ServerError(
        f"{name} {what}. The end of {log}:\n{tail}\n"
        "If the data may be corrupt, `make clean` removes it. To use a server of your own, "
        "set DATABASE_URL or REDIS_URL."
    )


def wheel_folder(package: str) -> Path | None:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None
