"""A Maildir on this host, into which a mail server delivers."""

import mailbox
from collections.abc import Iterator
from pathlib import Path
from typing import Self

from digest.bounces.mime import MOST_BYTES

from .base import ASIDE, CannotRead


class Folder:
    """Mails put aside go to its folder `ASIDE`, which mail programs show."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def __enter__(self) -> Self:
        if not all((self._path / part).is_dir() for part in ("new", "cur", "tmp")):
            raise CannotRead(f"{self._path} is no Maildir.")
        self._maildir = mailbox.Maildir(self._path, factory=None, create=False)
        return self

    def __exit__(self, *error: object) -> None:
        """There is nothing to close."""

    def names(self) -> Iterator[str]:
        try:
            yield from sorted(self._maildir.iterkeys())  # each begins with the time
        except OSError as error:
            raise _problem(error) from None

    def read(self, name: str) -> bytes | None:
        try:
            with self._maildir.get_file(name) as file:
                content: bytes = file.read(MOST_BYTES)
        except KeyError:
            return None  # somebody else has taken it
        except OSError as error:
            raise _problem(error) from None
        return content

    def remove(self, name: str) -> None:
        try:
            self._maildir.discard(name)
        except OSError as error:
            raise _problem(error) from None

    def put_aside(self, name: str, content: bytes) -> None:
        try:
            self._maildir.add_folder(ASIDE)
            for place in self._places(name):
                place.rename(self._path / f".{ASIDE}" / "cur" / place.name)
        except OSError as error:
            raise _problem(error) from None

    def _places(self, name: str) -> list[Path]:
        """The mail's file, whose name may have flags behind a colon."""
        files = (one for part in ("new", "cur") for one in (self._path / part).iterdir())
        return [one for one in files if one.name.partition(":")[0] == name]


def _problem(error: OSError) -> CannotRead:
    return CannotRead(f"The Maildir cannot be read: {error.strerror}")
