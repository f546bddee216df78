"""Reading other people's XML and HTML without running anything in it."""

import codecs
import re
from collections.abc import Iterator
from html import unescape
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from .base import SourceError

ATOM = "http://www.w3.org/2005/Atom"
ARXIV = "http://arxiv.org/schemas/atom"
# The namespaces we read. Others use the same names for different things (media:title).
_NAMESPACES = {
    "",
    ATOM,
    ARXIV,
    "http://purl.org/rss/1.0/",
    "http://purl.org/rss/1.0/modules/content/",
    "http://purl.org/dc/elements/1.1/",
    "http://purl.org/dc/terms/",
    "http://prismstandard.org/namespaces/basic/2.0/",
    "http://prismstandard.org/namespaces/1.2/basic/",
}
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_DECLARED = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9._-]{1,40})", re.IGNORECASE)
# Charset names, and what the bytes really are where these are used, as browsers assume.
_MEANT = {"iso8859-1": "cp1252", "ascii": "cp1252"}
# Codecs of Python that are not charsets; some are slow on crafted input.
_NO_CHARSETS = {"punycode", "idna", "unicode_escape", "raw_unicode_escape", "utf-7"}
# XML 1.0 forbids these characters; a single one would cost us the whole feed.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
# Characters; no abstract is this long.
_MOST_HTML = 50_000
# A comment, a declaration, or a tag with its slash and its name. Every part is bounded, so that
# the time grows only in proportion to the text.
_TAG = re.compile(
    r"<!--.{0,2000}?-->|<[!?][^<>]{0,2000}>|<(/?)([a-z][a-z0-9]{0,15})(?=[\s/>])[^<>]{0,2000}>",
    re.IGNORECASE | re.DOTALL,
)


def read_xml(name: str, body: bytes, content_type: str = "") -> Element:
    """Return the root of an XML document. `name` is what the error messages call its sender.

    Raises SourceError if it is not XML, or has a document type: entities that expand or read
    files need one, and today's feeds have none.
    """
    try:
        root = fromstring(decoded(body, content_type), forbid_dtd=True)
    except DefusedXmlException as error:
        raise SourceError(
            f"{name} answered with XML that defines a document type or entities. For safety it "
            "is not read; its publisher has to leave them out."
        ) from error
    except (ParseError, ValueError, RecursionError) as error:
        raise SourceError(
            f"{name} answered with something that is not well-formed XML ({error}). If this "
            "persists, look at the address with a browser: it may no longer be a feed."
        ) from error
    assert isinstance(root, Element)
    return root


def decoded(body: bytes, content_type: str = "") -> str:
    """Return the text of a document whose charset may be declared wrongly or twice.

    Tried in this order: a byte order mark; UTF-8, because other text is hardly ever valid UTF-8
    by chance; the document's own declaration; the HTTP header, which servers often send without
    looking at the document; and finally Windows' cp1252.
    """
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if body.startswith(mark):
            return _FORBIDDEN.sub("", body.decode(encoding, errors="replace"))
    declared = _DECLARED.search(body[:400])
    header = _CHARSET.search(content_type)
    names = ["utf-8", declared[1].decode() if declared else "", header[1] if header else ""]
    for name in filter(None, names):
        try:
            charset = codecs.lookup(name).name
            if charset not in _NO_CHARSETS:
                return _FORBIDDEN.sub("", body.decode(_MEANT.get(charset, charset)))
        except (LookupError, UnicodeError):
            continue
    return _FORBIDDEN.sub("", body.decode("cp1252", errors="replace"))


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


def plain(html: str) -> str:
    """Return the text that a browser would show for a piece of HTML.

    Only the tags of HTML count as tags, because an abstract may say "x<y and y>z". Python's
    HTMLParser is not an option: a few thousand open brackets keep it busy for seconds.
    """
    html = html[:_MOST_HTML]
    parts: list[str] = []
    silent = 0
    end = 0
    for match in _TAG.finditer(html):
        is_end, tag = match[1] == "/", (match[2] or "").lower()
        if tag and tag not in _KNOWN:
            continue
        if not silent:
            parts.append(html[end : match.start()])
            parts.append("" if tag in _INLINE else " ")
        if tag in _SILENT:
            silent = max(0, silent + (-1 if is_end else 1))
        end = match.end()
    if not silent:
        parts.append(html[end:])
    return unescape("".join(parts))


def _named(element: Element) -> tuple[str, str]:
    namespace, _, name = str(element.tag).rpartition("}")
    return namespace.lstrip("{"), name


_SILENT = {"script", "style", "template", "head", "title", "noscript"}
_INLINE_TAGS = """
a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd mark q s samp small span
strike strong sub sup tt u var wbr
"""
_OTHER_TAGS = """
address area article aside audio base blockquote body br button canvas caption center col
colgroup dd details dialog div dl dt embed fieldset figcaption figure footer form frame h1 h2
h3 h4 h5 h6 header hr html iframe img input label legend li link main map math meta nav object
ol optgroup option p param picture pre section select source summary svg table tbody td
textarea tfoot th thead time tr track ul video
"""
_INLINE = frozenset(_INLINE_TAGS.split())
_KNOWN = _INLINE.union(_SILENT, _OTHER_TAGS.split())
