"""``manage.py fetch_papers``: ask a source for papers, or read its saved answers."""

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
from digest.papers import intake
from digest.sources import Source, SourceError

Say = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Step:
    """One answer to get and to store, and what the operator calls it."""

    label: str
    run: Callable[[], intake.Intake | Look]


class Command(BaseCommand):
    help = "Fetch a source's papers: its latest, those of some days, or from saved answers."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="huggingface, arxiv, feeds or sample")
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--date", metavar="DAY", help="the papers of one day, as 2026-08-20")
        which.add_argument("--since", metavar="DAY", help="the papers of each day since then")
        which.add_argument(
            "--file", nargs="+", metavar="PATH", help="answers that were saved, in place of asking"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be new, and store nothing"
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
        source = intake.source_named(name)
    except SourceError as error:
        raise CommandError(str(error)) from error
    for path in map(Path, options["file"] or []):
        yield Step(f"{name} {path.stem}", partial(_store_saved, source, path))
    if not options["file"]:
        for day in _days(source, options["date"], options["since"]):
            yield Step(f"{name} {day or 'latest'}", partial(intake.look, name, day))


def _days(source: Source, one: str | None, since: str | None) -> list[date | None]:
    if not one and not since:
        return [None]
    if not source.is_daily:
        raise CommandError(
            f"{source.name} cannot be asked for a day. Leave --date and --since out to get its "
            "latest papers."
        )
    first = _read_day(one or since or "")
    count = 1 if one else (datetime.now(UTC).date() - first).days + 1
    return [first + timedelta(days=number) for number in range(count)]


def _read_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"“{text}” is no date. Write it as 2026-08-20.") from error
    if day > datetime.now(UTC).date():
        raise CommandError(f"{day} is in the future (in UTC). Ask for today or an earlier day.")
    return day


def _store_saved(source: Source, path: Path) -> intake.Intake:
    """Store a saved answer by the way that one from the network goes.

    It was seen when it was saved: reading it again tells nothing new, and figures that came
    in since then are not overwritten.
    """
    try:
        body = path.read_bytes()
        saved_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError as error:
        raise SourceError(
            f"{path} cannot be opened: {error.strerror}. See whether the path is right.",
            permanent=True,
        ) from error
    try:
        answer = source.parse(body)
    except SourceError as error:
        raise SourceError(f"{path}: {error}", permanent=True) from error
    return intake.store(source.name, answer, seen_at=min(saved_at, datetime.now(UTC)))


def _run(steps: Iterable[Step], say: Say, *, is_dry: bool) -> list[str]:
    """Take each step, and tell of it; answer with the sentences of those that failed."""
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
    """What the step answers, with everything that it stored undone."""
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
