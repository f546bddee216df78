"""One import from its file to its report."""

import csv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TextIO

from django.utils import timezone

from subscribers.database import Lock, only_one
from subscribers.models import Import

from . import reading, staging, storing, systems
from .entries import Defaults, EntryMaker

Tell = Callable[[str], None]
_TELL_EVERY = 100_000


class NotNow(RuntimeError):
    """Another import is running."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator says about a file. Without a basis, nobody becomes an active reader."""

    path: Path
    system: str = ""
    mapped: Mapping[str, str] = field(default_factory=dict)
    basis: str = ""
    defaults: Defaults = field(default_factory=Defaults)
    is_dry: bool = False
    by: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many rows of each judgement; `imported` is None after a dry run."""

    system: systems.System
    counts: Mapping[str, int]
    imported: Import | None


def run(wanted: Wanted, now: datetime, tell: Tell, report: TextIO | None = None) -> Outcome:
    """Import the file, or only say what would happen, and write a row of report for each row.

    Raises `UnreadableFile`, `BadColumns` or `NotNow` before anything is stored. Safe to repeat:
    whoever came with the first run is a reader by the second.
    """
    with only_one(Lock.IMPORTING_READERS) as is_ours:
        if not is_ours:
            raise NotNow("Another import is running.")
        with staging.tables():
            return _run(wanted, now, tell, report)


def _run(wanted: Wanted, now: datetime, tell: Tell, report: TextIO | None) -> Outcome:
    rows = reading.rows(wanted.path)
    header = next(rows, None)
    if header is None or header.problem:
        raise reading.UnreadableFile("The first row cannot be read.")
    cells = header.cells
    if not systems.is_header(cells):
        cells, rows = systems.header_of(cells), chain([header], rows)
    system = systems.named(wanted.system) if wanted.system else systems.recognized(cells)
    places = systems.places(system, cells, wanted.mapped)
    maker = EntryMaker(places, len(cells), wanted.defaults, now)
    _tell_of(staging.fill(map(maker.entry, rows)), tell, "rows read")
    counts = staging.judge(has_basis=bool(wanted.basis.strip()))
    imported = None if wanted.is_dry else _store(wanted, system, counts, now, tell)
    if report is not None:
        write_report(report)
    return Outcome(system, counts, imported)


def _store(
    wanted: Wanted, system: systems.System, counts: Mapping[str, int], now: datetime, tell: Tell
) -> Import:
    imported = Import.objects.create(
        started_at=now, by=wanted.by, system=system.name, basis=wanted.basis.strip(), counts=counts
    )
    _tell_of(storing.store(imported, now), tell, "rows stored")
    imported.finished_at = timezone.now()
    imported.save(update_fields=["finished_at"])
    return imported


def _tell_of(numbers: Iterator[int], tell: Tell, what: str) -> None:
    for number in numbers:
        if number % _TELL_EVERY == 0:
            tell(f"{number:,} {what}")


def write_report(file: TextIO) -> None:
    """Write what becomes of each row, and why. It holds no addresses."""
    writer = csv.writer(file)
    writer.writerow(("row", "what", "why", "file_says", "note"))
    writer.writerows(staging.report())
