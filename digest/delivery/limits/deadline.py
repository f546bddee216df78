"""How long a piece of work may go on."""

import multiprocessing
import time
from collections.abc import Callable

IsOver = Callable[[], bool]
# A mark that is older than this is looked at again before the hand-over.
FRESH_SECONDS = 5.0
# Only Linux has a clock that goes on during suspension.
_BOOT_TIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

# Set when this process, or the worker process that it was forked from, has been asked to stop.
STOP = multiprocessing.Event()


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
