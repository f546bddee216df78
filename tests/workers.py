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

# Fast enough to watch: a tick a second, and leases that end soon after a worker died.
LIVELY = {
    "TICK_SECONDS": "1",
    "SENDERS": "2",
    "SOURCES": "",
    "DELIVERY_BATCH": "50",
    "DELIVERY_CHUNK": "5",
    "MAIL_CONNECTIONS": "2",
    "DELIVERY_LEASE_SECONDS": "4",
    "LOG_LEVEL": "WARNING",
}


def environment(**more: str) -> dict[str, str]:
    """What a process of its own needs to work on this test's database and mail server."""
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
def worker(folder: Path, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with two pool processes and beat, in a process group of its own.

    `more` is for its environment.
    """
    command = [sys.executable, "-m", "celery", "-A", "deploy", "worker", "--beat"]
    command += ["--schedule", str(folder / f"beat-{time.monotonic_ns()}"), "--concurrency", "2"]
    command += ["--queues", "letters,digests", "--without-mingle", "--without-gossip"]
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command, env=environment(**more), stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the worker and its pool processes at once: nobody can tidy anything up."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def flush_redis() -> None:
    """Forget every task there is."""
    with Celery(broker=settings.REDIS_URL).connection() as broker:
        broker.default_channel.client.flushall()


def wait_until(is_so: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Return as soon as it is so; AssertionError if it is not in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.05)
