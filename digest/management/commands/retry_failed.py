"""Send again what a mail service refused, once the reason has been put right."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from digest.delivery.limits.refusals import retry_failed


class Command(BaseCommand):
    help = (
        "Makes digests ready again that were refused and are not too late. Release the hold of the "
        "mail service as well, if there is one."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--mail-service", help="only those that this mail service refused")

    def handle(self, *_: Any, mail_service: str | None, **__: Any) -> None:
        number = retry_failed(mail_service=mail_service)
        self.stdout.write(f"{number} digests are ready again.")
