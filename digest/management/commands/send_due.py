"""``manage.py send_due``: what the tick does for sending, at once and without Celery."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from digest.delivery import leases, plan
from digest.delivery.run import deliver
from digest.models import Hold


class Command(BaseCommand):
    help = "Send the digests that are due, and any that wait for another try."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--early",
            action="store_true",
            help="also to readers whose hour has not come, if they lack the newest edition",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        leases.sweep(doubt=settings.DELIVERY_DOUBT)
        planned = plan.plan_due() + (plan.plan_early() if options["early"] else 0)
        self.stdout.write(f"{planned} digests planned.")
        tally = deliver(seconds=float("inf"))
        for state, count in sorted(tally.states.items()):
            self.stdout.write(f"{count} {state}")
        for reason, count in sorted(tally.skip_reasons.items()):
            self.stdout.write(f"  {count} skipped: {reason}")
        for hold in Hold.objects.active():
            self.stderr.write(self.style.ERROR(f"Nothing more is sent: {hold}"))
