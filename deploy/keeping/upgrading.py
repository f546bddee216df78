"""``make upgrade``: hold, back up, install, migrate, restart, release; or stop and say what to do.

    make upgrade            to the newest of the branch that is checked out, or what is here already
    make upgrade TO=v1.2    to this tag, branch or commit

git fetches it once everything is held and backed up; an unpacked archive takes its place as well.

Safe to repeat: a step that was done finds nothing to do. While it runs, pages work and digests
wait. It uses nothing but Python's own library, because the others are being replaced.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
HELD = "An upgrade is under way."
# What systemd's units are called, and what restarts all of them.
UNITS, TARGET = "broadsheet*", "broadsheet.target"
START_SECONDS = 60.0
# How long what is being handed over may take.
HOLD_SECONDS = "120"
# Runs manage.py as the services' user, where they have one (`make service`).
AS_SERVICE = "/usr/local/bin/broadsheet"


class StepError(Exception):
    """A step failed. The message is what it said last."""


class Left(Exception):
    """Only a person can do what is left. The message says what."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step, and what to do if it fails."""

    words: str
    act: Callable[[], None]
    advice: str


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make upgrade")
    parser.add_argument("--to", default="", help="the tag, branch or commit to check out")
    wanted: str = parser.parse_args(arguments).to
    before = _output("git", "rev-parse", "--short", "HEAD") or "the version before"
    return run(steps(wanted), before)


def run(chosen: Sequence[Step], before: str) -> int:
    """Do the steps in order. Returns the exit code: 1 if one failed, 3 if a person must do the
    rest."""
    for number, step in enumerate(chosen, 1):
        _say(f"\n[{number}/{len(chosen)}] {step.words}")
        try:
            step.act()
        except Left as left:
            _say(str(left))
            return 3
        except StepError as error:
            _say(f"✗ {error}\n\n{step.advice}")
            if number > 1:
                _say(_BACK.format(before=before, release=_shown(*_RELEASE)))
            return 1
    return 0


def steps(to: str) -> Sequence[Step]:
    return [
        Step(
            "Hold: nothing more is handed to the mail service",
            _hold,
            "The database was not changed.",
        ),
        Step(
            "Back up",
            lambda: _manage("backup"),
            "The database was not changed. Make room, or install PostgreSQL’s client, and repeat.",
        ),
        Step(f"Fetch {to or 'what is new'}", lambda: _fetch(to), _AGAIN),
        Step("Install", _install, _AGAIN),
        Step(
            "Migrate the database",
            lambda: _manage("migrate", "--no-input"),
            "Each migration is all or nothing. The workers of the old version go on with the "
            "database as it is now. What is in the way can be ended; then repeat.",
        ),
        Step(
            "Restart",
            _restart,
            f"See `systemctl status '{UNITS}'` and `journalctl -u 'broadsheet*'`; then repeat.",
        ),
        Step("Release: what has waited goes out", lambda: _manage(*_RELEASE), _AGAIN),
    ]


_RELEASE = ("release", "--reason", HELD)
_AGAIN = "Mend it and repeat: what was done is not done again."
_BACK = """
Sending stays held, and digests wait. To go back to {before} instead:
  git checkout {before} && make install
  stop everything, and restore the backup above: manage.py restore FILE   (see deploy/README.md)
or, if no migration has run yet, only release: {release}"""


# --- the steps -----------------------------------------------------------------------------
def _hold() -> None:
    """If the new version is here already, it may need packages that are not."""
    if not _can_load():
        _say("The new version is here already, and its packages are not. They are installed first.")
        _install()
    _manage("hold", HELD, "--wait", HOLD_SECONDS)


def _can_load() -> bool:
    command = [*_manage_command(), "check"]
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    return "ImportError" not in done.stderr and "ModuleNotFoundError" not in done.stderr


def _fetch(to: str) -> None:
    """Have git get it; without git, or without a branch that follows another, what is here is it.

    A file that somebody changed stops it, rather than being lost.
    """
    if to:
        _run("git", "fetch", "--tags", "--quiet")
        _run("git", "checkout", "--quiet", to)
    elif _output("git", "rev-parse", "--abbrev-ref", "@{upstream}"):
        _run("git", "pull", "--ff-only", "--quiet")
    _say(f"This is {_output('git', 'log', '-1', '--format=%h %s') or 'what was unpacked here'}.")


def _install() -> None:
    _run("make", "--no-print-directory", "install")


def _restart() -> None:
    """Restart the services, if systemd runs them. Otherwise somebody does it, and says so."""
    if not _output("systemctl", "list-unit-files", "--plain", "--no-legend", UNITS):
        _ask_to_restart()
        return
    if os.access(AS_SERVICE, os.X_OK):
        _run("make", "--no-print-directory", "service")  # units may have changed
    _run("systemctl", "restart", TARGET)
    until = time.monotonic() + START_SECONDS
    while starting := _units("activating"):
        if time.monotonic() > until:
            raise StepError(f"still starting after {START_SECONDS:.0f} s: {', '.join(starting)}")
        time.sleep(1)
    if failed := _units("failed"):
        raise StepError(f"did not start: {', '.join(failed)}")


def _ask_to_restart() -> None:
    words = "No systemd units run Broadsheet here. Restart it now (Ctrl-C and `make run`, or your "
    words += "containers)"
    if not sys.stdin.isatty():
        raise Left(f"{words}. Then: {_shown(*_RELEASE)}")
    try:
        input(f"{words}, then press Enter: ")
    except (EOFError, KeyboardInterrupt) as error:
        raise StepError("It was not restarted.") from error


def _units(state: str) -> list[str]:
    listed = _output("systemctl", "list-units", f"--state={state}", "--plain", "--no-legend", UNITS)
    return [line.split()[0] for line in listed.splitlines()]


# --- commands ------------------------------------------------------------------------------
def _manage(*arguments: str) -> None:
    _run(*_manage_command(), *arguments)


def _manage_command() -> Sequence[str]:
    if os.geteuid() == 0 and os.access(AS_SERVICE, os.X_OK):
        return [AS_SERVICE]
    return [str(HOME / ".venv" / "bin" / "python"), str(HOME / "manage.py")]


def _shown(*arguments: str) -> str:
    return " ".join([*_manage_command(), *(f'"{one}"' if " " in one else one for one in arguments)])


def _run(*command: str) -> None:
    """Run it, with its output for all to see. Raises `StepError` if it fails."""
    sys.stdout.flush()
    try:
        done = subprocess.run(command, cwd=HOME, check=False)
    except OSError as error:
        raise StepError(f"{command[0]} cannot be run: {error.strerror}") from error
    if done.returncode:
        raise StepError(f"`{' '.join(command[:4])}` failed ({done.returncode}).")


def _output(*command: str) -> str:
    """What it prints, "" if it is missing or fails."""
    if not shutil.which(command[0]):
        return ""
    done = subprocess.run(command, cwd=HOME, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201  # a command's output


if __name__ == "__main__":
    sys.exit(main())
