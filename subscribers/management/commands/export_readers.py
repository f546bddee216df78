"""``manage.py export_readers``: all readers as CSV."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from subscribers.importing import exporting


class Command(BaseCommand):
    help = "Write all readers as CSV, to a file or to the standard output."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?")

    def handle(self, *_: Any, file: Path | None, **__: Any) -> None:
        if file is None:
            exporting.export(sys.stdout)
            return
        # With its mark: spreadsheets take UTF-8 without one for something else.
        with file.open("w", encoding="utf-8-sig", newline="") as opened:
            number = exporting.export(opened)
        self.stdout.write(f"{number:,} readers written.")
