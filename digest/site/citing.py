"""Writes papers as references: BibTeX, RIS and CSL-JSON for reference managers, and in words.

In: papers. Out: text. All three are UTF-8, which every reference manager reads; in BibTeX only
those characters are escaped that mean something to TeX.

https://www.bibtex.org/Format/, https://en.wikipedia.org/wiki/RIS_(file_format) and
https://citeproc-js.readthedocs.io/en/latest/csl-json/markup.html
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from digest.models import Paper
from digest.papers.cards import page_url, source_name, title_of
from digest.sources.keys import web_link

# A reference in words names no more authors.
_NAMED = 6
_IN_TEX = str.maketrans(
    {
        **{sign: f"\\{sign}" for sign in "&%$#_{}"},
        **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    }
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_AND = re.compile(r"\band\b|,", re.IGNORECASE)


# --- formats -------------------------------------------------------------------------------
# A reader's own notes on papers, by paper id.
Notes = Mapping[int, str]
_NO_NOTES: Notes = {}


def bibtex(papers: Iterable[Paper], notes: Notes = _NO_NOTES) -> str:
    return "\n".join(_bibtex(paper, key, notes.get(paper.pk, "")) for key, paper in _keyed(papers))


def ris(papers: Iterable[Paper], notes: Notes = _NO_NOTES) -> str:
    return "".join(
        f"{tag}  - {_line(value)}\r\n"
        for paper in papers
        for tag, value in _ris(paper, notes.get(paper.pk, ""))
    )


def csl_json(papers: Iterable[Paper], notes: Notes = _NO_NOTES) -> str:
    keyed = [_csl(key, paper, notes.get(paper.pk, "")) for key, paper in _keyed(papers)]
    return json.dumps(keyed, ensure_ascii=False)


# What a file's name ends with: how it is written, and its media type.
FORMS: Mapping[str, tuple[Callable[..., str], str]] = {
    "bib": (bibtex, "application/x-bibtex"),
    "ris": (ris, "application/x-research-info-systems"),
    "json": (csl_json, "application/vnd.citationstyles.csl+json"),
}


def in_words(paper: Paper) -> str:
    """Return the reference as one writes it in a text."""
    names = ", ".join(paper.authors[:_NAMED]) or paper.organization
    if len(paper.authors) > _NAMED or paper.num_authors > len(paper.authors) > 0:
        names = _("%(names)s et al.") % {"names": names}
    year = f"({paper.published_at.year})" if paper.published_at else ""
    start = " ".join(filter(None, [names, year]))
    parts = filter(None, [start, title_of(paper)])
    return " ".join([*(one if one[-1] in ".?!" else f"{one}." for one in parts), _place(paper)])


def _bibtex(paper: Paper, key: str, note: str) -> str:
    names = [f"{{{_tex(name)}}}" if _AND.search(name) else _tex(name) for name in paper.authors]
    if paper.num_authors > len(names):
        names.append("others")
    said = {
        "title": f"{{{_tex(title_of(paper))}}}",
        "author": " and ".join(names),
        "year": f"{paper.published_at.year}" if paper.published_at else "",
        "eprint": _arxiv(paper),
        "archivePrefix": "arXiv" if _arxiv(paper) else "",
        "doi": _tex(_doi(paper)),
        "url": _url(paper),
        "note": _tex(note),
    }
    lines = [f"  {name} = {{{value}}}" for name, value in said.items() if value]
    if paper.published_at:
        lines.append(f"  month = {_MONTHS[paper.published_at.month - 1]}")
    return "\n".join([f"@misc{{{key},", ",\n".join(lines), "}", ""])


def _ris(paper: Paper, note: str) -> Iterator[tuple[str, str]]:
    yield "TY", "GEN"
    yield "TI", title_of(paper)
    for name in paper.authors:
        given, family = _parts(name)
        yield "AU", f"{family}, {given}" if given else family
    if paper.published_at:
        yield "PY", f"{paper.published_at:%Y}"
        yield "DA", f"{paper.published_at:%Y/%m/%d}"
    said = {"PB": _publisher(paper), "AB": paper.abstract, "DO": _doi(paper), "UR": _url(paper)}
    said["N1"] = note
    yield from ((tag, value) for tag, value in said.items() if value)
    yield "ER", ""


def _csl(key: str, paper: Paper, note: str) -> dict[str, Any]:
    parts = map(_parts, paper.authors)
    published = paper.published_at
    said = {
        "id": key,
        "type": "article",
        "title": title_of(paper),
        "author": [
            {"family": family, "given": given} if given else {"literal": family}
            for given, family in parts
        ],
        "issued": {"date-parts": [[published.year, published.month, published.day]]}
        if published
        else None,
        "publisher": _publisher(paper),
        "number": f"arXiv:{_arxiv(paper)}" if _arxiv(paper) else "",
        "abstract": paper.abstract,
        "DOI": _doi(paper),
        "URL": _url(paper),
        "note": note,
    }
    return {name: value for name, value in said.items() if value}


# --- parts ---------------------------------------------------------------------------------
def _keyed(papers: Iterable[Paper]) -> Iterator[tuple[str, Paper]]:
    """Yield each paper with a key of its own, such as lovelace2026notes."""
    used: set[str] = set()
    for paper in papers:
        family = slugify(_parts(paper.authors[0])[1]) if paper.authors else ""
        year = f"{paper.published_at.year}" if paper.published_at else ""
        word = next((word for word in slugify(title_of(paper)).split("-") if len(word) > 3), "")
        key = f"{family.replace('-', '')}{year}{word}"[:60] or f"paper{paper.pk}"
        key = f"{key}-{paper.pk}" if key in used else key
        used.add(key)
        yield key, paper


def _parts(name: str) -> tuple[str, str]:
    """Return the given and the family name; particles such as "van der" belong to the latter."""
    words = name.split()
    start = max(len(words) - 1, 0)
    while start > 1 and words[start - 1].islower():
        start -= 1
    return " ".join(words[:start]), " ".join(words[start:])


def _arxiv(paper: Paper) -> str:
    kind, _colon, number = paper.key.partition(":")
    return number if kind == "arxiv" else ""


def _doi(paper: Paper) -> str:
    kind, _colon, doi = paper.key.partition(":")
    return f"10.48550/arXiv.{_arxiv(paper)}" if kind == "arxiv" else doi if kind == "doi" else ""


def _url(paper: Paper) -> str:
    return web_link(paper.url) or page_url(paper)


def _publisher(paper: Paper) -> str:
    return "arXiv" if _arxiv(paper) else source_name(paper)


def _place(paper: Paper) -> str:
    return f"arXiv:{_arxiv(paper)}" if _arxiv(paper) else _url(paper)


def _tex(text: str) -> str:
    return _line(text).translate(_IN_TEX)


def _line(text: str) -> str:
    return " ".join(text.split())
