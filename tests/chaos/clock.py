"""The clock of a round, which runs as usual and is set forward when nothing is left to happen.

Python's wall clock is that of ``time_machine`` plus a number of nanoseconds in a file that all
processes map. PostgreSQL's functions of time are shadowed by functions that add the same. The
monotonic clocks, and with them all waiting, are the machine's own.

``python -m tests.chaos.clock MODULE …`` runs a module as ``python -m`` does, under the clock that
``CHAOS_CLOCK`` names, with ``CHAOS_SKEW`` seconds by which its own clock is wrong.
"""

import mmap
import os
import runpy
import struct
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import time_machine

_FUNCTIONS = ("now", "statement_timestamp", "clock_timestamp", "transaction_timestamp")
_SECOND = 1_000_000_000
_MICROSECOND = timedelta(microseconds=1)


class _Shared(time_machine.Traveller):
    """The machine's time, plus what the shared file says."""

    def __init__(self, path: Path, skew: int) -> None:
        super().__init__(0, None, True)
        with path.open("rb") as file:
            self._shift = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
        self._skew = skew * _SECOND

    def time_ns(self) -> int:
        (shift,) = struct.unpack("q", self._shift[:8])
        return time_machine.escape_hatch.time.time_ns() + int(shift) * 1000 + self._skew


def install(path: Path, skew: int = 0) -> None:
    """Let this process, and those forked from it, live by the clock in this file."""
    time_machine.travel(0.0).start()
    time_machine.traveller_stack[-1] = _Shared(path, skew)


class Clock:
    """Sets the clock: in the file for Python, and in a table for PostgreSQL."""

    def __init__(self, path: Path, database_url: str) -> None:
        """Before the migrations: what they store as defaults must mean the functions made here."""
        self.path, self._url = path, database_url
        self._shift = 0
        path.write_bytes(struct.pack("q", 0))
        with psycopg.connect(database_url, autocommit=True) as database:
            database.execute("CREATE TABLE simulated_clock (shift interval)")
            database.execute("INSERT INTO simulated_clock VALUES ('0')")
            for name in _FUNCTIONS:
                database.execute(
                    f"CREATE FUNCTION public.{name}() RETURNS timestamptz LANGUAGE sql STABLE"
                    f" AS 'SELECT pg_catalog.{name}() + shift FROM public.simulated_clock'"
                )
            database.execute("ALTER DATABASE broadsheet SET search_path = public, pg_catalog")

    def set(self, to: datetime) -> None:
        """Set the clock, at the same moment for everybody but for a millisecond."""
        self._shift += (to - datetime.now(UTC)) // _MICROSECOND
        with psycopg.connect(self._url) as database:
            database.execute(
                "UPDATE public.simulated_clock SET shift = %s * interval '1 microsecond'",
                [self._shift],
            )
        with self.path.open("r+b") as file:
            file.write(struct.pack("q", self._shift))


if __name__ == "__main__":
    install(Path(os.environ["CHAOS_CLOCK"]), int(os.environ.get("CHAOS_SKEW", "0")))
    module, sys.argv = sys.argv[1], sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
