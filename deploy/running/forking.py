"""Processes forked from this one, which end with it. Fork before starting any thread."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from deploy import children
from deploy.processes import START_SECONDS, STOP_SECONDS, Child, ProcessError

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Linux: have the kernel send a signal once the parent ends.
_PR_SET_PDEATHSIG = 1
_processes = get_context("fork")


class Forked:
    """A forked process, as ``subprocess`` would show it."""

    def __init__(self, name: str, run: Callable[[], object], log: Path) -> None:
        target, ours = _become, os.getpid()
        self._process = _processes.Process(target=target, name=name, args=(run, log, ours))
        self._process.start()
        self.pid = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if (code := self._process.exitcode) is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _become(run: Callable[[], object], log: Path, parent: int) -> None:
    """Turn the fork into a process of its own, whose output goes to the end of `log`."""
    os.setsid()  # Ctrl-C reaches only the parent, which chooses the order in which to stop
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    _end_with(parent)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for stream in (1, 2):
        os.dup2(output, stream)
    run()


def _end_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended before we could ask
        sys.exit(1)


@dataclass
class Family:
    """The processes forked from this one, by name. They log into `folder`, where nothing that an
    earlier one has said is ever lost.

    `before` runs before each fork: whatever this process has open would be shared.
    """

    folder: Path
    before: Callable[[], None] = lambda: None
    running: list[tuple[Child, Callable[[], object]]] = field(default_factory=list)

    def start(self, name: str, run: Callable[[], object]) -> Child:
        child = self._fork(name, run)
        self.running.append((child, run))
        return child

    def _fork(self, name: str, run: Callable[[], object]) -> Child:
        self.before()
        log = self.folder / f"{name.replace(' ', '-')}.log"
        return Child(name, (), Forked(name, run, log), log)

    def wait_until(self, is_ready: Callable[[], bool], child: Child) -> None:
        """Return once `is_ready`. Raises `ProcessError` if that takes long or the child ends."""
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if (code := child.process.poll()) is not None:
                raise child.failure(f"ended with {code}")
            if time.monotonic() > deadline:
                raise child.failure(f"was not ready after {START_SECONDS:.0f} seconds")
            time.sleep(0.02)

    def revive(self) -> list[ProcessError]:
        """Fork those that have ended once more. Returns why each of them ended."""
        failures = []
        for place, (child, run) in enumerate(self.running):
            if (code := child.process.poll()) is not None:
                _kill_session(child)
                failures.append(child.failure(f"ended with {code} and was restarted"))
                self.running[place] = self._fork(child.name, run), run
        return failures

    def stop(self) -> None:
        """Ask all of them to end, and kill what is left of them. Safe to repeat."""
        for child, _run in self.running:
            child.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.running:
            child, _run = self.running.pop()
            children.stop(child.process, patience=max(deadline - time.monotonic(), 0.1))
            _kill_session(child)


def _kill_session(child: Child) -> None:
    """Kill what a process has left behind, such as the processes of a worker's pool."""
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)
