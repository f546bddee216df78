"""Hugging Face Daily Papers: ``GET https://huggingface.co/api/daily_papers``.

The answer is a list of entries, each with a `paper` inside. Hugging Face added fields over the
years, so every field but id and title is optional; huggingface_hub's `list_daily_papers`
describes the shape. A day's list fills all day long. There is no list on weekends.
"""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from .base import Answer, BadEntry, SourceError, SourcePaper, WebSource, days_back, read_each
from .keys import arxiv_id, web_link
from .text import clean, read_time

ADDRESS = "https://huggingface.co/api/daily_papers"
# The API's own default. It might cut a larger page without saying so.
PAGE = 50
_MOST_PAGES = 40
_LARGEST_FIGURE = 2**31 - 1
_PICTURES = {"png", "jpg", "jpeg", "webp", "gif"}


class HuggingFace(WebSource):
    name = "huggingface"
    is_daily = True
    not_yet = {
        400: "Hugging Face has no list for that day yet, or rejects the date. Its lists open on "
        "the day itself, in UTC."
    }

    def recent(self, today: date, days: int) -> list[date | None]:
        return days_back(today, days)

    def addresses(self, day: date | None) -> list[str]:
        return [_page({"date": day.isoformat()} if day else {}, 0)]

    def following(self, address: str, answer: Answer) -> str | None:
        """Return the next page of a day if this one was full.

        Of the latest papers, which have no end, one page is enough.
        """
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
                "Hugging Face answered with something that is not JSON. If this persists, its "
                "address or its format has changed."
            ) from error
        if isinstance(entries, dict) and "error" in entries:
            raise SourceError(
                f"Hugging Face answered with an error: {clean(str(entries['error']), 200)}"
            )
        if not isinstance(entries, list):
            raise SourceError(
                "Hugging Face answered with JSON that is no list of papers, so its format may "
                "have changed."
            )
        return read_each("Hugging Face", entries, _paper)


def _page(asked: Mapping[str, str], number: int) -> str:
    return f"{ADDRESS}?{urlencode({**asked, 'p': number, 'limit': PAGE})}"


def _paper(entry: object) -> SourcePaper | None:
    outer = _mapping(entry)
    paper = _mapping(outer.get("paper"))
    number = arxiv_id(str(paper.get("id", "")))
    if not number:
        raise BadEntry("it has no arXiv id")
    authors: list[Any] = [_mapping(author).get("name") for author in _items(paper.get("authors"))]
    summary = _text(paper.get("ai_summary"))
    organization = _mapping(paper.get("organization") or outer.get("organization"))
    return SourcePaper(
        key=f"arxiv:{number}",
        title=paper.get("title") or outer.get("title") or "",
        url=f"https://arxiv.org/abs/{number}",
        abstract=paper.get("summary") or outer.get("summary") or "",
        authors=tuple(authors),
        num_authors=len(authors),
        # Not the outer `publishedAt`: its meaning has changed over the years.
        published_at=read_time(paper.get("publishedAt")),
        votes=_figure(paper.get("upvotes")),
        comments=_figure(outer.get("numComments")),
        keywords=tuple(_items(paper.get("ai_keywords"))),
        code_url=web_link(paper.get("githubRepo")),
        project_url=web_link(paper.get("projectPage")),
        organization=organization.get("fullname") or organization.get("name") or "",
        summary=summary,
        summary_by=_text(paper.get("ai_summary_model")) or "Hugging Face" if summary else "",
        # Under its former name this was a picture or a video.
        thumbnail_url=_picture(outer.get("thumbnail") or outer.get("mediaUrl")),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _picture(value: object) -> str:
    link = web_link(value)
    ending = urlsplit(link).path.lower().rpartition(".")[2]
    return link if ending in _PICTURES else ""


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _figure(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= _LARGEST_FIGURE else None
