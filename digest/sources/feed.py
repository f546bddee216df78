"""Any RSS 2.0, RSS 1.0 or Atom feed of papers, from a journal, a lab or a preprint server."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from xml.etree.ElementTree import Element

from . import markup
from .addresses import shown
from .authors import names_in
from .base import Answer, BadEntry, Download, SourceError, SourcePaper, WebSource, read_each
from .keys import guid_key, link_key, names, url_key, web_link
from .text import presentable, read_time

_ABOUT = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about"
_ROOTS = {"rss", "RDF", "feed"}
_IDS = ("id", "guid", "identifier", "doi")
_ABSTRACTS = ("summary", "description", "abstract", "encoded", "content")
_TIMES = ("published", "pubDate", "date", "issued", "publicationDate", "updated")
# An abstract that is shorter, or that ends like this, may be a teaser.
_LONG_ENOUGH = 300
_CUT = re.compile(r"(?:…|\.\.\.|\[…\]|\[\.\.\.\]|\(more\)|read more|continue reading)\W*\Z", re.I)
# What publishers write around an abstract, one line each.
_FURNITURE = re.compile(
    r"""(?:.{0,150}\bPublished\ online:.{0,60};\s*doi:\s*\S+
    | (?:Publication\ date|Source|Author\(s\)|Authors?|DOI|Volume\ \S{1,9})\s*:.*
    | \[[^\[\]]{5,90}\]\s+Published\ .{5,40}
    | .{3,120},\s(?:Ahead\ of\ Print|Early\ ?View|Accepted\ Article|Volume\ \d+,.{0,90})\.?
    | The\ post\ .{1,300}\ (?:appeared\ first|first\ appeared)\ on\ .*
    | (?:https?://|doi:\s*10\.)\S+ | (?:abstract|summary)\W{0,3}
    | read\ more\W* | continue\ reading\W*
    )\Z""",
    re.IGNORECASE | re.VERBOSE,
)
_HEADING = re.compile(r"(?:abstract|summary)\s*[:.]\s+", re.IGNORECASE)
_AUTHORS_LINE = re.compile(r"\s*Author\(s\)\s*:\s*(.+)", re.IGNORECASE)


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
        return _read("The feed", body, content_type, base="")

    def read(self, address: str, got: Download) -> Answer:
        name = f"The feed {shown(address)}"
        return _read(name, got.body, got.content_type, base=got.url or address)


@dataclass(frozen=True, slots=True)
class _Context:
    """What an entry's texts depend on: the feed's title, its address, and its own id's worth."""

    source_title: str
    base: str
    root: Element
    useless_ids: frozenset[str]


def _read(name: str, body: bytes, content_type: str, *, base: str) -> Answer:
    root, problems = markup.read_broken_xml(name, body, content_type)
    if markup.local_name(root) not in _ROOTS:
        raise SourceError(
            f"{name} answered with a page that is neither RSS nor Atom. Look at the address with "
            "a browser; it may be a page that links to the feed."
        )
    entries = list(markup.descendants(root, "item", "entry"))
    given = Counter(guid for entry in entries if (guid := _guid(markup.fields(entry))))
    channel = next(markup.descendants(root, "channel"), root)
    context = _Context(
        source_title=markup.plain(markup.marked_up(markup.fields(channel).get("title"))),
        base=base or _site_of(channel),
        root=root,
        # An id that several entries share, such as the site's address, names none of them.
        useless_ids=frozenset(guid for guid, number in given.items() if number > 1),
    )
    answer = read_each(name, entries, partial(_paper, context=context))
    return Answer(answer.papers, [*problems, *answer.problems], answer.entries, answer.withdrawn)


def _site_of(channel: Element) -> str:
    """Return the address of the site that a feed says it belongs to."""
    links = (element.get("href") or element.text or "" for element in _alternates(channel))
    return next(filter(None, map(web_link, links)), "")


def _alternates(parent: Element) -> Iterator[Element]:
    for element in markup.fields(parent).get("link", []):
        if element.get("rel", "alternate") == "alternate":
            yield element


def _guid(fields: dict[str, list[Element]]) -> str:
    return markup.content(fields.get("guid") or fields.get("id"))


def _paper(entry: Element, context: _Context) -> SourcePaper:
    fields = markup.fields(entry)
    title = markup.plain(markup.marked_up(fields.get("title")))
    links = [
        markup.resolved(link, context.base, context.root, entry, element)
        for link, element in _links(entry, fields)
    ]
    link = next(filter(None, map(web_link, links)), "")
    if not title.strip():
        raise BadEntry("it has no title")
    if not link:
        found = "has a link that is not a web address" if any(links) else "has no link"
        raise BadEntry(f"“{presentable(title, 200)}” {found}")
    ids = [markup.content([element]) for name in _IDS for element in fields.get(name, [])]
    guid = _guid(fields)
    others = [*ids, link] if guid not in context.useless_ids else [link]
    known = [*names(*others), url_key(link), link_key(link)]
    if guid and guid not in context.useless_ids:
        known.append(guid_key(guid, link))
    abstract = _abstract(fields)
    authors = tuple(_authors(fields))
    published_at = next(
        filter(None, (read_time(markup.content(fields.get(name))) for name in _TIMES)), None
    )
    return SourcePaper(
        key=known[0],
        other_keys=tuple(known[1:]),
        title=title,
        url=link,
        abstract=abstract,
        authors=authors,
        num_authors=len(authors),
        published_at=published_at,
        announced_at=published_at,
        keywords=tuple(
            element.get("term") or markup.content([element])
            for name in ("category", "subject")
            for element in fields.get(name, [])
        ),
        source_title=context.source_title,
    )


def _links(entry: Element, fields: dict[str, list[Element]]) -> Iterator[tuple[str, Element]]:
    """Yield the entry's links, best first: those to its page, then ids that are links.

    In RSS 1.0 the item itself has the address. In RSS 2.0 a guid is a permanent link unless it
    says otherwise.
    """
    for element in _alternates(entry):
        yield element.get("href") or markup.content([element]), element
    if about := entry.get(_ABOUT):
        yield about, entry
    for element in fields.get("guid", []):
        if element.get("isPermaLink", "true") == "true":
            yield markup.content([element]), element


# --- abstracts -----------------------------------------------------------------------------
def _abstract(fields: dict[str, list[Element]]) -> str:
    """Return the first text that is a whole abstract; if none is, the longest."""
    texts = [_without_furniture(text) for text in _described(fields)]
    whole = (text for text in texts if len(text) >= _LONG_ENOUGH and not _CUT.search(text[-40:]))
    return next(whole, max(texts, key=len, default=""))


def _described(fields: dict[str, list[Element]]) -> Iterator[str]:
    for name in _ABSTRACTS:
        for element in fields.get(name, [])[:1]:
            yield markup.plain(markup.marked_up([element]))


def _without_furniture(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split("\n"))
    shown = " ".join(line for line in lines if line and not _FURNITURE.match(line[:500]))
    return _HEADING.sub("", shown, count=1) if _HEADING.match(shown) else shown


# --- authors -------------------------------------------------------------------------------
def _authors(fields: dict[str, list[Element]]) -> Iterator[str]:
    """Yield the authors' names. Atom has an element for the name, Dublin Core a text, and RSS
    writes "address (name)". Some publishers write them into the description."""
    elements = [*fields.get("author", []), *fields.get("creator", [])]
    texts = [
        markup.marked_up(markup.fields(element).get("name")) or markup.marked_up([element])
        for element in elements
    ]
    yield from names_in(markup.plain(text) for text in texts)
    if not texts:
        lines = (line for text in _described(fields) for line in text.split("\n")[:20])
        found = next(filter(None, map(_AUTHORS_LINE.match, lines)), None)
        yield from names_in([found[1]] if found else [])
