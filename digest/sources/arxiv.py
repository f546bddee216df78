"""arXiv: the day's announcements (Atom or RSS), and the query API for a day of the past.

https://info.arxiv.org/help/rss.html and https://info.arxiv.org/help/api/user-manual.html.
Announcements are made Sunday to Thursday, 20:00 in New York; the feeds follow at midnight
there. The terms ask for one request in three seconds over everything one runs, API and feeds
together: whoever passes `get` sees to that, with `is_ours` and `SECONDS_BETWEEN_REQUESTS`.
"""

from collections.abc import Sequence
from datetime import date
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree.ElementTree import Element

from . import markup
from .base import Answer, BadEntry, SourceError, SourcePaper, WebSource, days_back, read_each
from .keys import recognised
from .text import (
    ABSTRACT_LENGTH,
    CATEGORY_LENGTH,
    MOST_AUTHORS,
    NAME_LENGTH,
    TITLE_LENGTH,
    clean,
    clean_each,
    is_withdrawn,
    read_time,
)

FEED = "https://rss.arxiv.org/atom/"
API = "https://export.arxiv.org/api/query"
PAGE = 2000
SECONDS_BETWEEN_REQUESTS = 3.0
# The others, "replace" and "replace-cross", tell of new versions of papers of earlier days.
_NEW = {"new", "cross"}


def is_ours(url: str) -> bool:
    """Whether arXiv answers at `url`, whichever of its hosts it is."""
    return f".{urlsplit(url).hostname}".endswith(".arxiv.org")


class Arxiv(WebSource):
    """Papers of some arXiv categories, such as ``cs.CL``."""

    name = "arxiv"
    is_daily = True

    def __init__(self, categories: Sequence[str]) -> None:
        self._categories = list(categories)

    def recent(self, today: date, days: int) -> list[date | None]:
        """The feed, which is ahead of the API, and the API for the days before today."""
        return [None, *days_back(today, days)[1:]]

    def addresses(self, day: date | None) -> list[str]:
        """The newest announcements; or the papers submitted on `day`, which the API knows for
        ever, but up to a day later than the feeds."""
        if not self._categories:
            raise SourceError("No arXiv category is set: see ARXIV_CATEGORIES.", permanent=True)
        if day is None:
            return [FEED + "+".join(self._categories)]
        anywhere = " OR ".join(f"cat:{category}" for category in self._categories)
        span = f"submittedDate:[{day:%Y%m%d}0000 TO {day:%Y%m%d}2359]"
        return [_page(f"({anywhere}) AND {span}", 0)]

    def following(self, address: str, answer: Answer) -> str | None:
        """The API's next page. It has one as long as pages are full, and one may be empty."""
        if not address.startswith(API) or answer.entries < PAGE:
            return None
        asked = parse_qs(urlsplit(address).query)
        return _page(asked["search_query"][0], int(asked["start"][0]) + PAGE)

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        root = markup.read_xml("arXiv", body, content_type)
        if markup.local_name(root) not in {"feed", "rss"}:
            raise SourceError("arXiv answered with XML that is no feed.", permanent=True)
        answer = read_each("arXiv", markup.descendants(root, "entry", "item"), _paper)
        _check_page(root, answer)
        return answer


def _page(query: str, start: int) -> str:
    asked = {
        "search_query": query,
        "start": start,
        "max_results": PAGE,
        "sortBy": "submittedDate",
        "sortOrder": "ascending",
    }
    return f"{API}?{urlencode(asked)}"


def _check_page(root: Element, answer: Answer) -> None:
    """The API answers with an empty page at times, though there are papers for it."""
    total, start, size = (
        root.findtext(f"{{http://a9.com/-/spec/opensearch/1.1/}}{name}", "0").strip()
        for name in ("totalResults", "startIndex", "itemsPerPage")
    )
    if not (total.isdecimal() and start.isdecimal() and size.isdecimal()):
        raise SourceError("arXiv's API does not say how many papers there are.", permanent=True)
    expected = min(int(total) - int(start), int(size))
    if answer.entries < expected:
        raise SourceError(
            f"arXiv's API sent {answer.entries} papers on a page of {expected}. It does so when "
            "it is busy, and will be asked again."
        )


def _paper(entry: Element) -> SourcePaper | None:
    fields = markup.fields(entry)
    if markup.content(fields.get("announce_type")) not in {"", *_NEW}:
        return None
    number = recognised(
        *(markup.content(fields.get(name)) for name in ("id", "guid", "link"))
    ).removeprefix("arxiv:")
    title = clean(markup.content(fields.get("title")), TITLE_LENGTH)
    if title == "Error":  # the API's way of saying so: an entry of this title
        said = clean(markup.content(fields.get("summary")), 200)
        raise SourceError(f"arXiv answered with an error: {said}", permanent=True)
    if not number:
        raise BadEntry("it has no arXiv id")
    if not title:
        raise BadEntry("it has no title")
    abstract = clean(_abstract(fields), ABSTRACT_LENGTH)
    if is_withdrawn(title, abstract, markup.content(fields.get("comment"))):
        return None
    names = _authors(fields)
    return SourcePaper(
        key=f"arxiv:{number}",
        title=title,
        url=f"https://arxiv.org/abs/{number}",
        abstract=abstract,
        authors=clean_each(names, NAME_LENGTH, MOST_AUTHORS),
        num_authors=len(names),
        published_at=read_time(markup.content(fields.get("published") or fields.get("pubDate"))),
        categories=clean_each(
            (element.get("term") or element.text for element in fields.get("category", [])),
            CATEGORY_LENGTH,
        ),
    )


def _abstract(fields: dict[str, list[Element]]) -> str:
    """The feeds write ``arXiv:ID vN Announce Type: new \\nAbstract: …`` before it."""
    text = markup.content(fields.get("summary") or fields.get("description"))
    head, mark, abstract = text.partition("Abstract:")
    return abstract if mark and "Announce Type:" in head else text


def _authors(fields: dict[str, list[Element]]) -> list[str]:
    """The API has an element for each author, the feeds one string for all."""
    elements = [*fields.get("author", []), *fields.get("creator", [])]
    named = [markup.content(markup.fields(element).get("name")) for element in elements]
    if any(named):
        return [name for name in named if name]
    together = ",".join(markup.content([element]) for element in elements)
    return [name.strip() for name in together.split(",") if name.strip()]
