"""``manage.py import_readers``: readers from another system's CSV."""

from argparse import ArgumentParser
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from subscribers.importing import reading, run, staging, systems
from subscribers.importing.entries import Defaults
from subscribers.models import Topic
from subscribers.wishes import zones


class Command(BaseCommand):
    help = (
        "Import readers from a CSV file. Nobody who is suppressed, was erased or has left comes "
        "back, and no reader is changed. Without --basis nobody is subscribed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--system", choices=systems.NAMES, default="")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="COLUMN=FIELD",
            help="which field a column is; “-” leaves it out",
        )
        parser.add_argument("--basis", default="", help="how and when these readers consented")
        parser.add_argument("--topics", default="", help="slugs of topics that all follow")
        parser.add_argument("--zone", default="UTC", help="time zone of readers without one")
        parser.add_argument("--hour", type=int, choices=range(24), default=7, metavar="0-23")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
        parser.add_argument("--report", type=Path, help="write what becomes of each row, as CSV")

    def handle(self, *_: Any, **options: Any) -> None:
        wanted = run.Wanted(
            source=reading.at(options["file"]),
            system=options["system"],
            mapped=_mapped(options["map"]),
            basis=options["basis"],
            defaults=Defaults(_zone(options["zone"]), options["hour"], _topics(options["topics"])),
            is_dry=options["dry_run"],
            by="manage.py",
        )
        try:
            with ExitStack() as stack:
                path = options["report"]
                file = stack.enter_context(path.open("w", newline="")) if path else None
                report = partial(run.write_report, file) if file else None
                outcome = run.run(wanted, timezone.now(), self.stdout.write, report)
        except (reading.UnreadableFile, systems.BadColumns, run.NotNow, OSError) as error:
            raise CommandError(str(error)) from error
        self._say(outcome)

    def _say(self, outcome: run.Outcome) -> None:
        self.stdout.write(f"The file is {outcome.system.name}’s.")
        for judgement, number in sorted(outcome.counts.items(), key=lambda pair: -pair[1]):
            what, why = staging.WHAT[judgement]
            self.stdout.write(f"{number:>9,}  {what}: {why}")
        if outcome.system.note:
            self.stdout.write(self.style.WARNING(outcome.system.note))
        if outcome.imported is None:
            self.stdout.write("This was a dry run: nothing is stored.")
        else:
            pk = outcome.imported.pk
            self.stdout.write(f"Import {pk} has finished. manage.py undo_import {pk} undoes it.")


def _mapped(pairs: list[str]) -> dict[str, str]:
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise CommandError(f"{wrong[0]!r} is not of the form COLUMN=FIELD.")
    return dict(pair.rsplit("=", 1) for pair in pairs)


def _zone(name: str) -> str:
    zone = zones.current_name(name)
    if zone not in zones.names():
        raise CommandError("There is no such time zone. Use a name such as Europe/Lisbon.")
    return zone


def _topics(slugs: str) -> list[Topic]:
    wanted = {slug.strip() for slug in slugs.split(",") if slug.strip()}
    found = list(Topic.objects.filter(slug__in=wanted))
    if missing := wanted - {topic.slug for topic in found}:
        raise CommandError(f"There is no topic {', '.join(sorted(missing))}.")
    return found
