"""The formats of reference managers that are lists of lines. Pure.

In: text. Out: for each entry, its fields, each with all of its values. Every format takes time in
proportion to the text.
"""

import re
from collections.abc import Iterator, Mapping

from digest.sources.keys import arxiv_id, names, url_key, web_link

Record = Mapping[str, list[str]]

RIS_ENTRY = re.compile(r"^\s{0,9}TY\s{1,2}-", re.MULTILINE)
NBIB_ENTRY = re.compile(r"^PMID- ?\d", re.MULTILINE)
ENW_ENTRY = re.compile(r"^%0 \S", re.MULTILINE)
_RIS_LINE = re.compile(r"\s{0,9}([A-Z][A-Z0-9])\s{1,2}-\s?(.*)")
_NBIB_LINE = re.compile(r"([A-Z]{2,4})\s{0,2}-\s?(.*)")
_ENW_LINE = re.compile(r"%([0-9A-Z@!#$&()*+?<=>\[\]^~-])\s(.*)")
_NBIB_DOI = re.compile(r"\s*(10\.\S{1,300})\s*\[doi\]", re.IGNORECASE)
_MOST_VALUES = 50
_LONGEST_VALUE = 2000
_LONGEST_WORD = 600
_MOST_WORDS = 20_000


def ris(text: str) -> Iterator[Record]:
    """Yield the entries of RIS. A line without a tag goes on with the one before."""
    return _tagged(text, _RIS_LINE, starts=("TY",))


def nbib(text: str) -> Iterator[Record]:
    """Yield the entries of PubMed's format. It names the kind of an id behind the id."""
    for record in _tagged(text, _NBIB_LINE, starts=("PMID",)):
        yield {tag: [_NBIB_DOI.sub(r"doi:\1", value) for value in record[tag]] for tag in record}


def enw(text: str) -> Iterator[Record]:
    """Yield the entries of EndNote's format."""
    return _tagged(text, _ENW_LINE, starts=("0",))


def links(text: str) -> Iterator[Record]:
    """Yield an entry for each link, DOI and arXiv id in the text, under the field "key"."""
    for word in text.split(maxsplit=_MOST_WORDS)[:_MOST_WORDS]:
        word = word.strip("<>()[]{},;\"'“”•*-")[:_LONGEST_WORD].rstrip(".")
        number = arxiv_id(word)
        if found := (f"arxiv:{number}",) if number else names(word):
            yield {"key": list(found)}
        elif link := web_link(word):
            yield {"key": [url_key(link)]}


def _tagged(text: str, line_of: re.Pattern[str], *, starts: tuple[str, ...]) -> Iterator[Record]:
    record: dict[str, list[str]] = {}
    values: list[str] = []
    for line in text.splitlines():
        match = line_of.match(line)
        if match is None:
            if values and line.strip():
                values[-1] = f"{values[-1]} {line.strip()}"[:_LONGEST_VALUE]
            continue
        tag, value = match[1], (match[2] or "").strip()
        if tag in starts and record:
            yield record
            record = {}
        values = record.setdefault(tag, [])
        if len(values) < _MOST_VALUES:
            values.append(value[:_LONGEST_VALUE])
    if record:
        yield record
