"""Child processes that end with this one: servers, workers, the demo's mail server."""

import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

STOP_SECONDS = 30.0


class Process(Protocol):
    """A child process, started or forked."""

    pid: int

    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, sig: int, /) -> None: ...
    def kill(self) -> None: ...


def spawn(
    argv: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    death_signal: str = "TERM",
    account: Sequence[str] = (),
    keep_open: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child that ends with us. Its output replaces the contents of `log`.

    The child has a session of its own, so Ctrl-C reaches only us and we choose the order in
    which to stop. Where `setpriv` exists (Linux), the kernel sends `death_signal` to the child
    when the *thread* that called this function ends, so call it in a thread that lives as long
    as the child should. `account` is a command that switches the user and then runs `argv`. The
    kernel clears the death signal on such a switch, so the switch comes before `setpriv`.
    """
    with log.open("wb") as output:
        return subprocess.Popen(
            [*account, *_dying_with_us(death_signal), *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=env,
            pass_fds=keep_open,
            start_new_session=True,
        )


def stop(
    child: Process,
    signal_number: int = signal.SIGTERM,
    *,
    patience: float = STOP_SECONDS,
) -> int:
    """Ask the child to end, kill it after `patience` seconds, and return its exit code.

    Safe to repeat, and safe on a child that has already ended.
    """
    child.send_signal(signal_number)
    try:
        return child.wait(patience)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


@cache
def _dying_with_us(death_signal: str) -> tuple[str, ...]:
    command = ("setpriv", "--pdeathsig", death_signal)
    return command if works([*command, "true"]) else ()


def works(argv: Sequence[str]) -> bool:
    """Whether the command can be run here and exits with 0. Its output is discarded."""
    try:
        return subprocess.run(argv, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
