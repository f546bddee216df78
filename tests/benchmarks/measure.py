"""CPU time per call, as the median of several rounds because machines are noisy."""

import statistics
import time
from collections.abc import Callable

ROUNDS = 9


def cpu_per_call(*acts: Callable[[], object], calls: int) -> list[float]:
    """Microseconds of this process's CPU time that one call of each takes.

    They take turns, so that what else the machine does meets all of them alike.
    """
    for act in acts:
        act()
    rounds = [[_measured(act, calls) for act in acts] for _ in range(ROUNDS)]
    return [statistics.median(each) * 1e6 for each in zip(*rounds, strict=True)]


def _measured(act: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        act()
    return (time.process_time() - start) / calls
