"""arXiv: the day's announcements (Atom or RSS), and the query API for past days.

https://info.arxiv.org/help/rss.html and https://info.arxiv.org/help/api/user-manual.html.
arXiv announces papers Sunday to Thursday at 20:00 New York time; the feeds follow at midnight
there. Its terms allow one request every three seconds from all machines of one operator, API
and feeds together. The caller's `get` must observe that, using `is_at_arxiv` and
`SECONDS_BETWEEN_REQUESTS`.
"""

from collections.abc import Sequence
from datetime import date
from urllib.parse import parse_qs, urlencode, urlsplit
from xml.etree.ElementTree import Element

from . import markup
from .base import (
    Answer,
    BadEntry,
    SourceError,
    SourcePaper,
    WebSource,
    Withdrawn,
    days_back,
    read_each,
)
from .keys import names, recognised
from .notices import is_withdrawn
from .text import clean, read_time

FEED = "https://rss.arxiv.org/atom/"
API = "https://export.arxiv.org/api/query"
PAGE = 2000
SECONDS_BETWEEN_REQUESTS = 3.0
# The other kinds, "replace" and "replace-cross", announce new versions of earlier papers.
_NEW = {"new", "cross"}


def is_at_arxiv(url: str) -> bool:
    """Whether `url` is on one of arXiv's hosts."""
    return f".{urlsplit(url).hostname}".endswith(".arxiv.org")


class Arxiv(WebSource):
    """Papers of some arXiv categories, such as ``cs.CL``."""

    name = "arxiv"
    is_daily = True

    def __init__(self, categories: Sequence[str]) -> None:
        self._categories = list(categories)

    def recent(self, today: date, days: int) -> list[date | None]:
        """Return None for the feed, which is ahead of the API, and the days before today."""
        return [None, *days_back(today, days)[1:]]

    def addresses(self, day: date | None) -> list[str]:
        """Return the feed of the newest announcements, or the API's query for `day`.

        The API finds papers by the day they were submitted. It keeps them all, but gets them up
        to a day later than the feeds.
        """
        if not self._categories:
            raise SourceError("No arXiv category is set: see ARXIV_CATEGORIES.")
        if day is None:
            return [FEED + "+".join(self._categories)]
        anywhere = " OR ".join(f"cat:{category}" for category in self._categories)
        span = f"submittedDate:[{day:%Y%m%d}0000 TO {day:%Y%m%d}2359]"
        return [_page(f"({anywhere}) AND {span}", 0)]

    def following(self, address: str, answer: Answer) -> str | None:
        """Return the API's next page, if this one was full. The last page may be empty."""
        if not address.startswith(API) or answer.entries < PAGE:
            return None
        asked = parse_qs(urlsplit(address).query)
        return _page(asked["search_query"][0], int(asked["start"][0]) + PAGE)

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        root = markup.read_xml("arXiv", body, content_type)
        if markup.local_name(root) not in {"feed", "rss"}:
            raise SourceError("arXiv answered with XML that is not a feed.")
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
    """Raise SourceError for a page of the API that lacks papers, as happens now and then."""
    total, start, size = (
        root.findtext(f"{{http://a9.com/-/spec/opensearch/1.1/}}{name}", "0").strip()
        for name in ("totalResults", "startIndex", "itemsPerPage")
    )
    if not (total.isdecimal() and start.isdecimal() and size.isdecimal()):
        raise SourceError("arXiv's API does not say how many papers there are.")
    expected = min(int(total) - int(start), int(size))
    if answer.entries < expected:
        raise SourceError(
            f"arXiv's API sent {answer.entries} papers on a page of {expected}. This happens "
            "when it is busy; it will be asked again."
        )


def _paper(entry: Element) -> SourcePaper | None:
    fields = markup.fields(entry)
    is_new = markup.content(fields.get("announce_type")) in {"", *_NEW}
    number = recognised(
        *(markup.content(fields.get(name)) for name in ("id", "guid", "link"))
    ).removeprefix("arxiv:")
    title = markup.content(fields.get("title"))
    if title == "Error":  # the API reports an error as an entry with this title
        said = clean(markup.content(fields.get("summary")), 200)
        raise SourceError(f"arXiv answered with an error: {said}")
    if not number:
        raise BadEntry("it has no arXiv id")
    paper = _described(number, title, fields)
    if is_withdrawn(paper.title, paper.abstract, markup.content(fields.get("comment"))):
        raise Withdrawn(paper)
    return paper if is_new else None


def _described(number: str, title: str, fields: dict[str, list[Element]]) -> SourcePaper:
    authors = _authors(fields)
    return SourcePaper(
        key=f"arxiv:{number}",
        other_keys=names(markup.content(fields.get("doi"))),
        title=title,
        url=f"https://arxiv.org/abs/{number}",
        abstract=_abstract(fields),
        authors=tuple(authors),
        num_authors=len(authors),
        published_at=read_time(markup.content(fields.get("published") or fields.get("pubDate"))),
        categories=tuple(
            element.get("term") or element.text or "" for element in fields.get("category", [])
        ),
    )


def _abstract(fields: dict[str, list[Element]]) -> str:
    """Return the abstract without what the feeds put before it:
    ``arXiv:ID vN Announce Type: new \\nAbstract: …``."""
    text = markup.content(fields.get("summary") or fields.get("description"))
    head, mark, abstract = text.partition("Abstract:")
    return abstract if mark and "Announce Type:" in head else text


def _authors(fields: dict[str, list[Element]]) -> list[str]:
    """Return the authors' names. The API has one element per author, the feeds one string."""
    elements = [*fields.get("author", []), *fields.get("creator", [])]
    named = [markup.content(markup.fields(element).get("name")) for element in elements]
    if any(named):
        return [name for name in named if name]
    together = ",".join(markup.content([element]) for element in elements)
    return [name.strip() for name in together.split(",") if name.strip()]
