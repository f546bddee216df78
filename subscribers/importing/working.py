"""What a worker does with uploaded files: dry runs, imports, and undoing them.

The rows say what is wanted. A worker that dies leaves them as they are, and the next one goes on.
"""

import logging
from datetime import datetime, timedelta

from django.db.models.functions import Now
from django.utils import timezone

from subscribers.models import Import, ImportFile, ImportPiece

from . import reading, run, staging, systems, undoing, uploads

logger = logging.getLogger(__name__)

State = ImportFile.State
# The share of an import's time that reading the file takes.
_READING = 0.4
_KEPT_FOR = timedelta(days=7)


class _Outdated(Exception):
    """Somebody wants something else of the file by now."""


def is_anything_wanted() -> bool:
    return _wanted() is not None or _undo_wanted() is not None


def work() -> None:
    """Do all that is wanted, one after the other. Safe to run twice at once, and at any time."""
    try:
        while (file := _wanted()) is not None:
            _process(file)
        while (imported := _undo_wanted()) is not None:
            undoing.undo(imported.pk, timezone.now(), _say)
    except run.NotNow:
        logger.info("Another import is running.")


def _wanted() -> ImportFile | None:
    wanted = ImportFile.objects.filter(state__in=(State.CHECKING, State.IMPORTING))
    file: ImportFile | None = wanted.order_by("changed_at", "pk").first()
    return file


def _undo_wanted() -> Import | None:
    asked = Import.objects.exclude(undo_asked_at=None).filter(undone_at=None)
    imported: Import | None = asked.order_by("undo_asked_at").first()
    return imported


def _process(file: ImportFile) -> None:
    try:
        if file.state == State.IMPORTING:
            _import(file)
        else:
            _check(file)
    except _Outdated:
        logger.info("File %s was dropped, or is wanted in another way.", file.pk)
    except run.NotNow:
        raise
    except Exception as error:
        known = isinstance(error, reading.UnreadableFile | systems.BadColumns | uploads.BadUpload)
        problem = str(error) if known else f"It failed: {type(error).__name__}."
        ImportFile.objects.filter(pk=file.pk, version=file.version).update(
            state=State.FAILED, problem=problem[:500], changed_at=Now()
        )
        if not known:
            logger.exception("File %s could not be imported: %s", file.pk, type(error).__name__)


def _check(file: ImportFile) -> None:
    done = run.run(_said_of(file, is_dry=True), timezone.now(), _say, lambda: staging.keep(file.pk))
    _update(file, state=State.CHECKED, counts=done.counts, done=1)


def _import(file: ImportFile) -> None:
    if file.imported is None:
        file.imported = Import.objects.create(by=file.by, system=file.options["system"])
        _update(file, imported=file.imported)
    done = run.run(
        _said_of(file, is_dry=False), timezone.now(), _say, lambda: staging.keep(file.pk)
    )
    counts = done.imported.counts if done.imported else done.counts
    _update(file, state=State.DONE, counts=counts, done=1)
    ImportPiece.objects.filter(file=file).delete()


def _said_of(file: ImportFile, *, is_dry: bool) -> run.Wanted:
    options = uploads.options_of(file)
    options.check(file.header)
    source = uploads.Uploaded(file)
    return run.Wanted(
        source=source,
        system=options.system,
        mapped=options.mapped or {},
        basis=options.basis,
        defaults=options.defaults(),
        is_dry=is_dry,
        by=file.by,
        importing=file.imported,
        note=_Progress(file, source, is_dry=is_dry),
    )


class _Progress:
    """Notes with the file how much is done, by the bytes that are read, then by the rows stored."""

    def __init__(self, file: ImportFile, source: uploads.Uploaded, *, is_dry: bool) -> None:
        self._file, self._source, self._rows = file, source, 1
        self._reading = 1 if is_dry else _READING

    def __call__(self, what: str, number: int) -> None:
        if what == run.READ:
            self._rows = number
            share = self._reading * self._source.taken / self._file.size
        else:
            share = _READING + (1 - _READING) * number / self._rows
        _update(self._file, done=min(share, 0.99))


def _update(file: ImportFile, **fields: object) -> None:
    rows = ImportFile.objects.filter(pk=file.pk, version=file.version)
    if not rows.update(**fields, changed_at=Now()):
        raise _Outdated


def _say(text: str) -> None:
    logger.info("%s", text)


# --- afterwards ----------------------------------------------------------------------------
def forget_old(now: datetime) -> int:
    """Delete files that nobody has touched for days, with all that was kept of them."""
    old = ImportFile.objects.filter(changed_at__lt=now - _KEPT_FOR)
    return old.exclude(state__in=(State.CHECKING, State.IMPORTING)).delete()[0]
