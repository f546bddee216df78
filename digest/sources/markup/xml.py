"""XML to elements, within limits, and what can be saved of a feed that is not well-formed."""

from collections.abc import Iterator
from html import escape
from urllib.parse import urljoin
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from digest.sources.base import SourceError

from . import repair
from .charsets import decoded

ATOM = "http://www.w3.org/2005/Atom"
ARXIV = "http://arxiv.org/schemas/atom"
# The namespaces we read. Others use the same names for different things (media:title).
_NAMESPACES = {
    "",
    ATOM,
    ARXIV,
    "http://purl.org/atom/ns#",  # Atom 0.3
    "http://purl.org/rss/1.0/",
    "http://my.netscape.com/rdf/simple/0.9/",
    "http://backend.userland.com/rss2",
    "http://purl.org/rss/1.0/modules/content/",
    "http://purl.org/dc/elements/1.1/",
    "http://purl.org/dc/terms/",
    "http://prismstandard.org/namespaces/basic/2.0/",
    "http://prismstandard.org/namespaces/basic/2.1/",
    "http://prismstandard.org/namespaces/1.2/basic/",
    "http://purl.org/rss/1.0/modules/prism/",
}
# An element takes a hundred bytes. A page of 2,000 papers from arXiv has 50,000 of them.
_MOST_ELEMENTS = 300_000
_MOST_ATTRIBUTES = 300_000
_DEEPEST = 200
_BASE = "{http://www.w3.org/XML/1998/namespace}base"


def read_xml(name: str, body: bytes, content_type: str = "") -> Element:
    """Return the root of an XML document. `name` is what the error messages call its sender.

    Raises SourceError if it is not XML, or has a document type: entities that expand or read
    files need one, and today's feeds have none.
    """
    return _parsed(name, decoded(body, content_type))


def read_broken_xml(name: str, body: bytes, content_type: str = "") -> tuple[Element, list[str]]:
    """Return the root of a feed that need not be well-formed, and a sentence for each lost entry.

    A feed that is not well-formed is mended as far as its meaning is clear. If that is not
    enough, its entries are read one by one. Raises SourceError if none can be read.
    """
    text = decoded(body, content_type)
    if repair.is_html(text):
        raise SourceError(
            f"{name} answered with a web page (HTML) instead of a feed.{repair.advice(text)}"
        )
    try:
        return _parsed(name, text), []
    except NotWellFormed as error:
        if not repair.is_worth_it(text):
            raise
        mended = repair.mended(text)
        try:
            return _parsed(name, mended), []
        except NotWellFormed:
            return _saved(name, mended, error)


class NotWellFormed(SourceError):
    """The text is not well-formed XML, but what a broken feed says might be read all the same."""


def _parsed(name: str, text: str) -> Element:
    if text.count("=") > _MOST_ATTRIBUTES:
        raise _too_much(name)
    parser = DefusedXMLParser(target=_Bounded(), forbid_dtd=True)
    try:
        parser.feed(text)
        root = parser.close()
    except DefusedXmlException as error:
        raise SourceError(
            f"{name} answered with XML that defines a document type or entities. For safety it "
            "is not read; its publisher has to leave them out."
        ) from error
    except _TooMuch as error:
        raise _too_much(name) from error
    except (ParseError, ValueError, RecursionError) as error:
        raise NotWellFormed(
            f"{name} answered with something that is not well-formed XML ({error}). If this "
            "persists, look at the address with a browser: it may no longer be a feed."
        ) from error
    assert isinstance(root, Element)
    return root


def _too_much(name: str) -> SourceError:
    return SourceError(
        f"{name} answered with more markup than any list of papers needs, so it is not read. "
        "Look at the address with a browser."
    )


class _TooMuch(Exception):
    pass


class _Bounded(TreeBuilder):
    """Builds a tree that has a limited number of elements and a limited depth."""

    def __init__(self) -> None:
        super().__init__()
        self._elements = 0
        self._depth = 0

    def start(self, tag: str, attrs: dict[str, str], /) -> Element:
        self._elements += 1
        self._depth += 1
        if self._elements > _MOST_ELEMENTS or self._depth > _DEEPEST:
            raise _TooMuch
        return super().start(tag, attrs)

    def end(self, tag: str, /) -> Element:
        self._depth -= 1
        return super().end(tag)


def _saved(name: str, text: str, error: NotWellFormed) -> tuple[Element, list[str]]:
    """Return a root with the entries that can be read on their own."""
    root: Element | None = None
    problems: list[str] = []
    for number, document in enumerate(repair.entries(text)):
        try:
            found = _parsed(name, document)
        except NotWellFormed:
            if number:  # the first is what comes before the entries: the feed's own title
                problems.append(f"{name}: entry {number} was left out: it is not well-formed XML.")
            continue
        if root is None:
            root = found
        elif number:
            root.extend(descendants(found, "item", "entry"))
    if root is None or next(descendants(root, "item", "entry"), None) is None:
        raise error
    return root, problems


# --- elements ------------------------------------------------------------------------------
def fields(entry: Element) -> dict[str, list[Element]]:
    """Return an entry's direct children by name, in the namespaces that we read."""
    children: dict[str, list[Element]] = {}
    for child in entry:
        namespace, name = _named(child)
        if namespace in _NAMESPACES:
            children.setdefault(name, []).append(child)
    return children


def descendants(root: Element, *names: str) -> Iterator[Element]:
    """Yield `root` and all elements below it that have one of `names`, in our namespaces."""
    for element in root.iter():
        namespace, name = _named(element)
        if name in names and namespace in _NAMESPACES:
            yield element


def local_name(element: Element) -> str:
    """Return the element's name without its namespace."""
    return _named(element)[1]


def content(elements: list[Element] | None) -> str:
    """Return all text of the first element, nested elements included; "" without elements."""
    return "".join(elements[0].itertext()).strip() if elements else ""


def marked_up(elements: list[Element] | None) -> str:
    """Return what the first element holds as HTML; "" without elements.

    Feeds write HTML either escaped, as text, or as elements of its own (XHTML, MathML, JATS).
    """
    if not elements:
        return ""
    element = elements[0]
    return "".join(_pieces(element)).strip() if len(element) else (element.text or "").strip()


def _pieces(element: Element) -> Iterator[str]:
    yield escape(element.text or "", quote=False)
    for child in element:
        name = local_name(child)
        yield f"<{name}>"
        yield from _pieces(child)
        yield f"</{name}>{escape(child.tail or '', quote=False)}"


def resolved(link: str, base: str, *elements: Element) -> str:
    """Return `link` as a whole address, if `base` and the xml:base of `elements` (outermost
    first) say where it is relative to."""
    try:
        for element in elements:
            base = urljoin(base, element.get(_BASE, ""))
        return urljoin(base, link.strip()) if base else link
    except ValueError:  # a broken address
        return link


def _named(element: Element) -> tuple[str, str]:
    namespace, _, name = str(element.tag).rpartition("}")
    return namespace.lstrip("{"), name
