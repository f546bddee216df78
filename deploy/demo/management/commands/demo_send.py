"""``manage.py demo_send``: makes every digest due now and waits for the worker."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from digest.delivery import plan
from digest.models import Digest
from digest.tasks import start_senders


class Command(BaseCommand):
    help = "Plan the newest edition's digests early, call the worker, and wait until all are sent."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=90.0, help="How long to wait at most.")

    def handle(self, *args: Any, **options: Any) -> None:
        plan.plan_early()
        start_senders()
        deadline = time.monotonic() + options["seconds"]
        waiting = Digest.objects.filter(state__in=[Digest.State.READY, Digest.State.SENDING])
        while count := waiting.count():
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{count} digests were not sent within {options['seconds']:.0f} seconds."
                )
            time.sleep(0.1)
