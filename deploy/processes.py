"""Broadsheet's own processes, started and watched as children: by `make run` and by the demo."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from deploy import children
from deploy.env import BASE_DIR

LOG_LINES, LOG_BYTES = 12, 20_000
START_SECONDS = 45.0
# How long a process may take to end. A worker finishes the message that it is handing over.
STOP_SECONDS = 30.0
QUEUES = ("ticks", "letters", "digests", "chores")


class ProcessError(RuntimeError):
    """A process ended or did not get ready. The message names it and quotes its log."""


@dataclass(frozen=True, slots=True)
class Child:
    """One process, the name that people see, and its log."""

    name: str
    argv: Sequence[str]
    process: children.Process
    log: Path
    keep_open: Sequence[int] = ()

    def failure(self, what: str) -> ProcessError:
        """An error that quotes the last lines of the log."""
        with self.log.open("rb") as file:  # it may have grown for years
            file.seek(max(0, self.log.stat().st_size - LOG_BYTES))
            said = file.read().decode(errors="replace")
        lines = filter(str.strip, said.splitlines())
        tail = "\n".join(f"  {line}" for line in list(lines)[-LOG_LINES:]) or "  (nothing)"
        return ProcessError(f"{self.name} {what}. The end of {self.log}:\n{tail}")


@dataclass
class Children:
    """Processes that share one environment and log into `folder`.

    Use it in the main thread, with the checkout as working directory. `stop` ends all of them.
    """

    folder: Path
    environment: dict[str, str]
    running: list[Child] = field(default_factory=list)

    def start(
        self, name: str, module: str, *arguments: str, keep_open: Sequence[int] = ()
    ) -> Child:
        """Start ``python -m module`` and watch it from now on. It inherits the files given."""
        child = self._spawn(name, [sys.executable, "-m", module, *arguments], keep_open)
        self.running.append(child)
        return child

    def check(self) -> None:
        """Raise `ProcessError` if a process that should be running has ended."""
        for child in self.running:
            if (code := child.process.poll()) is not None:
                raise child.failure(f"ended with {code}")

    def revive(self) -> list[ProcessError]:
        """Restart the processes that have ended. Returns why each of them ended."""
        failures = []
        for place, child in enumerate(self.running):
            if (code := child.process.poll()) is not None:
                failures.append(child.failure(f"ended with {code} and was restarted"))
                self.running[place] = self._spawn(
                    child.name, child.argv, child.keep_open, appends=True
                )
        return failures

    def _spawn(
        self,
        name: str,
        argv: Sequence[str],
        keep_open: Sequence[int] = (),
        *,
        appends: bool = False,
    ) -> Child:
        log = self.folder / f"{name.replace(' ', '-')}.log"
        process = children.spawn(
            argv, log=log, env=self.environment, keep_open=keep_open, appends=appends
        )
        return Child(name, argv, process, log, keep_open)

    def wait_until(self, is_ready: Callable[[], bool], child: Child) -> None:
        """Return once `is_ready`. Raises `ProcessError` if that takes too long or a child ends."""
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise child.failure(f"was not ready after {START_SECONDS:.0f} seconds")
            time.sleep(0.1)

    def manage(self, command: str, *arguments: str) -> str:
        """Run a manage.py command to its end and return what it printed.

        Raises `ProcessError` if it fails, or if a child ends in the meantime.
        """
        argv = [sys.executable, str(BASE_DIR / "manage.py"), command, *arguments]
        child = self._spawn(f"manage.py {command}", argv)
        try:
            while child.process.poll() is None:
                self.check()
                with suppress(subprocess.TimeoutExpired):
                    child.process.wait(0.2)
        finally:
            _end(child)
        if child.process.returncode != 0:
            raise child.failure("failed")
        return child.log.read_text(errors="replace")

    def stop(self) -> None:
        """End all processes, the last started first. Safe to repeat."""
        while self.running:
            _end(self.running.pop())


def _end(child: Child) -> None:
    """Ask the process to end, then kill what is left of its session, such as pool processes."""
    children.stop(child.process, patience=STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)


# --- command lines -------------------------------------------------------------------------
def start_web(children: Children, listening: socket.socket) -> Child:
    """Start the site's server on a socket of ours. A restarted one finds the port still its own."""
    fd = listening.fileno()
    return children.start("web", "deploy.web", "--fd", str(fd), keep_open=[fd])


def worker_arguments(*queues: str, processes: int = 2) -> Sequence[str]:
    """The arguments for a Celery worker with so many processes, for these queues, or for all."""
    return (
        *("-A", "deploy", "worker", "--concurrency", str(processes)),
        *("--queues", ",".join(queues or QUEUES)),
        *("--without-mingle", "--without-gossip", "--hostname", f"{'-'.join(queues) or 'all'}@%h"),
    )


def beat_arguments(folder: Path) -> Sequence[str]:
    """Where beat stores its last run times. Losing the file costs one tick."""
    return "--schedule", str(folder / "beat-schedule")


# --- ports ---------------------------------------------------------------------------------
def is_answering(port: int) -> bool:
    """Whether a web server answers on this port of 127.0.0.1, whatever it says."""
    line = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        line.request("HEAD", "/robots.txt")
        line.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        line.close()
    return True


def take_port(port: int) -> socket.socket | None:
    """Listen on the port of 127.0.0.1, so that nobody else can. Returns None if it is taken.

    It counts as taken, too, if a process listens on it on IPv6: browsers try ::1 first.
    """
    with suppress(OSError), socket.create_connection(("::1", port), timeout=1):
        return None
    try:
        return socket.create_server(("127.0.0.1", port), backlog=1024)
    except OSError:
        return None
