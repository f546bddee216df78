"""A few dozen real papers that ship with Broadsheet, to try it without a network."""

import json
from datetime import date
from importlib.resources import files
from typing import Any
from urllib.parse import quote_plus

from .base import Answer, Get, SourceError, SourcePaper, read_each
from .text import read_time


class Sample:
    name = "sample"
    is_daily = False

    def fetch(self, day: date | None, get: Get) -> Answer:
        """Return the same papers for any day, without using `get`."""
        return self.parse(files(__package__).joinpath("sample.json").read_bytes())

    def recent(self, today: date, days: int) -> list[date | None]:
        return [None]

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        try:
            return read_each("The sample", json.loads(body), _paper)
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(
                "The sample is not the one that ships with Broadsheet: install it again."
            ) from error


def _paper(entry: dict[str, Any]) -> SourcePaper:
    title = entry["title"]
    return SourcePaper(
        key=f"sample:{entry['key']}",
        title=title,
        # The sample has no links to its papers; arXiv finds them by their titles.
        url=f"https://arxiv.org/search/?searchtype=title&query={quote_plus(title)}",
        abstract=entry["summary"],
        num_authors=entry["num_authors"],
        published_at=read_time(entry["published"]),
        comments=entry.get("comments"),
        keywords=tuple(entry.get("topics", [])),
    )
