"""The Celery application. A task only says "look now": see ``digest/tasks.py``."""

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import (
    heartbeat_sent,
    setup_logging,
    worker_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.db import connection
from django.template import engines

from digest.delivery.limits import deadline
from digest.desk.today import broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")

app = Celery("broadsheet")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery has no types
def log_as_everywhere(**_: Any) -> None:
    """Leave the log as Django's settings have it. Celery would show warnings alone."""


@worker_init.connect  # type: ignore[untyped-decorator]  # Celery has no types
def make_ready(**_: Any) -> None:
    """Load what each process of the pool would load, and free the collector from looking at it."""
    engines.all()
    gc.collect()
    gc.freeze()


@worker_ready.connect  # type: ignore[untyped-decorator]  # Celery has no types
def read_the_journal(**_: Any) -> None:
    """Settle what died on this host: a task that would may come much later, or never."""
    from digest.delivery.doubt import journal  # noqa: PLC0415  # needs the models
    from digest.delivery.limits import memory  # noqa: PLC0415  # the same

    # In safe mode, what this host knows of what was sent is waited for.
    memory.hold_if_forgetful()
    journal.recover()
    connection.close()  # this process has no further use for it


@worker_ready.connect  # type: ignore[untyped-decorator]  # Celery has no types
def tick_at_once(**_: Any) -> None:
    """Take up what a worker before this one has left, instead of waiting for the next minute."""
    app.send_task("digest.tick")


@worker_shutting_down.connect  # type: ignore[untyped-decorator]  # Celery has no types
def stop_between_two_messages(**_: Any) -> None:
    """Have the senders in the pool's processes end their chunks, and give back the rest."""
    deadline.STOP.set()


@heartbeat_sent.connect  # type: ignore[untyped-decorator]  # Celery has no types
def say_alive(sender: Any, **_: Any) -> None:
    """Have the desk know that this worker lives, and which queues it works off."""
    broker.say_alive(sender.eventer.hostname, app.amqp.queues.consume_from)


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # Celery has no types
def say_goodbye(sender: Any, **_: Any) -> None:
    broker.say_goodbye(sender.hostname)
