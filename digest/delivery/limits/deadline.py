"""How long a piece of work may go on."""

import time
from collections.abc import Callable
from datetime import timedelta
from mmap import mmap
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

IsOver = Callable[[], bool]
T = TypeVar("T")
# How long to wait for the database to come back: less than a worker is given for its own end.
PATIENCE = timedelta(seconds=15)
# A mark that is older than this is looked at again before the hand-over.
FRESH_SECONDS = 5.0
# Only Linux has a clock that goes on during suspension.
_BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Stop:
    """An event that a process shares with those forked from it later.

    Without a lock, unlike that of ``multiprocessing``: a process that is killed while it looks
    would keep the lock, and neither its parent nor its siblings could go on.
    """

    def __init__(self) -> None:
        self._page = mmap(-1, 1)

    def set(self) -> None:
        self._page[0] = 1

    def is_set(self) -> bool:
        return bool(self._page[0])


# Set when this process, or the worker process that it was forked from, has been asked to stop.
STOP = Stop()


def deadline(seconds: float) -> IsOver:
    """A function that returns whether `seconds` have passed since this call, or we should stop."""
    end = time.monotonic() + seconds
    return lambda: STOP.is_set() or time.monotonic() >= end


def stale_after(seconds: float) -> IsOver:
    """A function that returns whether `seconds` have passed since this call by any of our clocks.

    Some of them stand still while the machine is suspended, and some are set.
    """
    begun = _clocks()
    return lambda: any(
        abs(now - then) >= seconds for now, then in zip(_clocks(), begun, strict=True)
    )


def _clocks() -> tuple[float, ...]:
    return (time.monotonic(), time.time(), time.clock_gettime(_BOOT_TIME))


def patiently(statement: Callable[[], T]) -> T:
    """Run a statement, also while the database is being restarted, and return its result.

    What is known about a message that went out should not be lost because of that. Raises the
    database's error after `PATIENCE`. The statement must be safe to repeat.
    """
    patience = time.monotonic() + PATIENCE.total_seconds()
    while True:
        try:
            return statement()
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() >= patience:
                raise
            time.sleep(0.5)
