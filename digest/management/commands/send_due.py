"""``manage.py send_due``: send everything that is due now, without Celery."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from digest.delivery import handover, plan
from digest.delivery.run import deliver
from digest.models import Digest, Hold

LOOK_BACK = timedelta(days=7)


class Command(BaseCommand):
    help = "Send the digests that are due, and those waiting for another attempt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--early",
            action="store_true",
            help="also send the newest edition to readers whose hour has not come yet",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        handover.sweep(doubt=settings.DELIVERY_DOUBT)
        planned = plan.plan_due() + (plan.plan_early() if options["early"] else 0)
        self.stdout.write(f"{planned} digests planned.")
        tally = deliver(seconds=float("inf"))
        for state, count in sorted(tally.states.items()):
            self.stdout.write(f"{count} {state}")
        for reason, count in sorted(tally.skip_reasons.items()):
            self.stdout.write(f"  {count} skipped: {reason}")
        if in_doubt := Digest.objects.doubtful(within=LOOK_BACK).count():
            self.stdout.write(
                f"{in_doubt} in doubt or assumed sent in the last {LOOK_BACK.days} days"
                " (manage.py list_doubtful)"
            )
        for hold in Hold.objects.active():
            self.stderr.write(self.style.ERROR(f"Nothing more is sent: {hold}"))
