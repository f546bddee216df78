"""The whole engine into a null transport: plan, claim, compose, mark, render, record."""

import json
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from random import Random

import psutil
from django.db import connection
from rich.table import Table

from digest.delivery import plan
from digest.models import Digest
from tests.benchmarks.load import fresh_edition, fresh_readers

WORKERS = 2
READERS = [int(n) for n in os.environ.get("READERS", "10000,100000").split(",")]
NULL = {"MAIL_BACKEND": "tests.benchmarks.null.EmailBackend", "MAIL_CONNECTIONS": "1"}


def run() -> Table:
    table = Table(
        "readers", "planned after s", "sent after s", "digests/s", "worker µs", "PostgreSQL µs",
        "MB a worker",
    )  # fmt: skip
    for number in READERS:
        table.add_row(f"{number:,}", *deliver_to(number, NULL).cells())
    return table


@dataclass(frozen=True, slots=True)
class Figures:
    """What it took to deliver one digest to each of `number` readers."""

    number: int
    planned: float
    seconds: float
    worker_cpu: float
    server_cpu: float
    peak_mb: float

    @property
    def per_second(self) -> float:
        return self.number / self.seconds

    def cells(self) -> list[str]:
        return [
            f"{self.planned:.1f}",
            f"{self.seconds:.1f}",
            f"{self.per_second:,.0f}",
            f"{self.worker_cpu / self.number * 1e6:.0f}",
            f"{self.server_cpu / self.number * 1e6:.0f}",
            f"{self.peak_mb:.0f}",
        ]


def deliver_to(number: int, environ: dict[str, str]) -> Figures:
    """Plan and deliver to `number` fresh readers with real worker processes.

    `environ` is added to the workers' environment and says which mail service they speak to.
    """
    chance = Random(number)
    fresh_readers(number, chance)
    fresh_edition(chance)
    with ExitStack() as stack:
        workers = [stack.enter_context(_worker(environ)) for _ in range(WORKERS)]
        server = _postgres_cpu()
        planner, start = time.process_time(), time.monotonic()
        assert plan.plan_due() == number
        planner, planned = time.process_time() - planner, time.monotonic()
        told = [json.loads(worker.communicate(b"planned")[0]) for worker in workers]
        seconds, server = time.monotonic() - start, _postgres_cpu() - server
    assert Digest.objects.filter(state=Digest.State.SENT).count() == number
    return Figures(
        number=number,
        planned=planned - start,
        seconds=seconds,
        worker_cpu=planner + sum(one["cpu"] for one in told),
        server_cpu=server,
        peak_mb=max(one["peak_mb"] for one in told),
    )


def _worker(environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """A worker process that has started and waits for work."""
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.worker"],
        env={**os.environ, **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    return worker


def _postgres_cpu() -> float:
    """Seconds of CPU that the database's processes have taken, those that ended included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postmaster = psutil.Process(cursor.fetchone()[0]).parent()
    assert postmaster is not None
    ended = postmaster.cpu_times()
    alive = [child.cpu_times() for child in postmaster.children()]
    return float(
        ended.children_user
        + ended.children_system
        + sum(times.user + times.system for times in [ended, *alive])
    )
