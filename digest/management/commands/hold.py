"""Stop handing digests over, until `manage.py release`."""

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from digest.delivery import routing
from digest.delivery.limits import holds
from digest.desk import audit
from digest.models import Digest, Hold


class Command(BaseCommand):
    help = "Holds all mail services, or one: nothing is handed over until it is released."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reason", help="in words; the admin shows them on every page")
        parser.add_argument("--mail-service", default="", help="hold only this one")
        parser.add_argument(
            "--wait", type=int, default=0, help="for so many seconds until nothing is under way"
        )

    def handle(self, *_: Any, reason: str, mail_service: str, wait: int, **__: Any) -> None:
        self._hold(mail_service, reason)
        until = time.monotonic() + wait
        while wait and Digest.objects.filter(state=Digest.State.SENDING).exists():
            if time.monotonic() > until:
                raise CommandError("It is held, but messages are still being handed over.")
            time.sleep(0.5)

    def _hold(self, mail_service: str, reason: str) -> None:
        check_service(mail_service)
        if not 0 < len(reason) <= 300:
            raise CommandError("The reason must have from 1 to 300 characters.")
        with transaction.atomic():
            same = Hold.objects.active().filter(mail_service=mail_service, reason=reason)
            if same.exists():
                self.stdout.write("It is held for that already.")
                return
            holds.hold(mail_service, reason, None)
            audit.record(audit.COMMAND, "hold.add", mail_service=mail_service, reason=reason)
        self.stdout.write("Held. Messages that are being handed over just now are finished.")


def check_service(name: str) -> None:
    """Raise CommandError unless there is such a mail service ("" stands for all)."""
    if name and name not in routing.names():
        raise CommandError(f"There is no mail service {name!r}: {', '.join(routing.names())}.")
