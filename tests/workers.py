"""Real Celery workers for tests, as processes that can be killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from celery import Celery
from django.conf import settings
from django.db import connection

# Fast enough for a test: a tick each second, and leases that end soon after a worker dies.
LIVELY = {
    "TICK_SECONDS": "1",
    "SENDERS": "2",
    "SOURCES": "",
    "DELIVERY_BATCH": "50",
    "DELIVERY_CHUNK": "5",
    "MAIL_CONNECTIONS": "2",
    "DELIVERY_LEASE_SECONDS": "4",
    "MAIL_ANSWER_SECONDS": "20",
    "LOG_LEVEL": "WARNING",
}


def environment(**more: str) -> dict[str, str]:
    """The environment of a process that uses this test's database and mail server."""
    database = urlsplit(os.environ["DATABASE_URL"])
    name = connection.settings_dict["NAME"]
    return {
        **os.environ,
        **LIVELY,
        "DATABASE_URL": database._replace(path=f"/{name}").geturl(),
        "EMAIL_URL": f"smtp://{settings.EMAIL_HOST}:{settings.EMAIL_PORT}",
        **more,
    }


@contextmanager
def worker(
    folder: Path, *, queues: str = "ticks,letters,digests,chores", **more: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a worker with two pool processes and beat, in a process group of its own.

    `more` is added to its environment.
    """
    command = [sys.executable, "-m", "celery", "-A", "deploy", "worker", "--beat"]
    command += ["--schedule", str(folder / f"beat-{time.monotonic_ns()}"), "--concurrency", "2"]
    command += ["--queues", queues, "--without-mingle", "--without-gossip"]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment(**more), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """Send SIGKILL to the worker and its pool processes at once, so that none can clean up."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def flush_redis() -> None:
    """Delete every queued task."""
    with Celery(broker=settings.REDIS_URL, set_as_current=False).connection() as broker:
        broker.default_channel.client.flushall()


def wait_until(is_so: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return as soon as `is_so`. Raises AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"gave up waiting for {what} after {seconds} s"
        time.sleep(0.05)
