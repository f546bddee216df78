"""``manage.py undo_import``: removes who came with an import and has not acted since."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from subscribers.importing import run, undoing


class Command(BaseCommand):
    help = (
        "Undo an import. Readers who have voted, changed anything or left since then stay, and "
        "consents stay as proof."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", type=int, help="the number that import_readers said")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            undone = undoing.undo(options["id"], timezone.now(), self.stdout.write)
        except (undoing.CannotUndo, run.NotNow) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{undone.removed:,} readers removed, {undone.lifted:,} suppressions lifted. "
            f"{undone.stayed:,} readers stay because they have acted since."
        )
