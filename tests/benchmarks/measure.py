"""CPU time per call, as the median of several rounds because machines are noisy."""

import statistics
import time
from collections.abc import Callable

ROUNDS = 5


def cpu_per_call(act: Callable[[], object], *, calls: int) -> float:
    """Microseconds of this process's CPU time that one call takes."""
    act()
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(calls):
            act()
        rounds.append((time.process_time() - start) / calls)
    return statistics.median(rounds) * 1e6
