"""What each forked process does."""

import logging
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from socket import gethostname
from threading import Event, Thread

from deploy import web
from deploy.celery import app
from deploy.processes import beat_arguments

logger = logging.getLogger(__name__)

# A clock that fails, for example on a full disk, tries again after so many seconds.
AGAIN_SECONDS = 5.0


def site(listening: socket.socket, folder: Path) -> Callable[[], object]:
    """Serve the site on this socket, which stays open here: while a new process comes, visitors
    wait. Two threads beside it tick and watch over the workers, which may hang."""

    def serve() -> None:
        from deploy.wsgi import application  # noqa: PLC0415  # only now are there settings

        for beside in (_watch, _tick):
            Thread(target=beside, args=(folder,), name=beside.__name__, daemon=True).start()
        web.serve(application, listening)

    return serve


def worker(*queues: str, processes: int = 0, threads: int = 0) -> Callable[[], object]:
    """Work off these queues in so many processes, as the command `celery worker` does, or in
    threads, where nothing needs to be killed."""

    def work() -> None:
        # Whoever forked us has checked the settings. That reads half of what is in memory, and what
        # is read is copied.
        os.environ["CELERY_SKIP_CHECKS"] = "1"
        one = app.Worker(
            hostname=f"{'-'.join(queues)}@{gethostname()}",
            queues=queues,
            pool_cls="threads" if threads else "prefork",
            concurrency=processes or threads,
            without_mingle=True,
            without_gossip=True,
            quiet=True,
        )
        one.start()

    return work


def _watch(_folder: Path) -> None:
    """What `manage.py watch` does."""
    from digest.desk.alerts import telling, watching  # noqa: PLC0415  # they need settings

    logger.info("Watching. Operators are told by %s.", ", ".join(telling.ways()) or "the log")
    watching.watch(Event().is_set)


def _tick(folder: Path) -> None:
    """What `celery beat` does. It must not end while the site goes on."""
    from celery.beat import Service  # noqa: PLC0415  # it takes a while, and the site is first

    _, schedule = beat_arguments(folder)
    while True:
        try:
            Service(app, schedule_filename=schedule).start()
        except Exception:
            logger.exception("The clock failed. It starts again.")
        time.sleep(AGAIN_SECONDS)
