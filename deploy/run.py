"""``python -m deploy.run``: the site, two workers, the clock and a watcher, with the operator's own
.env.

This is for one machine. On several, have each machine's service manager run ``python -m
deploy.web``, `celery worker` and `celery beat` with the same arguments and restart what ends
(systemd: Restart=always), and on one of them ``python manage.py watch``.
"""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from deploy import processes
from deploy.env import BASE_DIR
from deploy.processes import Children, ProcessError

# Processes that have ended are restarted no more often than this.
REVIVE_SECONDS = 5.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main() -> int:
    port: int = _options().port
    console = Console(highlight=False, soft_wrap=True)
    folder = BASE_DIR / ".broadsheet" / "run"
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(BASE_DIR)  # where the children find manage.py and the packages
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    children = Children(folder, dict(os.environ))
    try:
        _check_database(children)
        _start(children, folder, port)
        console.print(f"Broadsheet is running at http://127.0.0.1:{port}. Press Ctrl-C to stop it.")
        console.print(f"Logs: {folder}", markup=False)
        _watch(children, console)
    except ProcessError as error:
        console.print(f"✗ {error}", style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        console.print("Stopping …")
    finally:
        # A second Ctrl-C while we stop would leave processes behind.
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        children.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.run", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=8000, help="on 127.0.0.1; put a proxy with TLS in front"
    )
    return parser.parse_args()


def _check_database(children: Children) -> None:
    """Raise `ProcessError` unless the database can be reached and has every migration."""
    try:
        children.manage("migrate", "--check")
    except ProcessError as error:
        raise ProcessError(
            "The database is not ready. If it only lacks migrations, first run "
            f".venv/bin/python manage.py migrate\n{error}"
        ) from error


def _start(children: Children, folder: Path, port: int) -> None:
    listening = processes.take_port(port)
    if listening is None:
        raise ProcessError(f"Port {port} is taken. Choose another one with --port.")
    # Sending may keep its worker busy for hours, and a tick must not wait for that.
    children.start("worker", "celery", *processes.worker_arguments("digests"))
    children.start("clock worker", "celery", *processes.worker_arguments("ticks", "letters"))
    children.start("beat", "celery", "-A", "deploy", "beat", *processes.beat_arguments(folder))
    children.start("watch", "manage", "watch")
    web = processes.start_web(children, listening)
    children.wait_until(lambda: processes.is_answering(port), web)


def _watch(children: Children, console: Console) -> None:
    """Restart what ends, until Ctrl-C raises KeyboardInterrupt.

    A worker may end, for example, when Redis restarts.
    """
    while True:
        time.sleep(REVIVE_SECONDS)
        for failure in children.revive():
            console.print(f"✗ {failure}", style="red", markup=False)


if __name__ == "__main__":
    sys.exit(main())
