"""Any RSS 2.0, RSS 1.0 or Atom feed of papers, from a journal, a lab or a preprint server."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import partial
from xml.etree.ElementTree import Element

from . import markup
from .base import Answer, BadEntry, SourceError, SourcePaper, WebSource, read_each
from .keys import recognised, url_key, web_link
from .text import presentable, read_time

_ROOTS = {"rss", "RDF", "feed"}
_IDS = ("id", "guid", "identifier", "doi")
_ABSTRACTS = ("summary", "description", "abstract", "encoded", "content")
_TIMES = ("published", "pubDate", "date", "issued", "publicationDate", "updated")


class Feeds(WebSource):
    """The feeds at the given addresses, as one source."""

    name = "feeds"
    is_daily = False

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = list(addresses)

    def recent(self, today: date, days: int) -> list[date | None]:
        return [None]

    def addresses(self, day: date | None) -> list[str]:
        if not self._addresses:
            raise SourceError("No feed is set: see FEEDS.")
        return self._addresses

    def parse(self, body: bytes, content_type: str = "") -> Answer:
        root = markup.read_xml("The feed", body, content_type)
        if markup.local_name(root) not in _ROOTS:
            raise SourceError(
                "The feed answered with a page that is neither RSS nor Atom. Look at the "
                "address with a browser; it may be a page that links to the feed."
            )
        entries = markup.descendants(root, "item", "entry")
        return read_each("The feed", entries, partial(_paper, source_title=_title_of(root)))


def _title_of(root: Element) -> str:
    """Return the feed's own title. RSS has it in a channel, Atom at the top."""
    channel = next(markup.descendants(root, "channel"), root)
    return markup.plain(markup.content(markup.fields(channel).get("title")))


def _paper(entry: Element, source_title: str) -> SourcePaper:
    fields = markup.fields(entry)
    title = markup.plain(markup.content(fields.get("title")))
    links = list(_links(fields))
    link = next(filter(None, map(web_link, links)), "")
    if not title:
        raise BadEntry("it has no title")
    if not link:
        found = "has a link that is not a web address" if any(links) else "has no link"
        raise BadEntry(f"“{presentable(title, 200)}” {found}")
    ids = [markup.content([element]) for name in _IDS for element in fields.get(name, [])]
    names = tuple(_authors(fields))
    return SourcePaper(
        key=recognised(*ids, link) or url_key(link),
        title=title,
        url=link,
        abstract=markup.plain(_abstract(fields)),
        authors=names,
        num_authors=len(names),
        published_at=next(
            filter(None, (read_time(markup.content(fields.get(name))) for name in _TIMES)), None
        ),
        keywords=tuple(
            element.get("term") or markup.content([element])
            for name in ("category", "subject")
            for element in fields.get(name, [])
        ),
        source_title=source_title,
    )


def _links(fields: dict[str, list[Element]]) -> Iterator[str]:
    """Yield the entry's links, best first: those to its page, then ids that are links.

    In RSS a guid is a permanent link unless it says otherwise.
    """
    for element in fields.get("link", []):
        if element.get("rel", "alternate") == "alternate":
            yield element.get("href") or markup.content([element])
    for element in fields.get("guid", []):
        if element.get("isPermaLink", "true") == "true":
            yield markup.content([element])


def _abstract(fields: dict[str, list[Element]]) -> str:
    return next(filter(None, (markup.content(fields.get(name)) for name in _ABSTRACTS)), "")


def _authors(fields: dict[str, list[Element]]) -> Iterator[str]:
    """Yield the authors' names. Atom has an element for the name, Dublin Core a text, and RSS
    writes "address (name)"."""
    for element in [*fields.get("author", []), *fields.get("creator", [])]:
        name = markup.content(markup.fields(element).get("name")) or markup.content([element])
        if "@" in name:
            name = name.partition("(")[2].rstrip(") ")
        if name:
            yield markup.plain(name)
