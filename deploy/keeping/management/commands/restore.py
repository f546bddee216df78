"""Restore a backup; nothing is sent afterwards until `manage.py after_restore`."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import ProgrammingError

from deploy.keeping import restores
from deploy.keeping.programs import ProgramError
from deploy.keeping.restores import RestoreError
from subscribers.database import directly

DONE = """\
Restored{at}.
The database is in safe mode: nothing is sent, neither digests nor letters.
{aside}Next:
  1. Start the site and the workers again. Each host tells what it knows of what was sent since, and
     applies again who has left.
  2. manage.py after_restore     shows what is known, and ends safe mode once you say --sent-until
"""
ASIDE = """\
What was there is in the schema {aside}. Once all is well: manage.py restore --forget
"""
OTHER_KEYS = (
    "LINK_KEY or ADDRESS_KEY is not the one that this database was made with: the links in all "
    "mails would be dead, and who must not be written to would not be known. Put the old .env back "
    "before you start anything."
)


class Command(BaseCommand):
    help = (
        "Restores a backup in the place of what is there, which is put aside. Afterwards nothing "
        "is sent until manage.py after_restore says what had gone out."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", type=Path)
        parser.add_argument("--yes", action="store_true", help="do not ask")
        parser.add_argument(
            "--forget", action="store_true", help="delete what earlier restores have put aside"
        )

    def handle(self, *_: Any, file: Path | None, yes: bool, forget: bool, **__: Any) -> None:
        if forget:
            names = restores.forget_aside()
            self.stdout.write(f"Deleted: {', '.join(names)}" if names else "Nothing was put aside.")
            return
        if file is None or not file.is_file():
            raise CommandError("Name the file of a backup.")
        if not yes and not self._is_sure(file):
            raise CommandError("Nothing was changed.")
        try:
            with directly():
                done = restores.restore(file)
        except (ProgramError, RestoreError, ProgrammingError) as error:
            raise CommandError(f"Nothing was restored. {error}") from error
        self.stdout.write(
            DONE.format(
                at=f", as of {done.at:%Y-%m-%d %H:%M} UTC" if done.at else "",
                aside=ASIDE.format(aside=done.aside) if done.aside else "",
            )
        )
        if not done.has_same_keys:
            self.stderr.write(self.style.ERROR(OTHER_KEYS))

    def _is_sure(self, file: Path) -> bool:
        self.stdout.write(f"{file} takes the place of all that is in the database now.")
        return input("Type “restore” to go on: ").strip() == "restore"
