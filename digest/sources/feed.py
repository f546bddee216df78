"""Any RSS 2.0, RSS 1.0 or Atom feed of papers: a journal's, a laboratory's, a preprint server's."""

from collections.abc import Iterator, Sequence
from datetime import date
from xml.etree.ElementTree import Element

from . import markup
from .base import Answer, BadEntry, SourceError, SourcePaper, WebSource, read_each
from .keys import recognised, url_key, web_link
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

_ROOTS = {"rss", "RDF", "feed"}
_IDS = ("id", "guid", "identifier", "doi")
_ABSTRACTS = ("summary", "description", "abstract", "encoded", "content")
_TIMES = ("published", "pubDate", "date", "issued", "publicationDate", "updated")


class Feeds(WebSource):
    """The feeds at some addresses, together one source."""

    name = "feeds"
    is_daily = False

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = list(addresses)

    def recent(self, today: date, days: int) -> list[date | None]:
        return [None]

    def addresses(self, day: date | None) -> list[str]:
        if not self._addresses:
            raise SourceError("No feed is set: see FEEDS.", permanent=True)
        return self._addresses

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        root = markup.read_xml("The feed", body, content_type)
        if markup.local_name(root) not in _ROOTS:
            raise SourceError(
                "The feed answered with a page that is neither RSS nor Atom. Look at the "
                "address with a browser; it may be the page that names the feed.",
                permanent=True,
            )
        return read_each("The feed", markup.descendants(root, "item", "entry"), _paper)


def _paper(entry: Element) -> SourcePaper | None:
    fields = markup.fields(entry)
    title = clean(markup.plain(markup.content(fields.get("title"))), TITLE_LENGTH)
    links = list(_links(fields))
    link = next(filter(None, map(web_link, links)), "")
    if not title:
        raise BadEntry("it has no title")
    if not link:
        found = "has a link that is not one of the web" if any(links) else "has no link"
        raise BadEntry(f"“{title}” {found}")
    abstract = clean(markup.plain(_abstract(fields)), ABSTRACT_LENGTH)
    if is_withdrawn(title, abstract):
        return None
    ids = [markup.content([element]) for name in _IDS for element in fields.get(name, [])]
    names = list(_authors(fields))
    return SourcePaper(
        key=recognised(*ids, link) or url_key(link),
        title=title,
        url=link,
        abstract=abstract,
        authors=clean_each(names, NAME_LENGTH, MOST_AUTHORS),
        num_authors=len(names),
        published_at=next(
            filter(None, (read_time(markup.content(fields.get(name))) for name in _TIMES)), None
        ),
        keywords=clean_each(
            (
                element.get("term") or markup.content([element])
                for name in ("category", "subject")
                for element in fields.get(name, [])
            ),
            KEYWORD_LENGTH,
        ),
    )


def _links(fields: dict[str, list[Element]]) -> Iterator[str]:
    """The entry's links, the best first: its page, then an id that is one (RSS says a guid is
    a permanent link unless it says otherwise)."""
    for element in fields.get("link", []):
        if element.get("rel", "alternate") == "alternate":
            yield element.get("href") or markup.content([element])
    for element in fields.get("guid", []):
        if element.get("isPermaLink", "true") == "true":
            yield markup.content([element])


def _abstract(fields: dict[str, list[Element]]) -> str:
    return next(filter(None, (markup.content(fields.get(name)) for name in _ABSTRACTS)), "")


def _authors(fields: dict[str, list[Element]]) -> Iterator[str]:
    """Atom names a person in an element, Dublin Core in a text, RSS as "address (name)"."""
    for element in [*fields.get("author", []), *fields.get("creator", [])]:
        name = markup.content(markup.fields(element).get("name")) or markup.content([element])
        if "@" in name:
            name = name.partition("(")[2].rstrip(") ")
        if name:
            yield markup.plain(name)
