"""Processes forked from this one, which end with it. Fork before starting any thread."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from deploy.processes import Child, Children, ProcessError

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
class Family(Children):
    """The processes forked from this one, by name. Nothing that one has logged is ever lost.

    `before` runs before each fork: whatever this process has open would be shared.
    """

    before: Callable[[], None] = lambda: None
    _runs: dict[str, Callable[[], object]] = field(default_factory=dict)

    def start(self, name: str, run: Callable[[], object]) -> Child:
        """Fork a process that calls `run`, and watch it from now on."""
        self._runs[name] = run
        child = self._fork(name)
        self.running.append(child)
        return child

    def _fork(self, name: str) -> Child:
        self.before()
        log = self.log(name)
        return Child(name, Forked(name, self._runs[name], log), log)

    def revive(self) -> list[ProcessError]:
        """Fork those that have ended once more. Returns why each of them ended."""
        failures = []
        for place, child in enumerate(self.running):
            if (code := child.process.poll()) is not None:
                child.kill_session()
                failures.append(child.failure(f"ended with {code} and was restarted"))
                self.running[place] = self._fork(child.name)
        return failures

    def stop(self) -> None:
        """End all of them at once. Safe to repeat."""
        for child in self.running:
            child.process.send_signal(signal.SIGTERM)
        super().stop()
