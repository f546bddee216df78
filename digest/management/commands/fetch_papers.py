"""``manage.py fetch_papers``: ask a source for papers, or read saved responses of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from rich.progress import Progress

from digest.models import Look
from digest.papers import intake, looking
from digest.sources import SOURCES, Source, SourceError

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Step:
    """One answer to fetch and store, and its label in the output."""

    label: str
    run: Callable[[], intake.Intake | Look]


class Command(BaseCommand):
    help = "Fetch a source's papers: the latest, those of some days, or from saved responses."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help=", ".join(SOURCES))
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--date", metavar="DAY", help="the papers of a day, such as 2026-08-20")
        which.add_argument("--since", metavar="DAY", help="the papers of each day since this one")
        which.add_argument(
            "--file", nargs="+", metavar="PATH", help="read saved responses instead of asking"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="show what would be new, but store nothing"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        steps = list(_steps(options))
        if options["dry_run"]:
            self.stdout.write("A dry run: nothing is stored.")
        if self.stdout.isatty():
            with Progress(transient=True) as progress:
                say = partial(progress.console.print, markup=False, highlight=False)
                failures = _run(progress.track(steps), say, is_dry=options["dry_run"])
        else:
            failures = _run(steps, self.stdout.write, is_dry=options["dry_run"])
        if failures:
            raise CommandError(
                f"{len(failures)} of {len(steps)} could not be read:\n" + "\n".join(failures)
            )


def _steps(options: dict[str, Any]) -> Iterator[Step]:
    name = options["source"]
    try:
        source = looking.source_named(name)
    except SourceError as error:
        raise CommandError(str(error)) from error
    for path in map(Path, options["file"] or []):
        yield Step(f"{name} {path.stem}", partial(_store_saved, source, path))
    if not options["file"]:
        for day in _days(source, options["date"], options["since"]):
            yield Step(f"{name} {day or 'latest'}", partial(looking.look, name, day))


def _days(source: Source, one: str | None, since: str | None) -> list[date | None]:
    if not one and not since:
        return [None]
    if not source.is_daily:
        raise CommandError(
            f"{source.name} cannot be asked for a day. Leave out --date and --since to get its "
            "latest papers."
        )
    first = _read_day(one or since or "")
    count = 1 if one else (datetime.now(UTC).date() - first).days + 1
    return [first + timedelta(days=number) for number in range(count)]


def _read_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"“{text}” is not a date. Write it as 2026-08-20.") from error
    if day > datetime.now(UTC).date():
        raise CommandError(f"{day} is in the future (in UTC). Ask for today or an earlier day.")
    return day


def _store_saved(source: Source, path: Path) -> intake.Intake:
    """Store a saved response in the same way as one from the network.

    It counts as seen when it was saved, so reading it again changes nothing, and newer figures
    are not overwritten. Raises SourceError.
    """
    try:
        body = path.read_bytes()
        saved_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise SourceError(f"{path} cannot be opened: {error.strerror}. Check the path.") from error
    try:
        answer = source.parse(body)
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error
    return intake.store(source.name, answer, seen_at=min(saved_at, datetime.now(UTC)))


def _run(steps: Iterable[Step], say: Say, *, is_dry: bool) -> list[str]:
    """Run each step and report it with `say`. Returns a sentence for each step that failed."""
    failures: list[str] = []
    for step in steps:
        try:
            result = _tried(step) if is_dry else step.run()
        except SourceError as error:
            failures.append(str(error))
            continue
        if isinstance(result, Look) and result.outcome == Look.Outcome.FAILED:
            failures.append(f"{step.label}: {result.message}")
            continue
        say(_line(step.label, result))
        for problem in result.message.splitlines():
            say(f"  {problem}")
    return failures


def _tried(step: Step) -> intake.Intake | Look:
    """Run the step, undo what it stored, and return its result."""
    with transaction.atomic():
        result = step.run()
        transaction.set_rollback(True)
    return result


def _line(label: str, result: intake.Intake | Look) -> str:
    papers = result.new + result.changed + result.same
    return (
        f"{label}: {papers} papers, {result.new} new, {result.changed} changed, "
        f"{result.same} known, {result.bad} left out"
    )
