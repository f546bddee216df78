"""The processes that Broadsheet consists of, as children of one: the demo, or `make run`."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests
from celery import Celery
from kombu.exceptions import OperationalError

from deploy import children
from deploy.env import BASE_DIR

LOG_LINES = 12
START_SECONDS = 45.0
STOP_SECONDS = 4.0
FIRST_PORT = 8000


class ProcessError(RuntimeError):
    """A process ended, or did not get ready. The text says which, and the end of its log."""


@dataclass(frozen=True, slots=True)
class Child:
    """One process, what people call it, and where it writes."""

    name: str
    argv: Sequence[str]
    process: "subprocess.Popen[bytes]"
    log: Path

    def failure(self, what: str) -> ProcessError:
        lines = filter(str.strip, self.log.read_text(errors="replace").splitlines())
        said = "\n".join(f"  {line}" for line in list(lines)[-LOG_LINES:]) or "  (nothing)"
        return ProcessError(f"{self.name} {what}. The end of {self.log}:\n{said}")


@dataclass
class Children:
    """Processes with one environment, whose logs lie in `folder`. Use it in the main thread.

    The process stays in the working folder of the checkout. `stop` ends all of them.
    """

    folder: Path
    environment: dict[str, str]
    running: list[Child] = field(default_factory=list)

    def start(self, name: str, module: str, *arguments: str) -> Child:
        """Start ``python -m module`` and watch it from now on."""
        child = self._spawn(name, [sys.executable, "-m", module, *arguments])
        self.running.append(child)
        return child

    def check(self) -> None:
        """Raise `ProcessError` if one that should be running has ended."""
        for child in self.running:
            if (code := child.process.poll()) is not None:
                raise child.failure(f"ended with {code}")

    def revive(self) -> list[ProcessError]:
        """Start those anew that have ended, and answer why each of them did."""
        failures = []
        for place, child in enumerate(self.running):
            if (code := child.process.poll()) is not None:
                failures.append(child.failure(f"ended with {code} and was started anew"))
                self.running[place] = self._spawn(child.name, child.argv)
        return failures

    def _spawn(self, name: str, argv: Sequence[str]) -> Child:
        log = self.folder / f"{name.replace(' ', '-')}.log"
        return Child(name, argv, children.spawn(argv, log=log, env=self.environment), log)

    def wait_until(self, is_ready: Callable[[], bool], child: Child) -> None:
        """Return once `is_ready`; raise `ProcessError` if it takes too long or a child ends."""
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            self.check()
            if time.monotonic() > deadline:
                raise child.failure(f"was not ready after {START_SECONDS:.0f} seconds")
            time.sleep(0.1)

    def manage(self, command: str, *arguments: str) -> str:
        """Run one of manage.py's commands to its end and answer what it printed.

        Raises `ProcessError` if it fails, or if a child ends meanwhile.
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
        """End all, the youngest first. Safe to repeat."""
        while self.running:
            _end(self.running.pop())


def _end(child: Child) -> None:
    """Ask it to end, and see that nothing of its session is left: a pool, a beat."""
    children.stop(child.process, patience=STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(child.process.pid, signal.SIGKILL)


# --- what is started -----------------------------------------------------------------------
def web_arguments(folder: Path, bind: str) -> Sequence[str]:
    """gunicorn's, for one process with four threads that writes only into `folder`."""
    return (
        *("--bind", bind, "--workers", "1", "--threads", "4", "--graceful-timeout", "3"),
        *("--worker-tmp-dir", str(folder), "--no-control-socket"),
        "deploy.wsgi",
    )


WORKER_ARGUMENTS = (
    *("-A", "deploy", "worker", "--concurrency", "2", "--queues", "letters,digests"),
    *("--without-mingle", "--without-gossip"),
)


def beat_arguments(folder: Path) -> Sequence[str]:
    """Where beat notes when it last rang; what is lost with the file is one tick."""
    return "--schedule", str(folder / "beat-schedule")


# --- readiness -----------------------------------------------------------------------------
def is_site_up(url: str) -> bool:
    """Whether the page is answered with 200."""
    with requests.Session() as session:
        session.trust_env = False  # a proxy cannot see this machine's own addresses
        try:
            return session.get(url, timeout=5).status_code == 200
        except requests.RequestException:
            return False


def is_worker_up(redis_url: str) -> bool:
    """Whether a Celery worker answers a ping."""
    with Celery(broker=redis_url, set_as_current=False) as app:
        try:
            return bool(app.control.ping(timeout=0.5, limit=1))
        except OperationalError:
            return False


def is_listening(port: int) -> bool:
    """Whether anybody takes connections on this port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def is_greeted(port: int) -> bool:
    """Whether a mail server greets on this port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


# --- ports ---------------------------------------------------------------------------------
def choose_port(wanted: int | None) -> int:
    """`wanted`, or else 8000 or the next free one. Raises `ProcessError` if `wanted` is taken."""
    if wanted is None:
        return next(port for port in range(FIRST_PORT, 65536) if is_free(port))
    if not is_free(wanted):
        other = next(port for port in range(wanted + 1, 65536) if is_free(port))
        raise ProcessError(f"Port {wanted} is taken; make demo PORT={other}")
    return wanted


def is_free(port: int) -> bool:
    """Whether nobody listens there, on IPv6 either: browsers ask localhost there first."""
    with suppress(OSError), socket.create_connection(("::1", port), timeout=1):
        return False
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
