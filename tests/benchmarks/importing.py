"""How long a file of readers takes to import, and how much memory, in a process of its own.

ROWS is the larger of two sizes (100,000 without it); the smaller is a tenth. The ratios say whether
time grows in step with the rows, and memory not at all.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from django.db import connection
from django.utils import timezone
from rich.table import Table

from subscribers.database import fetch
from subscribers.importing import exporting, reading
from subscribers.importing.entries import Defaults
from subscribers.importing.run import Wanted
from subscribers.importing.run import run as import_file

ROWS = int(os.environ.get("ROWS", "100000"))
_STATES = ("active", "active", "active", "active", "unsubscribed", "active", "bounced", "active")
_ZONES = ("Europe/Lisbon", "America/New_York", "Asia/Tokyo", "", "Australia/Sydney")


def write_file(path: Path, rows: int) -> None:
    """A row in a hundred is no address, or is there twice."""
    with path.open("w") as file:
        file.write("name,email,status,zone,hour,topics,created_at\n")
        for number in range(rows):
            same = number - 1 if number % 100 == 98 else number
            email = "nobody" if number % 100 == 99 else f"Reader{same}@dest.example"
            state, zone = _STATES[number % len(_STATES)], _ZONES[number % len(_ZONES)]
            file.write(
                f'"Reader, {number}",{email},{state},{zone},{number % 24},agents; speech,'
                f"2024-05-{1 + number % 28:02}T10:00:00Z\n"
            )


def run_one(path: str) -> None:
    """Import the file, and print the figures of the table's rows."""
    before = _megabytes()
    began = time.perf_counter()
    wanted = Wanted(source=reading.at(Path(path)), basis="a benchmark", defaults=Defaults())
    import_file(wanted, timezone.now(), lambda text: None)
    imported, ours, its = (time.perf_counter() - began, time.process_time(), _cpu_of_database())
    began = time.perf_counter()
    with open(os.devnull, "w") as file:
        exporting.export(file)
    exported = time.perf_counter() - began
    print(imported, ours, its, exported, _megabytes() - before, _megabytes())


def _cpu_of_database() -> float:
    ((pid,),) = fetch("SELECT pg_backend_pid()")
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _megabytes() -> float:
    """The most that this process ever held."""
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


_ALONE = """
import sys, django
django.setup()
from tests.benchmarks.importing import run_one
run_one(sys.argv[1])
"""


def _measured(rows: int) -> list[float]:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE subscribers_subscriber, subscribers_suppression CASCADE")
        cursor.execute("TRUNCATE subscribers_consent, subscribers_import CASCADE")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readers.csv"
        write_file(path, rows)
        done = subprocess.run(
            [sys.executable, "-c", _ALONE, str(path)], check=True, capture_output=True, text=True
        )
    return [float(figure) for figure in done.stdout.split()]


def run() -> Table:
    table = Table(title="Importing readers")
    for name in ("", "few", "many", "ratio"):
        table.add_column(name)
    few, many = _measured(ROWS // 10), _measured(ROWS)
    table.add_row("rows", f"{ROWS // 10:,}", f"{ROWS:,}", "")
    names = (
        *("seconds to import", "seconds of CPU", "seconds of PostgreSQL's CPU"),
        *("seconds to export", "MB more than before, at most", "MB in all"),
    )
    for name, one, other in zip(names, few, many, strict=True):
        ratio = other / one / (10 if name.startswith("seconds") else 1) if one else 0
        table.add_row(name, f"{one:.1f}", f"{other:.1f}", f"{ratio:.2f}")
    return table
