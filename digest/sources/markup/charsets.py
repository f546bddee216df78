"""The text of a document whose charset may be declared wrongly or twice. Pure."""

import codecs
import re

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


def decoded(body: bytes, content_type: str = "") -> str:
    """Return the text of a document whose charset may be declared wrongly or twice.

    Tried in this order: a byte order mark; UTF-8, because other text is hardly ever valid UTF-8
    by chance; the document's own declaration; the HTTP header, which servers often send without
    looking at the document; and finally Windows' cp1252.
    """
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if body.startswith(mark):
            return _FORBIDDEN.sub("", body.decode(encoding, errors="replace"))
    if text := _nearly_utf_8(body):
        return _FORBIDDEN.sub("", text)
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


def _nearly_utf_8(body: bytes) -> str:
    """Return the text if it is UTF-8 but for a few bytes, which are read as cp1252; else ""."""
    text = body.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    good = len(body) - len(text) if bad else 0  # bytes that only continue a character
    if not bad or good < 4 * bad:
        return ""
    return body.decode("utf-8", errors="cp1252_for_bad_bytes")


def _as_cp1252(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    bad = error.object[error.start : error.end]
    return bad.decode("cp1252", errors="replace"), error.end


codecs.register_error("cp1252_for_bad_bytes", _as_cp1252)
