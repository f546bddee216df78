"""One worker process of a benchmark: it delivers until nothing is ready and reports its costs."""

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

# Seconds between two readings of a worker's memory.
EVERY = 1.0


def main() -> None:
    django.setup()
    # These imports need Django to be set up.
    from deploy.celery import make_ready  # noqa: PLC0415
    from digest.delivery import handover, run, sender  # noqa: PLC0415
    from digest.mail import wire  # noqa: PLC0415

    stages: Counter[str] = Counter()
    for module, function, stage in (
        (run, "_claim", "plan, claim"),
        (run, "_compose", "compose"),
        (run, "_render", "render"),
        (handover, "mark_sending", "mark"),
        (sender, "_hand_over", "hand over"),
        (handover, "record", "record"),
    ):
        setattr(module, function, _timed(getattr(module, function), stages, stage))
    sizes: Counter[str] = Counter()
    wire.PreparedMessage.as_bytes = _weighed(wire.PreparedMessage.as_bytes, sizes)  # type: ignore[method-assign]  # only here
    make_ready()
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
    """Wrap `function` to add its thread's CPU time, in seconds, to its stage."""

    @wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.thread_time()
        try:
            return function(*args, **kwargs)
        finally:
            stages[stage] += time.thread_time() - start  # type: ignore[assignment]  # seconds

    return timed


def _weighed(function: Callable[..., bytes], sizes: "Counter[str]") -> Callable[..., bytes]:
    """Wrap `function` to add up the lengths of what it returns."""

    @wraps(function)
    def weighed(*args: Any, **kwargs: Any) -> bytes:
        content = function(*args, **kwargs)
        sizes["bytes"] += len(content)
        return content

    return weighed


class Memory(threading.Thread):
    """Records this process's resident memory, in MiB, every second."""

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
