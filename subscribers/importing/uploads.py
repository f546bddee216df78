"""Files that operators upload, in pieces that the database keeps, and what they say about them.

Nothing of a file is written to a disk of ours: other programs of the host might read it there, and
a worker on another host would not find it.
"""

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from subscribers.database import fetch
from subscribers.models import ImportFile, ImportPiece, Topic
from subscribers.wishes import zones

from . import run, systems
from .entries import Defaults

State = ImportFile.State
# A piece must fit into a request (``deploy.limits``). Larger files need the command.
PIECE = 1_000_000
MOST_BYTES = 300 * PIECE
_LETTERS = 200


class BadUpload(ValueError):
    """The file is not what was said of it. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator says about a file. Raises `BadUpload` if it cannot be so."""

    system: str = ""
    mapped: Mapping[str, str] | None = None
    basis: str = ""
    zone: str = "UTC"
    hour: int = 7
    topics: Sequence[int] = ()

    def check(self, header: Sequence[str]) -> systems.System:
        """Return the system whose file it is then."""
        if self.system and self.system not in systems.NAMES:
            raise BadUpload("There is no such system.")
        if self.zone not in zones.names():
            raise BadUpload("There is no such time zone. Use a name such as Europe/Lisbon.")
        if not 0 <= self.hour <= 23:
            raise BadUpload("There is no such hour.")
        system = systems.named(self.system) if self.system else systems.recognized(header)
        systems.places(system, header, self.mapped or {})
        return system

    def defaults(self) -> Defaults:
        return Defaults(self.zone, self.hour, list(Topic.objects.filter(pk__in=self.topics)))


# --- uploading -----------------------------------------------------------------------------
def begin(key: UUID, name: str, size: int, by: str) -> ImportFile:
    """Make the row of a file that is about to come. Safe to repeat."""
    if not 0 < size <= MOST_BYTES:
        raise BadUpload(
            f"A file may have up to {MOST_BYTES // 1_000_000} MB here. For a larger one use "
            "manage.py import_readers."
        )
    name = "".join(filter(str.isprintable, name))[-_LETTERS:] or "–"
    said = {"name": name, "size": size, "by": by}
    file, _ = ImportFile.objects.get_or_create(key=key, defaults=said)
    return file


def add(file: ImportFile, number: int, content: bytes) -> None:
    """Store a piece. Safe to repeat; what was stored first stays."""
    last = (file.size - 1) // PIECE
    wanted = PIECE if number < last else file.size - last * PIECE
    if file.state != State.UPLOADING or not 0 <= number <= last or len(content) != wanted:
        raise BadUpload("This is no piece of the file. Upload the file again.")
    piece = ImportPiece(file=file, number=number, content=content)
    ImportPiece.objects.bulk_create([piece], ignore_conflicts=True)


def complete(file: ImportFile) -> None:
    """See whether all pieces are there, and what the columns are. Safe to repeat.

    Raises `BadUpload`, `UnreadableFile` or `BadColumns`.
    """
    if file.state != State.UPLOADING:
        return
    ((size,),) = fetch(
        "SELECT coalesce(sum(length(content)), 0) FROM subscribers_importpiece WHERE file_id = %s",
        [file.pk],
    )
    if size != file.size:
        raise BadUpload("The file has not come completely. Upload it again.")
    system, header, _ = run.beginning(Uploaded(file))
    ImportFile.objects.filter(pk=file.pk, state=State.UPLOADING).update(
        state=State.READY,
        header=[cell[:_LETTERS] for cell in header][:500],
        options={"system": system.name},
    )


# --- reading it again ----------------------------------------------------------------------
class Uploaded:
    """An uploaded file, to be opened any number of times. It holds one piece in memory.

    `taken` is how many bytes have been read since it was last opened.
    """

    def __init__(self, file: ImportFile) -> None:
        self._file_id, self.taken = file.pk, 0

    def __call__(self) -> BinaryIO:
        self.taken = 0
        return io.BufferedReader(_Pieces(self._pieces()), PIECE)

    def _pieces(self) -> Iterator[bytes]:
        number = 0
        while found := fetch(
            "SELECT content FROM subscribers_importpiece WHERE file_id = %s AND number = %s",
            [self._file_id, number],
        ):
            content = bytes(found[0][0])
            self.taken += len(content)
            yield content
            number += 1


class _Pieces(io.RawIOBase):
    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._rest:
            self._rest = memoryview(next(self._pieces, b""))
        number = min(len(buffer), len(self._rest))
        buffer[:number], self._rest = self._rest[:number], self._rest[number:]
        return number


# --- what is wanted of it ------------------------------------------------------------------
def ask(file: ImportFile, state: State, options: Options | None = None) -> bool:
    """Want a dry run (CHECKING), or the import as it was checked (IMPORTING).

    Returns whether that is new. Safe to repeat.
    """
    before = [State.CHECKED] if state == State.IMPORTING else [*_ASKABLE]
    said: dict[str, Any] = {"state": state, "problem": "", "done": 0, "version": F("version") + 1}
    if options is not None:
        said["options"] = _stored(options)
    rows = ImportFile.objects.filter(pk=file.pk, state__in=before)
    return bool(rows.update(**said, changed_at=Now()))


_ASKABLE = (State.READY, State.CHECKED, State.FAILED)


def options_of(file: ImportFile) -> Options:
    return Options(**file.options)


def _stored(options: Options) -> dict[str, Any]:
    return {name: getattr(options, name) for name in Options.__slots__}


@transaction.atomic
def drop(file: ImportFile) -> bool:
    """Forget the file, unless it is being imported. Returns whether it was there."""
    rows = ImportFile.objects.select_for_update().filter(pk=file.pk)
    if rows.exclude(state=State.IMPORTING).first() is None:
        return False
    return bool(rows.delete()[0])
