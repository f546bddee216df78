"""``manage.py demo_send``: make everybody's digest due now, and wait for the worker."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from digest.delivery import plan
from digest.models import Digest
from digest.tasks import ring


class Command(BaseCommand):
    help = "Plan the newest edition's digests before their hour, ring for them, and wait."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=90.0, help="The longest wait.")

    def handle(self, *args: Any, **options: Any) -> None:
        plan.plan_early()
        ring()
        deadline = time.monotonic() + options["seconds"]
        waiting = Digest.objects.filter(state__in=[Digest.State.READY, Digest.State.SENDING])
        while count := waiting.count():
            if time.monotonic() > deadline:
                raise CommandError(
                    f"{count} digests were not sent within {options['seconds']:.0f} seconds."
                )
            time.sleep(0.1)
