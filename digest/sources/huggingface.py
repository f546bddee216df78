"""Hugging Face Daily Papers: ``GET https://huggingface.co/api/daily_papers``.

The answer is a list of entries, each with a `paper` inside. Fields came over the years, so
all but id and title are taken as they come; the shape is described in huggingface_hub's
`list_daily_papers`. The list of a day fills all day long, and there is none on a weekend.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from .base import Answer, BadEntry, SourceError, SourcePaper, WebSource, days_back, read_each
from .keys import arxiv_id, web_link
from .text import (
    ABSTRACT_LENGTH,
    KEYWORD_LENGTH,
    MOST_AUTHORS,
    NAME_LENGTH,
    TITLE_LENGTH,
    clean,
    clean_each,
    is_withdrawn,
    read_time,
)

ADDRESS = "https://huggingface.co/api/daily_papers"
# What the API gives unasked; a larger page it might cut without saying so.
PAGE = 50
_MOST_PAGES = 40
_LARGEST_FIGURE = 2**31 - 1


class HuggingFace(WebSource):
    name = "huggingface"
    is_daily = True
    not_yet = {
        400: "Hugging Face has no list for that day yet, or takes it for no day. Its lists open "
        "on the day itself, in UTC."
    }

    def recent(self, today: date, days: int) -> list[date | None]:
        return days_back(today, days)

    def addresses(self, day: date | None) -> list[str]:
        return [_page({"date": day.isoformat()} if day else {}, 0)]

    def following(self, address: str, answer: Answer) -> str | None:
        """The next page of a day's full page. The latest papers are one page only: they have
        no end."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        number = int(asked.pop("p")) + 1
        if "date" not in asked or answer.entries < PAGE or number >= _MOST_PAGES:
            return None
        return _page({"date": asked["date"]}, number)

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        try:
            entries = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise SourceError(
                "Hugging Face answered with something that is not JSON. If this goes on, its "
                "address or its format has changed."
            ) from error
        if isinstance(entries, dict) and "error" in entries:
            raise SourceError(
                f"Hugging Face answered with an error: {clean(str(entries['error']), 200)}",
                permanent=True,
            )
        if not isinstance(entries, list):
            raise SourceError(
                "Hugging Face answered with JSON that is no list of papers, so its format may "
                "have changed.",
                permanent=True,
            )
        return read_each("Hugging Face", entries, _paper)


def _page(asked: Mapping[str, str], number: int) -> str:
    return f"{ADDRESS}?{urlencode({**asked, 'p': number, 'limit': PAGE})}"


def _paper(entry: object) -> SourcePaper | None:
    outer = _mapping(entry)
    paper = _mapping(outer.get("paper"))
    number = arxiv_id(str(paper.get("id", "")))
    title = clean(paper.get("title") or outer.get("title"), TITLE_LENGTH)
    abstract = clean(paper.get("summary") or outer.get("summary"), ABSTRACT_LENGTH)
    if not number:
        raise BadEntry("it has no arXiv id")
    if not title:
        raise BadEntry("it has no title")
    if is_withdrawn(title, abstract):
        return None
    authors = [_mapping(author).get("name") for author in _items(paper.get("authors"))]
    names = clean_each(authors, NAME_LENGTH, MOST_AUTHORS)
    organization = _mapping(paper.get("organization") or outer.get("organization"))
    return SourcePaper(
        key=f"arxiv:{number}",
        title=title,
        url=f"https://arxiv.org/abs/{number}",
        abstract=abstract,
        authors=names,
        num_authors=max(len(names), len(authors)),
        # Not the outer one: that is another time, and which one has changed over the years.
        published_at=read_time(paper.get("publishedAt")),
        submitted_at=read_time(paper.get("submittedOnDailyAt")),
        votes=_figure(paper.get("upvotes")),
        comments=_figure(outer.get("numComments")),
        keywords=clean_each(_items(paper.get("ai_keywords")), KEYWORD_LENGTH),
        code_url=web_link(paper.get("githubRepo")),
        organization=clean(organization.get("fullname") or organization.get("name"), NAME_LENGTH),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _figure(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _LARGEST_FIGURE else None
