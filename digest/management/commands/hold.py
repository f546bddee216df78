"""Stop handing digests over, until `manage.py release`."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from digest.delivery import routing
from digest.delivery.limits import holds
from digest.desk import audit
from digest.models import Hold


class Command(BaseCommand):
    help = "Holds all mail services, or one: nothing is handed over until it is released."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("reason", help="in words; the admin shows them on every page")
        parser.add_argument("--mail-service", default="", help="hold only this one")

    def handle(self, *_: Any, reason: str, mail_service: str, **__: Any) -> None:
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
