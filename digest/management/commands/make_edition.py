"""``manage.py make_edition``: close the open edition now instead of at its hour."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from digest.papers import editions
from subscribers.database import database_now


class Command(BaseCommand):
    help = "Freeze the papers that wait for an edition as the edition of a day (default: today)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--date", type=date.fromisoformat, metavar="YYYY-MM-DD", help="The edition's day."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        now = database_now()
        day = options["date"] or now.date()
        if day > now.date():
            raise CommandError(
                f"{day} is in the future: an edition holds papers that have already come in."
            )
        try:
            edition = editions.close(day, now=now)
        except editions.EditionError as error:
            raise CommandError(str(error)) from error
        if edition is None:
            self.stdout.write(
                f"No edition of {day}: no paper is waiting for one. "
                "manage.py fetch_papers brings papers in."
            )
            return
        self.stdout.write(
            self.style.SUCCESS(f"{edition}: {edition.candidates.count()} papers, closed.")
        )
