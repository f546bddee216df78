"""Broadsheet's own processes, watched as children: the demo starts them, `make run` forks them."""

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
    process: children.Process
    log: Path

    def check(self) -> None:
        """Raise `ProcessError` if it has ended."""
        if (code := self.process.poll()) is not None:
            raise self.failure(f"ended with {code}")

    def failure(self, what: str) -> ProcessError:
        """An error that quotes the last lines of the log."""
        with self.log.open("rb") as file:  # it may have grown for years
            file.seek(max(0, self.log.stat().st_size - LOG_BYTES))
            said = file.read().decode(errors="replace")
        lines = filter(str.strip, said.splitlines())
        tail = "\n".join(f"  {line}" for line in list(lines)[-LOG_LINES:]) or "  (nothing)"
        return ProcessError(f"{self.name} {what}. The end of {self.log}:\n{tail}")

    def end(self) -> None:
        """Ask it to end, then kill what is left of its session, such as the processes of a pool."""
        children.stop(self.process, patience=STOP_SECONDS)
        self.kill_session()

    def kill_session(self) -> None:
        """Kill it and whatever it has left behind."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


@dataclass
class Children:
    """Processes that are watched from here. They log into `folder`. `stop` ends all of them."""

    folder: Path
    running: list[Child] = field(default_factory=list)

    def log(self, name: str) -> Path:
        """Where the process of this name logs."""
        return self.folder / f"{name.replace(' ', '-')}.log"

    def check(self) -> None:
        """Raise `ProcessError` if a process that should be running has ended."""
        for child in self.running:
            child.check()

    def wait_until(self, is_ready: Callable[[], bool], child: Child) -> None:
        """Return once `is_ready`. Raises `ProcessError` if that takes too long or `child` ends."""
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            child.check()
            if time.monotonic() > deadline:
                raise child.failure(f"was not ready after {START_SECONDS:.0f} seconds")
            time.sleep(0.02)

    def stop(self) -> None:
        """End all processes, the last started first. Safe to repeat."""
        while self.running:
            self.running.pop().end()


@dataclass
class Programs(Children):
    """Programs that share one environment.

    Start them in the main thread, with the checkout as working directory.
    """

    environment: dict[str, str] = field(kw_only=True)

    def start(
        self, name: str, module: str, *arguments: str, keep_open: Sequence[int] = ()
    ) -> Child:
        """Start ``python -m module`` and watch it from now on. It inherits the files given."""
        child = self._spawn(name, [sys.executable, "-m", module, *arguments], keep_open)
        self.running.append(child)
        return child

    def _spawn(self, name: str, argv: Sequence[str], keep_open: Sequence[int] = ()) -> Child:
        log = self.log(name)
        process = children.spawn(argv, log=log, env=self.environment, keep_open=keep_open)
        return Child(name, process, log)

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
            child.end()
        if child.process.returncode != 0:
            raise child.failure("failed")
        return child.log.read_text(errors="replace")


# --- command lines -------------------------------------------------------------------------
def start_web(programs: Programs, listening: socket.socket) -> Child:
    """Start the site's server on a socket of ours."""
    fd = listening.fileno()
    return programs.start("web", "deploy.web", "--fd", str(fd), keep_open=[fd])


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
