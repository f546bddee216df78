"""What is loaded once, before anything is forked."""

import gc
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from celery.utils.imports import load_extension_class_names
from django.apps import apps
from django.core.checks import Tags, run_checks
from django.core.management import call_command
from django.db import OperationalError, connections
from django.db.migrations.recorder import MigrationRecorder
from django.template import engines

from deploy.celery import app
from deploy.processes import ProcessError

# What a worker and beat would import when they begin.
_CELERYS = (
    *("celery.apps.worker", "celery.worker.components", "celery.beat"),
    *("celery.app.amqp", "celery.app.control", "celery.app.events", "celery.app.log"),
    *("celery.concurrency.prefork", "celery.worker.consumer", "celery.worker.strategy"),
    *("celery.contrib.django.task", "celery.events.receiver", "celery.worker.autoscale"),
    *("billiard.popen_fork", "billiard.sharedctypes", "kombu.transport.redis"),
    "digest.desk.alerts.watching",
)


def check() -> None:
    """Raise `ProcessError` unless the settings are right and the database has every migration."""
    wrong = [one for one in run_checks(tags=[Tags.compatibility]) if one.is_serious()]
    if wrong:
        raise ProcessError("\n".join(map(str, wrong)))
    try:
        missing = lacks_migrations()
    except OperationalError as error:
        raise ProcessError(f"The database cannot be reached: {error}") from error
    finally:
        let_go()
    if missing:
        raise ProcessError(
            "The database lacks migrations. First run .venv/bin/python manage.py migrate"
        )


def lacks_migrations() -> bool:
    """Whether `manage.py migrate --check` would say so. That takes longer than all else, and only
    what it might say no to is asked."""
    if set(_migrations()) <= set(MigrationRecorder(connections["default"]).applied_migrations()):
        return False
    try:
        call_command("migrate", "--check", verbosity=0)
    except SystemExit:
        return True
    return False


def _migrations() -> Iterator[tuple[str, str]]:
    for config in apps.get_app_configs():
        if find_spec(f"{config.name}.migrations"):
            folder = import_module(f"{config.name}.migrations").__path__
            yield from ((config.label, one.name) for one in pkgutil.iter_modules(folder))


def load() -> None:
    """Load what the site, the clock and the workers need. All of it stays: there is nothing to
    collect."""
    gc.disable()
    for name in ("deploy.wsgi", "deploy.urls", *_CELERYS):
        import_module(name)
    app.loader.import_default_modules()
    for kind in ("beat_schedulers", "result_backends"):  # each reads about all packages
        load_extension_class_names(f"celery.{kind}")
    app.finalize(auto=True)
    engines.all()
    gc.enable()


def let_go() -> None:
    """Close what must not be shared with a forked process, and keep the collector of each away from
    what they share: what it looks at is copied."""
    connections.close_all()
    gc.freeze()
