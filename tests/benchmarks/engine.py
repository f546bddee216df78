"""The whole engine with a null transport: plan, claim, compose, render, mark, record."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from random import Random

import psutil
from rich.table import Table

from digest.models import Digest
from subscribers.database import fetch
from tests.benchmarks.load import fresh_edition, fresh_readers

WORKERS = 2
READERS = [int(n) for n in os.environ.get("READERS", "10000,100000").split(",")]
NULL = {"MAIL_BACKEND": "tests.benchmarks.null.EmailBackend", "MAIL_CONNECTIONS": "1"}
# How many readings of a worker's memory to show, at equal intervals.
READINGS = 8


def run() -> Table:
    all_figures = [deliver_to(number, NULL) for number in READERS]
    table = Table("engine into a null transport", *(f"{f.number:,} readers" for f in all_figures))
    first = all_figures[0].microseconds
    table.add_row("seconds", *(f"{f.seconds:.1f}" for f in all_figures))
    table.add_row("digests a second", *(f"{f.per_second:,.0f}" for f in all_figures))
    table.add_row("time a reader", *(f"{f.microseconds / first:.2f} x" for f in all_figures))
    for stage in all_figures[0].stages:
        table.add_row(f"µs of {stage}", *(f"{f.stages[stage]:.0f}" for f in all_figures))
    table.add_row("µs of ours", *(f"{f.own_cpu:.0f}" for f in all_figures))
    table.add_row("µs of PostgreSQL", *(f"{f.server_cpu:.0f}" for f in all_figures))
    table.add_row("MB a worker, peak", *(f"{f.peak_mb:.0f}" for f in all_figures))
    table.add_row("MB over the run", *(" ".join(map(str, f.memory_mb)) for f in all_figures))
    return table


@dataclass(frozen=True, slots=True)
class Figures:
    """The cost of delivering one digest to each of `number` readers.

    `stages` and `server_cpu` are microseconds of CPU time per reader, in the workers and in
    PostgreSQL. `memory_mb` is the resident memory of one worker over the run, in MiB.
    `message_bytes` is the mean size of a mail, including headers.
    """

    number: int
    seconds: float
    stages: dict[str, float]
    server_cpu: float
    peak_mb: float
    memory_mb: Sequence[int]
    message_bytes: int

    @property
    def per_second(self) -> float:
        return self.number / self.seconds

    @property
    def own_cpu(self) -> float:
        """Microseconds of the workers' CPU time per reader."""
        return sum(self.stages.values())

    @property
    def microseconds(self) -> float:
        return self.seconds / self.number * 1e6


# What the command of a worker process begins with, and what is added to its environment.
Place = tuple[Sequence[str], dict[str, str]]


def deliver_to(
    number: int, environ: dict[str, str], hosts: Sequence[Place] = (((), {}),) * WORKERS
) -> Figures:
    """Plan and deliver to `number` fresh readers with real worker processes, one a place.

    `environ` is added to the workers' environment and names their mail service.
    """
    chance = Random(number)
    fresh_readers(number, chance)
    fresh_edition(chance)
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(command, environ | more)) for command, more in hosts]
        start, server = time.monotonic(), postgres_cpu()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write(b"go\n")
            worker.stdin.flush()
        told = [json.loads(worker.communicate()[0]) for worker in workers]
        seconds, server = time.monotonic() - start, postgres_cpu() - server
    assert Digest.objects.filter(state=Digest.State.SENT).count() == number
    stages: Counter[str] = Counter()
    for one in told:
        stages.update(one["stages"])
    return Figures(
        number=number,
        seconds=seconds,
        stages={stage: cpu / number * 1e6 for stage, cpu in stages.items()},
        server_cpu=server / number * 1e6,
        peak_mb=max(one["peak_mb"] for one in told),
        memory_mb=_some_of(told[0]["memory_mb"]),
        message_bytes=sum(one["bytes"] for one in told) // number,
    )


def _some_of(readings: Sequence[int]) -> list[int]:
    return list(readings[:: max(1, len(readings) // READINGS)])


def _worker(command: Sequence[str], environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a worker process and wait until it is ready for work."""
    worker = subprocess.Popen(
        [*command, sys.executable, "-m", "tests.benchmarks.worker"],
        env={**os.environ, **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker


def postgres_cpu() -> float:
    """CPU seconds used by the database's processes, including those that have ended."""
    ((pid,),) = fetch("SELECT pg_backend_pid()")
    postmaster = psutil.Process(pid).parent()
    assert postmaster is not None
    alive = []
    for child in postmaster.children():
        with suppress(psutil.NoSuchProcess):  # what ends now counts as ended
            alive.append(child.cpu_times())
    ended = postmaster.cpu_times()
    return float(
        ended.children_user
        + ended.children_system
        + sum(times.user + times.system for times in [ended, *alive])
    )
