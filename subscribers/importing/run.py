"""One import from its file to its report."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import TextIO

from django.utils import timezone

from subscribers.database import Lock, directly, only_one
from subscribers.models import Import

from . import reading, staging, storing, systems
from .entries import Defaults, EntryMaker

Tell = Callable[[str], None]
# Told after each batch: what was done to rows, "read" or "stored", and to how many.
Note = Callable[[str, int], None]
READ, STORED = "read", "stored"
# Called while it is known what becomes of each row (``staging``).
Report = Callable[[], None]
_TELL_EVERY = 100_000


class NotNow(RuntimeError):
    """Another import is running."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the operator says about a file. Without a basis, nobody becomes an active reader.

    `importing` is the row of an import that goes on after it was interrupted; else one is made.
    """

    source: reading.Source
    system: str = ""
    mapped: Mapping[str, str] = field(default_factory=dict)
    basis: str = ""
    defaults: Defaults = field(default_factory=Defaults)
    is_dry: bool = False
    by: str = ""
    importing: Import | None = None
    note: Note = lambda what, number: None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many rows of each judgement; `imported` is None after a dry run."""

    system: systems.System
    counts: Mapping[str, int]
    imported: Import | None


def run(wanted: Wanted, now: datetime, tell: Tell, report: Report | None = None) -> Outcome:
    """Import the file, or only say what would happen, and have a `report` made of each row.

    Raises `UnreadableFile`, `BadColumns` or `NotNow` before anything is stored. Safe to repeat:
    whoever came with the first run is a reader by the second.
    """
    with only_one(Lock.IMPORTING_READERS) as is_ours:
        if not is_ours:
            raise NotNow("Another import is running.")
        with directly(), staging.tables():
            return _run(wanted, now, tell, report)


def _run(wanted: Wanted, now: datetime, tell: Tell, report: Report | None) -> Outcome:
    system, cells, rows = beginning(wanted.source, wanted.system)
    places = systems.places(system, cells, wanted.mapped)
    maker = EntryMaker(places, len(cells), wanted.defaults, now)
    for number in staging.fill(map(maker.entry, rows)):
        _tell_of(number, READ, tell, wanted.note)
    counts = staging.judge(has_basis=bool(wanted.basis.strip()))
    if report is not None:
        report()
    imported = None if wanted.is_dry else _store(wanted, system, counts, now, tell)
    return Outcome(system, counts, imported)


def beginning(
    source: reading.Source, name: str = ""
) -> tuple[systems.System, Sequence[str], Iterator[reading.Row]]:
    """Return which system wrote the file, unless it has been named, its header, and other rows.

    Raises `UnreadableFile` or `BadColumns`.
    """
    rows = reading.rows(source)
    header = next(rows, None)
    if header is None or header.problem:
        raise reading.UnreadableFile("The first row cannot be read.")
    cells = header.cells
    if not systems.is_header(cells):
        cells, rows = systems.header_of(cells), chain([header], rows)
    return systems.named(name) if name else systems.recognized(cells), cells, rows


def _store(
    wanted: Wanted, system: systems.System, counts: Mapping[str, int], now: datetime, tell: Tell
) -> Import:
    imported = wanted.importing or Import(started_at=now, by=wanted.by)
    imported.system, imported.basis = system.name, wanted.basis.strip()
    # One that goes on has brought most of its readers before.
    imported.counts = imported.counts or dict(counts)
    imported.save()
    for number in storing.store(imported, now):
        _tell_of(number, STORED, tell, wanted.note)
    imported.finished_at = timezone.now()
    imported.save(update_fields=["finished_at"])
    return imported


def _tell_of(number: int, what: str, tell: Tell, note: Note) -> None:
    note(what, number)
    if number % _TELL_EVERY == 0:
        tell(f"{number:,} rows {what}")


def write_report(file: TextIO) -> None:
    """Write what becomes of each row, and why. It holds no addresses."""
    writer = csv.writer(file)
    writer.writerow(("row", "what", "why", "file_says", "note"))
    writer.writerows(staging.report())
