"""Feeds that are not well-formed: mending what is clear, and cutting out what is not. Pure.

Everything here takes time in proportion to the text.
"""

import re
from collections.abc import Iterator
from html import unescape
from html.entities import html5

_XML_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}
_AMPERSAND = re.compile(
    r"&(?:#(?:(\d{1,7})|[xX]([0-9a-fA-F]{1,6}));|([A-Za-z][A-Za-z0-9]{1,31});)?"
)
# A "<" that starts neither a tag nor anything else.
_STRAY = re.compile(r"<(?![A-Za-z_/!?])")
_PROLOGUE = re.compile(r"<\?xml\b[^<>]{0,300}\?>")
_ROOT = re.compile(r"<((?:[A-Za-z][\w.-]{0,30}:)?(?:rss|RDF|feed))(?=[\s>])[^<>]{0,10000}>")
_PREFIX = re.compile(
    r"</?([A-Za-z_][\w.-]{0,30}):[A-Za-z_]|\s([A-Za-z_][\w.-]{0,30}):[\w.-]{1,40}=[\"']"
)
_DECLARED = re.compile(r"\bxmlns:([A-Za-z_][\w.-]{0,30})\s{0,9}=")
_ENTRY_START = re.compile(r"<((?:[A-Za-z][\w.-]{0,30}:)?(?:item|entry))(?=[\s>])")
_CHANNEL = re.compile(r"<((?:[A-Za-z][\w.-]{0,30}:)?channel)(?=[\s>])[^<>]{0,1000}>")
_USUAL_PREFIXES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "atom": "http://www.w3.org/2005/Atom",
}
_MOST_PREFIXES = 50
_MOST_ENTRIES = 10_000
# No broken feed of a journal comes near this; repairing takes longer than reading.
_LONGEST = 5_000_000
_MOST_MARKS = 300_000
_HTML = re.compile(
    r"\s{0,1000}(?:<\?xml\b[^<>]{0,300}\?>|<!--.{0,2000}?-->|\s){0,20}"
    r"<(?:!doctype\s+html|html|head|body|title|meta|script|div)\b",
    re.IGNORECASE | re.DOTALL,
)
_FEED_LINK = re.compile(r"<link\b[^<>]{0,1000}application/(?:rss|atom)\+xml[^<>]{0,1000}>", re.I)
_HREF = re.compile(r"\bhref\s{0,9}=\s{0,9}[\"']?([^\s\"'<>]{1,500})", re.IGNORECASE)


def is_html(text: str) -> bool:
    """Whether the text is a web page rather than a feed."""
    return _HTML.match(text[:50_000]) is not None


def advice(page: str) -> str:
    """Return what the operator can do about a web page that should have been a feed."""
    link = _FEED_LINK.search(page[:500_000])
    href = _HREF.search(link[0]) if link else None
    if href:
        return f" The page names a feed: {unescape(href[1])}. Perhaps that is the address to set."
    return " Look at the address with a browser: it may be a page that links to the feed."


def is_worth_it(text: str) -> bool:
    """Whether the text is short enough to be repaired in a few seconds."""
    return len(text) <= _LONGEST and text.count("&") + text.count("<") <= _MOST_MARKS


def mended(text: str) -> str:
    """Return the text with everything mended that says clearly what it means.

    These are HTML's names for characters (&nbsp;), bare "&" and "<", characters that XML
    forbids, prefixes without a declaration, and what stands before or after the feed.
    """
    root = _ROOT.search(text)
    if root is None:
        return text
    end = text.rfind(f"</{root[1]}")
    text = text[root.start() : end + len(root[1]) + 2] + ">" if end > 0 else text[root.start() :]
    text = _STRAY.sub("&lt;", _AMPERSAND.sub(_entity, text))
    return _declared(text)


def entries(text: str) -> Iterator[str]:
    """Yield the feed as small documents: first its start, without entries, then one an entry."""
    root = _ROOT.search(text)
    starts = list(_ENTRY_START.finditer(text))[:_MOST_ENTRIES]
    if root is None or not starts:
        return
    head = text[root.start() : starts[0].start()]
    channel = _CHANNEL.search(head)
    is_open = channel and f"</{channel[1]}" not in head
    yield f"{head}{f'</{channel[1]}>' if channel and is_open else ''}</{root[1]}>"
    limits = [*(start.start() for start in starts[1:]), len(text)]
    for start, limit in zip(starts, limits, strict=True):
        end = text.rfind(f"</{start[1]}", start.start(), limit)
        yield f"{root[0]}{text[start.start() : end] if end > 0 else '<'}</{start[1]}></{root[1]}>"


def _entity(match: re.Match[str]) -> str:
    decimal, hexadecimal, name = match.groups()
    if decimal or hexadecimal:
        number = int(decimal) if decimal else int(hexadecimal, 16)
        return match[0] if _is_allowed(number) else ""
    if name in _XML_ENTITIES:
        return match[0]
    if name and f"{name};" in html5:
        return html5[f"{name};"].replace("&", "&amp;").replace("<", "&lt;")
    return f"&amp;{match[0][1:]}"


def _is_allowed(number: int) -> bool:
    """Whether XML 1.0 allows the character of this number."""
    return (
        number in {9, 10, 13}
        or 0x20 <= number <= 0xD7FF
        or 0xE000 <= number <= 0xFFFD
        or 0x10000 <= number <= 0x10FFFF
    )


def _declared(text: str) -> str:
    """Declare the prefixes that the feed uses without saying what they mean."""
    used = {tag or attribute for tag, attribute in _PREFIX.findall(text)}
    missing = sorted(used - set(_DECLARED.findall(text)) - {"xml", "xmlns"})[:_MOST_PREFIXES]
    said = "".join(f' xmlns:{one}="{_USUAL_PREFIXES.get(one, "urn:x-" + one)}"' for one in missing)
    name = re.match(r"<[\w.:-]+", text)
    return f"{name[0]}{said}{text[name.end() :]}" if name and said else text
