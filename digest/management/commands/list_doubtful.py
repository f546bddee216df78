"""``manage.py list_doubtful``: the digests that may or may not have gone out."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand

from digest.models import Digest


class Command(BaseCommand):
    help = (
        "List the digests that are in doubt or assumed sent, one a line: id, date, state, mail"
        " service, time of the hand-over and what was said. Nothing tells who the readers are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--days", type=int, default=7, help="how far to look back (7)")

    def handle(self, *args: Any, **options: Any) -> None:
        for digest in Digest.objects.doubtful(within=timedelta(days=options["days"])):
            at = digest.handed_over_at
            fields = (
                digest.uuid,
                digest.local_date,
                digest.state,
                digest.mail_service,
                at.isoformat(timespec="seconds") if at else "",
                digest.error,
            )
            self.stdout.write("\t".join(map(str, fields)))
