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
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Self

from deploy import children
from deploy.processes import STOP_SECONDS, worker_arguments

from .hosts import NUMBER, Hosts
from .mail import ledger
from .mail.ledger import Message

POOL = 2  # processes of a worker, see `worker_arguments`
DIGESTS = ("digests", "chores")
CLOCKWORK = ("ticks", "letters")


@dataclass(eq=False)
class Process:
    """One worker or beat. `wanted` becomes False when a fault ends it, and `is_replaced` when
    another has taken its place. `host` is where it keeps its state; a worker that is started again
    has the same."""

    name: str
    popen: "subprocess.Popen[bytes]"
    queues: tuple[str, ...] = ()
    host: int = 0
    home: str = ""
    wanted: bool = True
    is_replaced: bool = False
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
    for their pools. `fallen` ended unasked; `stuck` had to be killed. If there are hosts `apart`,
    those that send run there, in turn.
    """

    folder: Path
    environment: dict[str, str]
    apart: Hosts | None = None
    running: list[Process] = field(default_factory=list)
    fallen: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    hosts: int = 0
    _number: int = 0

    def start(self) -> None:
        """As ``make run`` does it, with a second worker for digests and a second beat. Started
        again, they are on the hosts where they were."""
        for host, queues in enumerate((DIGESTS, DIGESTS, CLOCKWORK), 1):
            self.add_worker(queues, host=host if self.hosts else 0)
        for _ in range(2):
            self.add_beat()

    def add_worker(
        self, queues: tuple[str, ...], *, host: int = 0, skew: int = 0, home: str = ""
    ) -> None:
        """Start a worker on a `host`, a new one by default, whose clock is wrong by `skew`; with
        the code of another checkout if there is a `home`."""
        self.hosts += not host
        host = host or self.hosts
        folder = self.folder / f"host-{host}"
        more = {"CHAOS_SKEW": str(skew), "STATE_FOLDER": str(folder), "CHAOS_HOME": home}
        *arguments, _ = worker_arguments(*queues)
        arguments = [*arguments, f"{self._number}@%h"]
        far = self.apart if queues == DIGESTS else None
        process = self._start("worker", "celery", *arguments, far=far, host=host, **more)
        process.queues, process.host, process.home = queues, host, home

    def add_beat(self) -> None:
        schedule = str(self.folder / f"schedule-{self._number}")
        self._start("beat", "celery", "-A", "deploy", "beat", "--schedule", schedule)

    def replace_ended(self) -> list[Process]:
        """Replace processes that have ended, as ``make run`` does. Returns the workers that ended
        in no way that was asked for.

        Workers sometimes end when Redis goes down, because of a bug in Celery's Redis transport.
        """
        unasked = []
        for process in [one for one in self.running if one.is_late]:
            self.stuck.append(f"{process.name} did not end within {STOP_SECONDS:.0f} s")
            self.kill(process)
            unasked.append(process)
        for process in [one for one in self.running if not one.is_running]:
            self.running.remove(process)
            process.signal_group(signal.SIGKILL)
            if process.wanted:
                self.fallen.append(f"{process.name} ended with {process.popen.returncode}")
                unasked.append(process)
            self._start_again(process)
        return [process for process in unasked if process.queues]

    def _start_again(self, process: Process) -> None:
        if process.queues and not process.is_replaced:
            self.add_worker(process.queues, host=process.host, home=process.home)
        elif not process.queues:
            self.add_beat()

    def is_up(self) -> bool:
        """Whether every worker has its pool."""
        return all(len(one.children()) >= POOL for one in self.running if one.queues)

    def any_worker(self, chance: Random, queues: tuple[str, ...] = DIGESTS) -> Process | None:
        running = [one for one in self.running if one.is_running and one.wanted]
        workers = [one for one in running if one.queues == queues]
        return chance.choice(workers) if workers else None

    def kill(self, process: Process) -> None:
        """SIGKILL to a worker and its pool at once, so that none of them can clean up."""
        process.wanted = False
        process.signal_group(signal.SIGKILL)
        process.popen.wait()

    def stop(self) -> list[Process]:
        """End all processes. Returns those that did not end in time and had to be killed."""
        late = []
        for process in self.running:
            process.popen.send_signal(signal.SIGTERM)
        until = time.monotonic() + STOP_SECONDS
        for process in self.running:
            try:
                process.popen.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                late.append(process)
            process.signal_group(signal.SIGKILL)
            process.popen.wait()
        self.stuck += [f"{one.name} did not end within {STOP_SECONDS:.0f} s" for one in late]
        self.running = []
        return late

    def _start(
        self, kind: str, *arguments: str, far: Hosts | None = None, host: int = 0, **more: str
    ) -> Process:
        self._number += 1
        name = f"{kind}-{self._number}"
        log = self.folder / f"{name}.log"
        argv = [sys.executable, "-m", "tests.chaos.clock", *arguments]
        environment = {**(far.environment if far else self.environment), **more}
        argv = [*far.command(host % NUMBER), *argv] if far else argv
        if home := more.get("CHAOS_HOME"):
            argv = ["env", f"--chdir={home}", *argv]
        popen = children.spawn(argv, log=log, env=environment, death_signal="KILL")
        self.running.append(Process(name, popen))
        return self.running[-1]


class SmtpServer:
    """The sink as a process of its own, and its ledger. A context manager."""

    def __init__(self, path: Path, *, rate: float, seed: int, options: Sequence[str]) -> None:
        self._path, self._seen, self._taken = path, 0, 0
        self.delivered: list[tuple[str, datetime]] = []
        command = [sys.executable, "-m", "tests.chaos.clock", "tests.chaos.mail.sink"]
        self._popen = subprocess.Popen(
            [*command, str(path), str(rate), str(seed), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._popen.stdout is not None
        port = int(self._popen.stdout.readline())
        self.environment = {"EMAIL_URL": f"smtp://127.0.0.1:{port}"}

    def __enter__(self) -> Self:
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
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._seen)
                new = file.read()
            self._seen += len(new)
            self._taken += new.count(b"\n")
        return self._taken

    def entries(self) -> Sequence[Message]:
        return ledger.read(self._path)

    def tell(self) -> int:
        """An SMTP server tells nothing later."""
        return 0
