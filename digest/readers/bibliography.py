"""What a reader's own library names: BibTeX, CSL-JSON and RIS, as Zotero and others export it.

Only what tells which paper an entry is comes out of here: what its ids, its links and its title
make of it.
"""

import json
import logging
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bibtexparser.bparser import BibTexParser
from django.utils.translation import gettext as _

from digest.sources.keys import arxiv_id, recognised
from digest.sources.latex import plain
from digest.sources.text import clean, title_key

MOST_BYTES = 1_000_000
MOST_ENTRIES = 2000
# An entry takes a millisecond; only who wants to keep us busy comes near this.
_MOST_SECONDS = 5.0
# The time for a broken entry grows with the square of its length.
_LONGEST_ENTRY = 20_000
_LONGEST_FIELD = 1000
# Fewer letters ("Editorial", "A short survey") are no proof that two papers are one.
_TELLING_TITLE = 20

_BIBTEX_ENTRY = re.compile(
    r"@\s{0,9}([A-Za-z]{1,30})\s{0,9}[{(]\s{0,99}[^\s,=@{}()\"]{1,300}\s{0,99},"
)
_RIS_LINE = re.compile(r"^([A-Z][A-Z0-9])  ?- ?(.*)$")
_RIS_ENTRY = re.compile(r"^TY  ?- ", re.MULTILINE)
_TAG = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)
# By format: where the title stands, and where ids and links do, the most telling first.
_BIBTEX = ("title", ("doi", "url", "eprint", "journal", "howpublished", "number", "note"))
_CSL = ("title", ("DOI", "URL", "number", "archive_location", "note"))
_RIS = ("TI", ("DO", "UR", "M1", "AN", "N1"))


class Unreadable(ValueError):
    """No library that we can read. The text is for the reader."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What it may be known by: `keys` and `title_keys` as papers have them, the most telling
    first. Both may be empty."""

    keys: tuple[str, ...]
    title_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Library:
    """`bad` entries could not be read, or have neither an id nor a title."""

    entries: tuple[Entry, ...]
    bad: int

    def __add__(self, other: "Library") -> "Library":
        return Library(self.entries + other.entries, self.bad + other.bad)


def read(content: bytes) -> Library:
    """The entries of an exported file, or of a pasted text. Raises `Unreadable`.

    Takes a few seconds at most, whatever the content is.
    """
    if len(content) > MOST_BYTES:
        raise too_large()
    text = _decoded(content).strip()
    if not text:
        raise Unreadable(_("There is nothing in it."))
    entries = list(_entries(text))
    found = tuple(entry for entry in entries if entry is not None)
    return Library(found, len(entries) - len(found))


def too_large() -> Unreadable:
    said = _("This is more than %(most)d MB. Export a part of your library: a collection, say.")
    return Unreadable(said % {"most": MOST_BYTES // 1_000_000})


def too_many() -> Unreadable:
    said = _(
        "More than %(most)d entries are too many. Export a part of your library: a collection, say."
    )
    return Unreadable(said % {"most": MOST_ENTRIES})


# --- formats -------------------------------------------------------------------------------
def _entries(text: str) -> Iterator[Entry | None]:
    """The entries, None for each that is broken."""
    if text[0] in "[{":
        return _limited(_csl(text), *_CSL)
    if _RIS_ENTRY.search(text):
        return _limited(_ris(text), *_RIS)
    if _BIBTEX_ENTRY.search(text):
        return _limited(_bibtex(text), *_BIBTEX)
    raise Unreadable(_("This is neither BibTeX nor CSL-JSON nor RIS."))


def _limited(
    records: Iterable[Mapping[str, Any] | None], title: str, ids: Iterable[str]
) -> Iterator[Entry | None]:
    for number, record in enumerate(records):
        if number == MOST_ENTRIES:
            raise too_many()
        yield _entry(record, title, ids) if record else None


def _bibtex(text: str) -> Iterator[Mapping[str, Any] | None]:
    """Entry by entry, so that a broken one costs no other. None for those that are broken."""
    parser = BibTexParser(ignore_nonstandard_types=False, interpolate_strings=False)
    parser.expect_multiple_parse = True
    starts = list(_BIBTEX_ENTRY.finditer(text))
    ends = [*(start.start() for start in starts[1:]), len(text)]
    last = time.monotonic() + _MOST_SECONDS
    for start, end in zip(starts, ends, strict=True):
        if start[1].lower() in {"comment", "preamble", "string"}:
            continue
        # Spaces in a row are what takes its parser longest.
        block = " ".join(text[start.start() : end].split())
        is_readable = len(block) <= _LONGEST_ENTRY and time.monotonic() < last
        yield _bibtex_fields(parser, block) if is_readable else None


def _bibtex_fields(parser: BibTexParser, block: str) -> Mapping[str, Any] | None:
    parser.bib_database.entries.clear()
    parser.bib_database.comments.clear()
    try:
        found = parser.parse(block).entries
    # The library promises nothing about broken input, and recurses into each brace.
    except Exception:
        return None
    if not found:
        return None
    fields: dict[str, Any] = found[0]
    # "2405.15738" says what it is only beside "arXiv".
    if arxiv := arxiv_id(str(fields.get("eprint", ""))):
        fields["eprint"] = f"arxiv:{arxiv}"
    return fields


def _csl(text: str) -> Iterator[Mapping[str, Any] | None]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_("This begins like CSL-JSON, but cannot be read to its end.")) from error
    items = said.get("items") if isinstance(said, dict) else said
    if not isinstance(items, list) or not items:
        raise Unreadable(_("There is no list of entries in this JSON."))
    return (item if isinstance(item, dict) else None for item in items)


def _ris(text: str) -> Iterator[Mapping[str, Any] | None]:
    record: dict[str, str] = {}
    for line in [*text.splitlines(), "TY  - "]:
        match = _RIS_LINE.match(line)
        tag, value = match.groups() if match else ("", "")
        if tag == "TY" and record:
            yield record
            record = {}
        tag = "TI" if tag == "T1" else tag
        if tag:
            record[tag] = f"{record[tag]} {value}" if tag in record else value


# --- one entry -----------------------------------------------------------------------------
def _entry(record: Mapping[str, Any], title: str, ids: Iterable[str]) -> Entry | None:
    # A DOI from BibTeX may be written as LaTeX: "10.1000/a\_b".
    texts = [clean(record.get(name), _LONGEST_FIELD).replace("\\", "") for name in ids]
    keys = tuple(dict.fromkeys(key for text in texts if (key := recognised(text))))
    said = _TAG.sub("", clean(record.get(title), _LONGEST_FIELD))
    # Some sources write LaTeX in titles, as BibTeX does, and others what it looks like.
    titles = dict.fromkeys(title_key(form) for form in (said, plain(said)))
    telling = tuple(form for form in titles if len(form) >= _TELLING_TITLE)
    return Entry(keys, telling) if keys or said else None


def _decoded(content: bytes) -> str:
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\x00" in text:
        raise Unreadable(_("This is no text file."))
    return text


# It warns of each slip, and so would tell the log what people read.
logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
