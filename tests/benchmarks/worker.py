"""One worker process of a benchmark: delivers until nothing is ready, and tells what it took."""

import json
import resource
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import wraps
from typing import Any

import django
import psutil

# How often a worker's memory is noted.
EVERY = 1.0


def main() -> None:
    django.setup()
    # Django has to be set up first.
    from digest.delivery import leases, run, sender  # noqa: PLC0415
    from digest.mail import wire  # noqa: PLC0415

    stages: Counter[str] = Counter()
    for module, function, stage in (
        (run, "_claim", "plan, claim"),
        (run, "_compose", "compose"),
        (run, "_render", "render"),
        (leases, "mark_sending", "mark"),
        (sender, "_hand_over", "hand over"),
        (leases, "record", "record"),
    ):
        setattr(module, function, _timed(getattr(module, function), stages, stage))
    sizes: Counter[str] = Counter()
    wire.PreparedMessage.as_bytes = _weighed(wire.PreparedMessage.as_bytes, sizes)  # type: ignore[method-assign]  # only here
    print("ready", flush=True)
    sys.stdin.readline()
    start, memory = time.process_time(), Memory()
    tally = run.deliver(seconds=3600)
    cpu = time.process_time() - start
    told = {
        "sent": tally.states["sent"],
        "bytes": sizes["bytes"],
        "cpu": cpu,
        "stages": {**stages, "the rest": cpu - stages.total()},
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "memory_mb": memory.noted,
    }
    json.dump(told, sys.stdout)


def _timed(function: Callable[..., Any], stages: "Counter[str]", stage: str) -> Callable[..., Any]:
    """`function`, with the CPU time of its thread added to its stage's."""

    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            stages[stage] += time.thread_time() - start  # type: ignore[assignment]  # seconds

    return timed


def _weighed(function: Callable[..., bytes], sizes: "Counter[str]") -> Callable[..., bytes]:
    """`function`, with the length of what it answers added up."""

    @wraps(function)
    def weighed(*args: Any, **kwargs: Any) -> bytes:
        content = function(*args, **kwargs)
        sizes["bytes"] += len(content)
        return content

    return weighed


class Memory(threading.Thread):
    """Notes this process's resident memory, in MB, every second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.noted: list[int] = []
        self.start()

    def run(self) -> None:
        process = psutil.Process()
        while True:
            self.noted.append(process.memory_info().rss >> 20)
            time.sleep(EVERY)


if __name__ == "__main__":
    main()
