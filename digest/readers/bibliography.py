"""Reads a reader's own library: BibTeX, CSL-JSON or RIS, as Zotero and others export it.

In: an exported file, as bytes. Out: for each entry, only what identifies the paper, taken from
its ids, links and title.
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
from digest.sources.text import TELLING_TITLE, clean, presentable, title_key

MOST_BYTES = 1_000_000
MOST_ENTRIES = 2000
# An entry takes about a millisecond, so only a file made to keep us busy comes near this.
_MOST_SECONDS = 5.0
# Parsing a broken entry takes time that grows with the square of its length.
_LONGEST_ENTRY = 20_000
_LONGEST_FIELD = 1000

_BIBTEX_ENTRY = re.compile(
    r"@\s{0,9}([A-Za-z]{1,30})\s{0,9}[{(]\s{0,99}[^\s,=@{}()\"]{1,300}\s{0,99},"
)
_RIS_LINE = re.compile(r"^([A-Z][A-Z0-9])  ?- ?(.*)$")
_RIS_ENTRY = re.compile(r"^TY  ?- ", re.MULTILINE)
_TAG = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)
# For each format: the field with the title, and those with ids and links, most reliable first.
_BIBTEX = ("title", ("doi", "url", "eprint", "journal", "howpublished", "number", "note"))
_CSL = ("title", ("DOI", "URL", "number", "archive_location", "note"))
_RIS = ("TI", ("DO", "UR", "M1", "AN", "N1"))


class Unreadable(ValueError):
    """The content is not a library that we can read. The message is for the reader."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of a library: its possible `Paper.key` and `Paper.title_key`, best first.

    Both may be empty.
    """

    keys: tuple[str, ...]
    title_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Library:
    """The references of a library, and how many entries had no id or title, or were broken."""

    references: tuple[Reference, ...]
    bad: int

    def __add__(self, other: "Library") -> "Library":
        return Library(self.references + other.references, self.bad + other.bad)


def read(content: bytes) -> Library:
    """Return the references in an exported file or pasted text. Raises `Unreadable`.

    Takes a few seconds at most, whatever the content.
    """
    if len(content) > MOST_BYTES:
        raise too_large()
    text = _decoded(content).strip()
    if not text:
        raise Unreadable(_("It is empty."))
    entries = list(_entries(text))
    references = tuple(entry for entry in entries if entry is not None)
    return Library(references, len(entries) - len(references))


def too_large() -> Unreadable:
    said = _(
        "This is larger than %(most)d MB. Try exporting part of your library, such as one "
        "collection."
    )
    return Unreadable(said % {"most": MOST_BYTES // 1_000_000})


def too_many() -> Unreadable:
    said = _(
        "This has more than %(most)d entries. Try exporting part of your library, such as one "
        "collection."
    )
    return Unreadable(said % {"most": MOST_ENTRIES})


# --- formats -------------------------------------------------------------------------------
def _entries(text: str) -> Iterator[Reference | None]:
    """Yield the entries, with None for each broken one. Raises `Unreadable`."""
    if text[0] in "[{":
        return _limited(_csl(text), *_CSL)
    if _RIS_ENTRY.search(text):
        return _limited(_ris(text), *_RIS)
    if _BIBTEX_ENTRY.search(text):
        return _limited(_bibtex(text), *_BIBTEX)
    raise Unreadable(_("This is not BibTeX, CSL-JSON or RIS."))


def _limited(
    records: Iterable[Mapping[str, Any] | None], title: str, ids: Iterable[str]
) -> Iterator[Reference | None]:
    for number, record in enumerate(records):
        if number == MOST_ENTRIES:
            raise too_many()
        yield _entry(record, title, ids) if record else None


def _bibtex(text: str) -> Iterator[Mapping[str, Any] | None]:
    """Parse each entry on its own, so that a broken one, given as None, does not affect others."""
    parser = BibTexParser(ignore_nonstandard_types=False, interpolate_strings=False)
    parser.expect_multiple_parse = True
    starts = list(_BIBTEX_ENTRY.finditer(text))
    ends = [*(start.start() for start in starts[1:]), len(text)]
    last = time.monotonic() + _MOST_SECONDS
    for start, end in zip(starts, ends, strict=True):
        if start[1].lower() in {"comment", "preamble", "string"}:
            continue
        # Runs of spaces take the parser longest.
        block = " ".join(text[start.start() : end].split())
        is_readable = len(block) <= _LONGEST_ENTRY and time.monotonic() < last
        yield _bibtex_fields(parser, block) if is_readable else None


def _bibtex_fields(parser: BibTexParser, block: str) -> Mapping[str, Any] | None:
    parser.bib_database.entries.clear()
    parser.bib_database.comments.clear()
    try:
        found = parser.parse(block).entries
    # bibtexparser makes no promises about broken input, and recurses into every brace.
    except Exception:
        return None
    if not found:
        return None
    fields: dict[str, Any] = found[0]
    # "2405.15738" alone is ambiguous; in this field it is an arXiv id.
    if arxiv := arxiv_id(str(fields.get("eprint", ""))):
        fields["eprint"] = f"arxiv:{arxiv}"
    return fields


def _csl(text: str) -> Iterator[Mapping[str, Any] | None]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_("This looks like CSL-JSON, but it is incomplete or broken.")) from error
    items = said.get("items") if isinstance(said, dict) else said
    if not isinstance(items, list) or not items:
        raise Unreadable(_("This JSON does not contain a list of entries."))
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
def _entry(record: Mapping[str, Any], title: str, ids: Iterable[str]) -> Reference | None:
    # A DOI from BibTeX may be written as LaTeX: "10.1000/a\_b".
    texts = [clean(record.get(name), _LONGEST_FIELD).replace("\\", "") for name in ids]
    keys = tuple(dict.fromkeys(key for text in texts if (key := recognised(text))))
    said = _TAG.sub("", clean(record.get(title), _LONGEST_FIELD))
    # BibTeX keeps LaTeX in titles; stored papers do not.
    form = title_key(presentable(said, _LONGEST_FIELD))
    telling = (form,) if len(form) >= TELLING_TITLE else ()
    return Reference(keys, telling) if keys or said else None


def _decoded(content: bytes) -> str:
    is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if is_utf16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    if "\x00" in text:
        raise Unreadable(_("This is not a text file."))
    return text


# It warns about every slip, which would reveal in the log what people read.
logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)
