"""How long a piece of work may go on."""

import time
from collections.abc import Callable

IsOver = Callable[[], bool]


def deadline(seconds: float) -> IsOver:
    """A function that returns whether `seconds` have passed since this call."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end
