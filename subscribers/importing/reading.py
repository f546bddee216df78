"""A file of any encoding and separator becomes numbered rows of cells, in bounded memory."""

import codecs
import csv
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

# Opens a file anew, at its beginning.
Source = Callable[[], BinaryIO]

# Longer rows are reported and left out. A quote that never ends must not swallow the file.
MOST_LETTERS = 20_000
_MOST_LINES = 20
_MOST_CELLS = 500
_SEPARATORS = ",;\t|"
_BLOCK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What a spreadsheet would take for a formula. Our exports put an apostrophe before these.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def at(path: Path) -> Source:
    """The file at this path."""
    return lambda: path.open("rb")


class UnreadableFile(ValueError):
    """Nothing can be imported from this file. The message is for the operator."""


class Row(NamedTuple):
    """One row. `number` is that of a spreadsheet; `problem` says why the cells cannot be used."""

    number: int
    cells: Sequence[str]
    problem: str = ""


def encoding_of(source: Source) -> str:
    """Return the encoding of the file: by its mark, else UTF-8 if all of it is, else cp1252."""
    with source() as file:
        start = file.read(4096)
        if start.startswith(b"PK\x03\x04"):
            raise UnreadableFile(
                "This is a ZIP archive or an Excel workbook. Unpack it, or save it as CSV."
            )
        for mark, name in _MARKS:
            if start.startswith(mark):
                return name
        # Every second byte of UTF-16 is a NUL, as long as the letters are those of headers.
        for offset, name in enumerate(("utf-16-be", "utf-16-le")):
            if start[offset::2].count(0) > len(start) // 3:
                return name
    with source() as file:
        return "utf-8" if _is_utf_8(file) else "cp1252"


def _is_utf_8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in iter(lambda: file.read(_BLOCK), b""):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def rows(source: Source) -> Iterator[Row]:
    """Yield the rows of the file, the header first. Empty rows count, but are not yielded.

    Raises `UnreadableFile` if it holds no text.
    """
    encoding = encoding_of(source)
    with io.TextIOWrapper(source(), encoding, errors="replace", newline="") as file:
        lines = _Lines(_bounded(file))
        separator = lines.separator()
        yield from _records(lines, separator)


def _bounded(file: TextIO) -> Iterator[str]:
    """Yield the file's lines, each cut off where it is too long."""
    while line := file.readline(MOST_LETTERS + 1):
        if len(line) > MOST_LETTERS and not line.endswith(("\n", "\r")):
            while (rest := file.readline(_BLOCK)) and not rest.endswith(("\n", "\r")):
                pass
            line += "…\n"
        yield line


class _Lines:
    """Lines that can be given back. csv.reader takes as many as a row has."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._again: deque[str] = deque()
        self.blank = 0
        self.begin()

    def begin(self) -> None:
        self.taken: list[str] = []
        self.is_open = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        """Return the next line of the row. Only a row with an open quote asks for another one."""
        if self.taken and self._is_full():
            self.is_open = True
            raise csv.Error
        line = self._again.popleft() if self._again else next(self._lines, "")
        if not line:
            self.is_open = bool(self.taken)
            raise StopIteration
        self.taken.append(line)
        return line

    def _is_full(self) -> bool:
        return len(self.taken) >= _MOST_LINES or sum(map(len, self.taken)) > MOST_LETTERS

    def give_back(self) -> None:
        """Give back all lines of the row but its first."""
        self._again.extendleft(reversed(self.taken[1:]))

    def separator(self) -> str:
        """Return the separator: what the first line says (``sep=;``), or has most of."""
        first = next(self, "")
        while first and not first.strip():
            self.begin()
            self.blank += 1
            first = next(self, "")
        if not first:
            raise UnreadableFile("The file is empty.")
        if first.lower().startswith("sep=") and len(first.rstrip("\r\n")) == len("sep=;"):
            return first[4]
        self._again.append(first)
        counts = {one: len(_cells(first, one)) for one in _SEPARATORS}
        return max(counts, key=lambda one: counts[one])


def _cells(line: str, separator: str) -> list[str]:
    return next(_reader([line], separator), [])


def _reader(lines: Iterable[str], separator: str) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=separator, skipinitialspace=separator != "\t")


def _records(lines: _Lines, separator: str) -> Iterator[Row]:
    reader = _reader(lines, separator)
    for number in count(1 + lines.blank):
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells = []
            reader = _reader(lines, separator)
        is_long = len(lines.taken[0]) > MOST_LETTERS or len(cells) > _MOST_CELLS
        if lines.is_open:  # what follows the quote are rows of their own
            lines.give_back()
            reader = _reader(lines, separator)
            yield Row(number, (), "too_long" if is_long else "quote")
        elif is_long:
            yield Row(number, (), "too_long")
        elif any(cells) and any(map(str.strip, cells)):
            yield Row(number, cells)


def plain(cell: str) -> str:
    """Return the cell without space around it, and without the apostrophe of a harmless formula."""
    text = cell.strip(" \t\r\n\f\v\xa0\u200b\u200c\u200d\u2060\ufeff")
    return text[1:] if text.startswith("'") and text[1:2] in FORMULA and text[1:2] else text


def harmless(text: str) -> str:
    """Return the text as a cell that no spreadsheet takes for a formula. `plain` undoes it."""
    return f"'{text}" if text.startswith(FORMULA) else text
