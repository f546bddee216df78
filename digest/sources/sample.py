"""Real papers of one day of the past that come with Broadsheet, to try it without a network."""

import json
from datetime import date
from importlib.resources import files
from typing import Any
from urllib.parse import quote_plus

from .base import Answer, Get, SourceError, SourcePaper, read_each
from .text import (
    ABSTRACT_LENGTH,
    KEYWORD_LENGTH,
    TITLE_LENGTH,
    clean,
    clean_each,
    read_time,
)


class Sample:
    name = "sample"
    is_daily = False

    def fetch(self, day: date | None, get: Get) -> Answer:
        """The same papers on any day; `get` is not used."""
        return self.parse(files(__package__).joinpath("sample.json").read_bytes())

    def recent(self, today: date, days: int) -> list[date | None]:
        return [None]

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        try:
            return read_each("The sample", json.loads(body), _paper)
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(
                "The sample is not what came with Broadsheet: install it again.", permanent=True
            ) from error


def _paper(entry: dict[str, Any]) -> SourcePaper:
    title = clean(entry["title"], TITLE_LENGTH)
    return SourcePaper(
        key=f"sample:{entry['key']}",
        title=title,
        # The sample does not say where a paper stands; arXiv finds it by its title.
        url=f"https://arxiv.org/search/?searchtype=title&query={quote_plus(title)}",
        abstract=clean(entry["summary"], ABSTRACT_LENGTH),
        num_authors=entry["num_authors"],
        published_at=read_time(entry["published"]),
        comments=entry.get("comments"),
        keywords=clean_each(entry.get("topics", []), KEYWORD_LENGTH),
    )
