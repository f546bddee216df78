"""The processes of a round: workers that can be killed, beats, and the mail server."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO, Any

from deploy import children

POOL = 2
WORKER = (
    *("-A", "deploy", "worker", "--concurrency", str(POOL), "--queues", "ticks,letters,digests"),
    *("--without-mingle", "--without-gossip"),
)
# A worker that takes longer than this to stop is killed, and the round has failed.
STOP_SECONDS = 30.0


@dataclass(eq=False)
class Process:
    """One worker or beat. `wanted` becomes False when a fault ends it."""

    name: str
    popen: "subprocess.Popen[bytes]"
    wanted: bool = True
    asked_at: float | None = None

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    @property
    def is_late(self) -> bool:
        asked_at = self.asked_at
        return (
            asked_at is not None and self.is_running and time.monotonic() > asked_at + STOP_SECONDS
        )

    def signal_group(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, number)

    def children(self) -> list[int]:
        """The IDs of the pool processes (Linux)."""
        pid = self.popen.pid
        with suppress(FileNotFoundError):
            return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        return []


@dataclass
class Fleet:
    """The workers and beats of one round, each in a process group of its own.

    They end with us: the kernel kills the processes that we start, and Celery arranges the same
    for their pools.
    """

    folder: Path
    environment: dict[str, str]
    workers: list[Process] = field(default_factory=list)
    beats: list[Process] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    _number: int = 0

    def add_worker(self, skew: int = 0) -> None:
        """Start a worker whose clock is wrong by `skew` seconds."""
        module = ("tests.chaos.skewed", str(skew)) if skew else ("celery",)
        self.workers.append(self._start("worker", *module, *WORKER))

    def add_beat(self) -> None:
        schedule = str(self.folder / f"schedule-{self._number}")
        self.beats.append(
            self._start("beat", "celery", "-A", "deploy", "beat", "--schedule", schedule)
        )

    def replace_ended(self) -> int:
        """Replace processes that have ended, as a supervisor does.

        Returns how many had ended unasked. Workers sometimes do when Redis goes down, because of
        a bug in Celery's Redis transport.
        """
        before = len(self.fallen)
        for worker in self.workers:
            if worker.is_late:
                self.stuck.append(f"{worker.name} did not end within {STOP_SECONDS:.0f} s")
                worker.signal_group(signal.SIGKILL)
                worker.popen.wait()
        for group, add in ((self.workers, self.add_worker), (self.beats, self.add_beat)):
            for process in [process for process in group if not process.is_running]:
                group.remove(process)
                if process.wanted:
                    self.fallen.append(f"{process.name} ended with {process.popen.returncode}")
                add()
        return len(self.fallen) - before

    def any_worker(self, chance: Random) -> Process | None:
        running = [one for one in self.workers if one.is_running and one.wanted]
        return chance.choice(running) if running else None

    def pool_size(self) -> int:
        """The present number of pool processes."""
        return sum(len(worker.children()) for worker in self.workers)

    def stop(self) -> list[str]:
        """End all processes. Returns those that did not end in time and had to be killed."""
        late = []
        for process in (*self.beats, *self.workers):
            process.popen.send_signal(signal.SIGTERM)
        for process in (*self.beats, *self.workers):
            try:
                process.popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                late.append(f"{process.name} did not end within {STOP_SECONDS:.0f} s")
            process.signal_group(signal.SIGKILL)
            process.popen.wait()
        self.beats, self.workers = [], []
        return late

    def _start(self, kind: str, *arguments: str) -> Process:
        self._number += 1
        name = f"{kind}-{self._number}"
        log = self.folder / f"{name}.log"
        argv = [sys.executable, "-m", *arguments]
        popen = children.spawn(argv, log=log, env=self.environment, death_signal="KILL")
        return Process(name, popen)


class MailServer:
    """The sink as a process of its own, and its ledger. A context manager."""

    def __init__(self, ledger: Path, *, rate: float, seed: int) -> None:
        self.ledger = ledger
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.sink", str(ledger), str(rate), str(seed)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._popen.stdout is not None
        self.port = int(self._popen.stdout.readline())
        self._read: IO[bytes] | None = None
        self.taken = 0

    def __enter__(self) -> "MailServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.communicate()  # closes its standard input, which ends it

    def order(self, **orders: Any) -> None:
        """Make it misbehave; see `sink.Orders`."""
        assert self._popen.stdin is not None
        self._popen.stdin.write(json.dumps(orders).encode() + b"\n")
        self._popen.stdin.flush()

    def count(self) -> int:
        """How many messages it has received completely so far."""
        self._read = self._read or (self.ledger.open("rb") if self.ledger.exists() else None)
        if self._read:
            self.taken += self._read.read().count(b"\n")
        return self.taken

    def entries(self) -> Sequence["LedgerLine"]:
        lines = self.ledger.read_text().splitlines() if self.ledger.exists() else []
        return [LedgerLine(*line.split()) for line in lines]


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A line of the ledger, as text."""

    recipient: str
    message_id: str
    monotonic: str
    wall: str
    verdict: str

    @property
    def uuid(self) -> str:
        """The digest's UUID, which is part of the Message-ID."""
        return self.message_id.removeprefix("<d.").partition("@")[0]
