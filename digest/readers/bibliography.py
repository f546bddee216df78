"""Reads a reader's own library, as Zotero and others export it: BibTeX, CSL-JSON, RIS, PubMed's
and EndNote's formats, or a list of links.

In: an exported file, as bytes. Out: for each entry, only what identifies the paper, taken from
its ids, links and title.
"""

import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.utils.translation import gettext as _

from digest.sources.keys import arxiv_id, names
from digest.sources.text import TELLING_TITLE, clean, presentable, title_key

from . import reference_formats as formats

MOST_BYTES = 1_000_000
MOST_ENTRIES = 2000
# An entry takes about a millisecond, so only a file made to keep us busy comes near this.
_MOST_SECONDS = 5.0
# Parsing a broken entry takes time that grows with the square of its length.
_LONGEST_ENTRY = 20_000
_LONGEST_FIELD = 1000
_MOST_VALUES = 50

# The key may be missing, or hold anything but a comma: we do not need it.
_BIBTEX_ENTRY = re.compile(
    r"@\s{0,9}([A-Za-z]{1,30})\s{0,9}[{(]"
    r"(?:\s{0,99}[^,=\"\n]{0,300},|(?=\s{0,99}[A-Za-z_-]{1,40}\s{0,9}=))"
)
# A pasted link may be in brackets, too.
_JSON = re.compile(r"\{|\[\s*[\[\]{\"\d]|\[\s*\Z")
_TAG = re.compile(r"</?[a-z][^<>]{0,200}>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Format:
    """How to read a format: the fields with the title, those with its second part, and those with
    ids and links, most reliable first."""

    entries: Callable[[str], Iterable[Mapping[str, Any] | None]]
    titles: tuple[str, ...]
    subtitles: tuple[str, ...]
    ids: tuple[str, ...]


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
    text = _decoded(content).strip("\ufeff \t\r\n")
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
    form = _format_of(text)
    last = time.thread_time() + _MOST_SECONDS
    number = 0
    for number, record in enumerate(form.entries(text), 1):
        if number > MOST_ENTRIES:
            raise too_many()
        yield _entry(record, form) if record and time.thread_time() < last else None
    if not number:
        raise Unreadable(_("This is not BibTeX, CSL-JSON or RIS."))


def _format_of(text: str) -> _Format:
    if _JSON.match(text):
        return _CSL
    for mark, form in _BY_MARK:
        if mark.search(text):
            return form
    return _LINKS


def _bibtex(text: str) -> Iterator[Mapping[str, Any] | None]:
    """Parse each entry on its own, so that a broken one, given as None, does not affect others."""
    # It brings a parser generator, which few processes ever need.
    from bibtexparser.bparser import BibTexParser  # noqa: PLC0415  # see above

    parser = BibTexParser(ignore_nonstandard_types=False, interpolate_strings=False)
    parser.expect_multiple_parse = True
    starts = list(_BIBTEX_ENTRY.finditer(text))
    ends = [*(start.start() for start in starts[1:]), len(text)]
    last = time.thread_time() + _MOST_SECONDS
    for start, end in zip(starts, ends, strict=True):
        if start[1].lower() in {"comment", "preamble", "string"}:
            continue
        # Runs of spaces take the parser longest.
        fields = " ".join(text[start.end() : end].split())
        block = f"@{start[1]}{'(' if '(' in start[0].partition('{')[0] else '{'}key, {fields}"
        is_readable = len(block) <= _LONGEST_ENTRY and time.thread_time() < last
        yield _bibtex_fields(parser, block) if is_readable else None


def _bibtex_fields(parser: Any, block: str) -> Mapping[str, Any] | None:
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
    # Crossref's answer has the entry, or a list of them, in a "message".
    said = said["message"] if isinstance(said, dict) and "message" in said else said
    items = said.get("items", [said]) if isinstance(said, dict) else said
    if (
        isinstance(said, dict)
        and "items" not in said
        and not isinstance(said.get("title"), str | list)
    ):
        items = None
    if not isinstance(items, list) or not items:
        raise Unreadable(_("This JSON does not contain a list of entries."))
    return (item if isinstance(item, dict) else None for item in items)


_CSL = _Format(
    _csl,
    ("title",),
    ("subtitle",),
    ("DOI", "URL", "number", "archive_location", "note"),
)
_LINKS = _Format(formats.links, (), (), ("key",))
_BY_MARK = (
    (
        formats.RIS_ENTRY,
        _Format(
            formats.ris, ("TI", "T1", "CT"), (), ("DO", "UR", "L1", "L2", "LK", "M1", "AN", "N1")
        ),
    ),
    (formats.NBIB_ENTRY, _Format(formats.nbib, ("TI",), (), ("AID", "LID", "SO"))),
    (formats.ENW_ENTRY, _Format(formats.enw, ("T",), (), ("R", "U", "M", "L", "Z"))),
    (
        _BIBTEX_ENTRY,
        _Format(
            _bibtex,
            ("title", "maintitle"),
            ("subtitle", "titleaddon"),
            ("doi", "url", "eprint", "journal", "howpublished", "number", "note"),
        ),
    ),
)


# --- one entry -----------------------------------------------------------------------------
def _entry(record: Mapping[str, Any], form: _Format) -> Reference | None:
    # A DOI from BibTeX may be written as LaTeX: "10.1000/a\\_b".
    texts = [
        clean(value, _LONGEST_FIELD).replace("\\", "")
        for name in form.ids
        for value in _values(record.get(name))
    ]
    if form is _LINKS:
        return Reference(tuple(texts), ())
    keys = tuple(dict.fromkeys(key for text in texts for key in names(text)))
    title = _first(record, form.titles)
    subtitle = _first(record, form.subtitles)
    # BibTeX keeps LaTeX in titles; stored papers do not.
    forms = [title_key(presentable(said, _LONGEST_FIELD)) for said in (title, subtitle)]
    whole = dict.fromkeys(("".join(forms), forms[0]) if title else ())
    telling = tuple(one for one in whole if len(one) >= TELLING_TITLE)
    return Reference(keys, telling) if keys or title else None


def _first(record: Mapping[str, Any], fields: Iterable[str]) -> str:
    """Return the first value of the first of these fields that has one, without tags."""
    values = (value for name in fields for value in _values(record.get(name)))
    return next(
        filter(None, (unescape(_TAG.sub("", clean(value, _LONGEST_FIELD))) for value in values)), ""
    )


def _values(said: object) -> list[Any]:
    return said[:_MOST_VALUES] if isinstance(said, list) else [said]


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
