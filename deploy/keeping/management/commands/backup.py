"""Write a backup of the database."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from deploy.keeping import backups
from deploy.keeping.programs import ProgramError
from subscribers.database import directly


class Command(BaseCommand):
    help = (
        "Writes a backup: all readers, digests and papers, in one file that only its owner may "
        "read. Nobody is disturbed. Keep it on another machine, and .env in another place."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "place", nargs="?", type=Path, default=backups.FOLDER, help="a folder or a file"
        )
        parser.add_argument(
            "--keep", type=int, help="delete all but so many of the newest in the folder afterwards"
        )

    def handle(self, *_: Any, place: Path, keep: int | None, **__: Any) -> None:
        if keep is not None and keep < 1:
            raise CommandError("--keep must be at least 1.")
        try:
            with directly():
                path, size = backups.back_up(place)
            old = backups.forget_old(path.parent, keep) if keep else ()
        except (ProgramError, OSError) as error:
            raise CommandError(f"There is no backup: {error}") from error
        self.stdout.write(f"Written: {path} ({filesizeformat(size)}).")
        for gone in old:
            self.stdout.write(f"Deleted: {gone.name}")
        self.stdout.write(
            "It has readers' addresses in it, but no key or password: keep a copy of .env apart."
        )
