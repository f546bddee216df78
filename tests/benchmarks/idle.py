"""What `make run` takes while nothing happens, and how soon it serves, beside the same processes
started one by one, each of which loads the code for itself.

RSS counts shared memory in each process that shares it, PSS its part of it. PostgreSQL and Redis
are not counted. Linux only.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from rich.table import Table

from deploy.env import BASE_DIR
from deploy.processes import Programs, beat_arguments, start_web, take_port, worker_arguments

SECONDS = float(os.environ.get("BENCH_IDLE_SECONDS", "60"))
PORT = 8765
Answers = dict[str, float]


def run() -> Table:
    table = Table("started", "processes", "RSS MB", "PSS MB", "/live s", "/ready s", title="Idle")
    ways: dict[str, Callable[[Path], Iterator[None]]] = {"one by one": _one_by_one}
    ways["make run, 1 sending process"] = _forked(1)
    ways["make run, 2 sending processes"] = _forked(2)
    for name, way in ways.items():
        with TemporaryDirectory() as folder:
            table.add_row(name, *_measured(way, Path(folder)))
    return table


def _measured(way: Callable[[Path], Iterator[None]], folder: Path) -> Iterator[str]:
    began = time.monotonic()
    with contextmanager(way)(folder):
        answers = _answers(began)
        time.sleep(SECONDS)
        processes = psutil.Process().children(recursive=True)
        sizes = [_size(one) for one in processes if _is_ours(one)]
    yield str(len(sizes))
    for place in (0, 1):
        yield f"{sum(size[place] for size in sizes) / 1e6:.0f}"
    for path in ("/live", "/ready"):
        yield f"{answers[path]:.1f}" if path in answers else "–"


def _is_ours(process: psutil.Process) -> bool:
    return "python" in Path(process.exe()).name


def _size(process: psutil.Process) -> tuple[int, int]:
    memory = process.memory_full_info()
    return memory.rss, memory.pss


def _answers(began: float) -> Answers:
    """How long after the beginning each page first answered 200."""
    found: Answers = {}
    while time.monotonic() - began < 60 and len(found) < 2:
        for path in ("/live", "/ready"):
            if path not in found and _is_well(path):
                found[path] = time.monotonic() - began
        time.sleep(0.02)
    return found


def _is_well(path: str) -> bool:
    asked = HTTPConnection("127.0.0.1", PORT, timeout=5)
    try:
        asked.request("GET", path)
        return asked.getresponse().status == 200
    except OSError:
        return False
    finally:
        asked.close()


def _one_by_one(folder: Path) -> Iterator[None]:
    programs = Programs(folder, environment=dict(os.environ))
    listening = take_port(PORT)
    assert listening is not None
    try:
        for queues in (("digests", "chores"), ("ticks", "letters")):
            programs.start("-".join(queues), "celery", *worker_arguments(*queues))
        programs.start("beat", "celery", "-A", "deploy", "beat", *beat_arguments(folder))
        programs.start("watch", "manage", "watch")
        start_web(programs, listening)
        yield
    finally:
        programs.stop()
        listening.close()


def _forked(number: int) -> Callable[[Path], Iterator[None]]:
    def start(folder: Path) -> Iterator[None]:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.run", "--port", str(PORT), "--folder", str(folder)],
            env=os.environ | {"WORKER_PROCESSES": str(number)},
            stdout=subprocess.DEVNULL,
            cwd=BASE_DIR,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()

    return start
