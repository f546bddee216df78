"""End what holds the sending."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from digest.desk import audit
from digest.models import Hold

from .hold import check_service


class Command(BaseCommand):
    help = "Releases every hold, or those of one mail service, and prints what each was for."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mail-service", help="only this one")
        parser.add_argument("--reason", help="only holds for this reason")

    def handle(self, *_: Any, mail_service: str | None, reason: str | None, **__: Any) -> None:
        check_service(mail_service or "")
        wanted = {"mail_service": mail_service, "reason": reason}
        chosen = {name: value for name, value in wanted.items() if value is not None}
        with transaction.atomic():
            found = list(Hold.objects.active().filter(**chosen).select_for_update())
            Hold.objects.filter(pk__in=[hold.pk for hold in found]).release()
            for hold in found:
                audit.record(audit.COMMAND, "hold.release", on=hold)
        for hold in found:
            self.stdout.write(
                f"Released: {hold.mail_service or 'everything'}, held for: {hold.reason}"
            )
        if not found:
            self.stdout.write("Nothing was held.")
