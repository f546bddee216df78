"""HTML, and the JATS of publishers, to the text that a browser would show. Pure."""

import re
from html import unescape

from .mathml import Formula

# Characters; no abstract is this long.
_MOST_HTML = 50_000
# A comment, a declaration, or a tag with its slash, its prefix and its name. Every part is
# bounded, so that the time grows only in proportion to the text.
_TAG = re.compile(
    r"<!--.{0,2000}?-->|<[!?][^<>]{0,2000}>"
    r"|<(/?)([a-z][a-z0-9]{0,9}:)?([a-z][a-z0-9-]{0,19})(?=[\s/>])[^<>]{0,2000}?(/?)>",
    re.IGNORECASE | re.DOTALL,
)
_MATH = re.compile(r"<(?:[a-z]{1,9}:)?math[\s>]", re.IGNORECASE)
_PREAMBLE = re.compile(r"\\documentclass.{0,3000}?\\begin\{document\}|\\end\{document\}", re.DOTALL)


# What is left if a publisher has escaped a text once too often.
_ESCAPED_TWICE = re.compile(
    r"</(?:jats:)?(?:i|b|em|strong|italic|bold|sub|sup|p|span|div)>|&(?:[a-z]{2,8}|#\d{2,5});",
    re.IGNORECASE,
)


def plain(html: str) -> str:
    """Return the text that a browser would show for a piece of HTML, with a line for each block.

    Where tags or entities would still be seen, they were escaped twice, and are read again.
    """
    text = _shown(html)
    return _shown(text) if _ESCAPED_TWICE.search(text) else text


def _shown(html: str) -> str:
    """Return what `html` shows.

    Only known tags count as tags, because an abstract may say "x<y and y>z". Python's
    HTMLParser is not an option: a few thousand open brackets keep it busy for seconds.
    """
    html = _PREAMBLE.sub("", html[:_MOST_HTML])
    # JATS gives a formula twice, in MathML and in LaTeX.
    silencing = _SILENT | ({"tex-math"} if _MATH.search(html) else set())
    parts: list[str] = []
    silent = 0
    end = 0
    formula: Formula | None = None
    raised = -1
    for match in _TAG.finditer(html):
        is_end, prefix = match[1] == "/", (match[2] or "").lower()
        tag = (match[3] or "").lower()
        if tag and tag not in _KNOWN and prefix not in _PREFIXES and formula is None:
            continue
        text = html[end : match.start()]
        end = match.end()
        if formula is not None:
            formula.put(text)
            formula.tag(tag, is_end=is_end, is_empty=match[4] == "/")
            if tag == "math" and is_end:
                parts.append(formula.shown)
                formula = None
            continue
        if not silent:
            parts.append(text)
        if tag == "math" and not is_end:
            formula = None if silent else Formula()
        elif tag in silencing:
            silent = max(0, silent + (-1 if is_end else 1))
        elif tag == "sup" and not silent:
            raised = _raised(parts, raised) if is_end else len(parts)
        elif not silent:
            parts.append("" if tag in _INLINE else "\n")
    if not silent:
        parts.append(html[end:] if formula is None else formula.shown + html[end:])
    return unescape("".join(parts))


def _raised(parts: list[str], start: int) -> int:
    """Turn the number in the parts from `start` on into an exponent: 10<sup>-5</sup>."""
    text = unescape("".join(parts[start:])).strip() if start >= 0 else ""
    if re.fullmatch(r"[+\-−]?\d{1,4}", text):
        parts[start:] = [text.translate(_RAISED)]
    return -1


_RAISED = str.maketrans("0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻")
_PREFIXES = {"jats:", "mml:", "m:", "xhtml:", "html:", "h:", "math:"}
_SILENT = {"script", "style", "template", "head", "noscript", "svg"}
_INLINE_TAGS = """
a abbr acronym b bdi bdo big cite code del dfn em font i ins kbd mark q s samp small span
strike strong sub sup tt u var wbr
alternatives bold ext-link inline-formula inline-graphic italic monospace named-content roman
sans-serif sc scp styled-content tex-math underline xref
"""
_OTHER_TAGS = """
address area article aside audio base blockquote body br button canvas caption center col
colgroup dd details dialog div dl dt embed fieldset figcaption figure footer form frame h1 h2
h3 h4 h5 h6 header hr html iframe img input label legend li link main map math meta nav object
ol optgroup option p param picture pre section select source summary svg table tbody td
textarea tfoot th thead time title tr track ul video
disp-formula graphic list-item sec
"""
_INLINE = frozenset(_INLINE_TAGS.split())
_KNOWN = _INLINE.union(_SILENT, _OTHER_TAGS.split())
