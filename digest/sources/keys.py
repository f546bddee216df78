"""Which paper is it? Identity from ids and links, and which links may be followed."""

import hashlib
import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

URL_LENGTH = 600
_KEY_LENGTH = 200

# The id of before and after April 2007: https://info.arxiv.org/help/arxiv_identifier.html
_ARXIV_ID = r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?"
_ARXIV = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf|html)/|huggingface\.co/papers/|oai:arXiv\.org:|arXiv:"
    rf"|10\.48550/arXiv\.){_ARXIV_ID}",
    re.IGNORECASE,
)
_DOI = re.compile(r"(?:\bdoi\.org/|\bdoi:\s*|^)(10\.\d{4,9}/[^\s?#\"<>]+)", re.IGNORECASE)


def arxiv_id(text: str) -> str:
    """The arXiv id, without its version, if `text` is one; else ""."""
    match = re.fullmatch(_ARXIV_ID, text.strip())
    return match[1] if match else ""


def recognised(*texts: str) -> str:
    """The key that one of `texts` (links, ids) names, arXiv's before a DOI; else ""."""
    for text in texts:
        if match := _ARXIV.search(text):
            return f"arxiv:{match[1]}"
    for text in texts:
        if match := _DOI.search(text.strip()):
            key = f"doi:{match[1].rstrip('.,;)').lower()}"
            if len(key) <= _KEY_LENGTH:
                return key
    return ""


def web_link(text: object) -> str:
    """`text` if it is a link that a reader may be given; else "".

    That is http or https, with a host and without a password, and not too long to keep. A
    host of other letters is written in ASCII, so that no look-alike passes for another.
    """
    if not isinstance(text, str) or not (parts := _split(text.strip())):
        return ""
    link = urlunsplit(parts)
    return link if len(link) <= URL_LENGTH else ""


def url_key(link: str) -> str:
    """The key of a paper that only its link names.

    Two spellings of one link have one key: neither the scheme, "www.", the fragment, a last
    slash nor the marks of a campaign tell papers apart.
    """
    parts = urlsplit(link)
    query = "&".join(part for part in sorted(parts.query.split("&")) if not part.startswith("utm_"))
    place = parts.netloc.removeprefix("www.") + parts.path.rstrip("/")
    key = f"url:{place}{'?' if query else ''}{query}"
    if len(key) <= _KEY_LENGTH:
        return key
    return f"url:{parts.netloc[:100]}#{hashlib.sha256(key.encode()).hexdigest()}"


def kind(key: str) -> str:
    """Who gave the id: "arxiv", "doi", or one web site. Ids of one kind differ because the
    papers do."""
    scheme, _, rest = key.partition(":")
    return f"url:{re.split('[/?#]', rest)[0]}" if scheme == "url" else scheme


def _split(text: str) -> SplitResult | None:
    if re.search(r"[\s\x00-\x1f\x7f\\<>\"]", text):
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:  # no such port, a broken IPv6 address, or (UnicodeError) no such name
        return None
    is_plain = re.fullmatch(r"[a-z0-9.-]*[a-z0-9]\.?|[0-9a-f:.]+", host) is not None
    if parts.scheme not in {"http", "https"} or not is_plain or "@" in parts.netloc:
        return None
    host = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=f"{host}:{port}" if port else host)
