import signal
from argparse import ArgumentParser
from datetime import timedelta
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand

from digest.desk.alerts import telling, watching


class Command(BaseCommand):
    help = (
        "Watch over the service, and tell OPERATORS_MAIL and ALERTS_WEBHOOK_URL when something "
        "begins to need a person and when it is well again. Runs until it is stopped."
    )
    # It must start while the database is down.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=watching.EVERY.total_seconds())

    def handle(self, *args: Any, **options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        ways = ", ".join(telling.ways()) or "the log alone"
        self.stdout.write(f"Watching. Operators are told by {ways}.")
        watching.watch(stop.is_set, every=timedelta(seconds=options["seconds"]))
