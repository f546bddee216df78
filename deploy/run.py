"""``python -m deploy.run``: the site, the workers, the clock and a watcher, with the operator's own
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

from django.conf import settings
from django.core import management
from django.core.exceptions import ImproperlyConfigured

from deploy import processes
from deploy.env import BASE_DIR
from deploy.processes import ProcessError
from deploy.running import loading, parts
from deploy.running.forking import STOP_SIGNALS, Family

# Processes that have ended are restarted no more often than this.
REVIVE_SECONDS = 5.0


def main() -> int:
    options = _options()
    port: int = options.port
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(BASE_DIR)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    family = Family(folder, before=loading.let_go)
    try:
        _start(family, folder, port)
        _say(f"Broadsheet is running at http://127.0.0.1:{port}. Press Ctrl-C to stop it.")
        _say(f"Logs: {folder}")
        _watch(family)
    except (ProcessError, ImproperlyConfigured) as error:
        _say(f"✗ {error}")
        return 1
    except KeyboardInterrupt:
        _say("Stopping …")
    finally:
        # A second Ctrl-C while we stop would leave processes behind.
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        family.stop()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.run", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=8000, help="on 127.0.0.1; put a proxy with TLS in front"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        default=BASE_DIR / ".broadsheet" / "run",
        help="where the logs go, which are appended to, and the times of the clock",
    )
    return parser.parse_args()


def _start(family: Family, folder: Path, port: int) -> None:
    """Start everything. Whoever opens the site meanwhile waits."""
    listening = processes.take_port(port)
    if listening is None:
        raise ProcessError(f"Port {port} is taken. Choose another one with --port.")
    loading.load()
    loading.check()
    _invite_owner()  # what this process does after forking, it does in memory of its own
    site = family.start("web", parts.site(listening, folder))
    # Sending may keep its worker busy for hours. No tick must wait for that, nor a letter.
    number = settings.WORKER_PROCESSES
    family.start("worker", parts.worker("digests", "chores", processes=number))
    family.start("clock worker", parts.worker("ticks", "letters", threads=3))
    family.wait_until(lambda: processes.is_answering(port), site)


def _invite_owner() -> None:
    """Say how the first account is made, while there is none. Its link is for no log's eyes."""
    options = {"if_needed": True, "in_words": not sys.stdout.isatty()}
    management.call_command("invite_owner", **options)


def _watch(family: Family) -> None:
    """Restart what ends, until Ctrl-C raises KeyboardInterrupt.

    A worker may end, for example, when Redis restarts.
    """
    while True:
        time.sleep(REVIVE_SECONDS)
        for failure in family.revive():
            _say(f"✗ {failure}")


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
