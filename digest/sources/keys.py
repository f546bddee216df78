"""Which paper an id or a link names, and which links may be given to readers."""

import hashlib
import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

URL_LENGTH = 600
_KEY_LENGTH = 200

# The two forms, since April 2007 and before: https://info.arxiv.org/help/arxiv_identifier.html
_ARXIV_ID = r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?"
_ARXIV = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf|html)/|huggingface\.co/papers/|oai:arXiv\.org:|arXiv:"
    rf"|10\.48550/arXiv\.){_ARXIV_ID}",
    re.IGNORECASE,
)
_STRENGTH = {"sample": 0, "url": 1, "doi": 2, "arxiv": 3}
_DOI = re.compile(r"(?:\bdoi\.org/|\bdoi:\s*|^)(10\.\d{4,9}/[^\s?#\"<>]+)", re.IGNORECASE)


def arxiv_id(text: str) -> str:
    """Return the arXiv id without its version if `text` is one, otherwise ""."""
    match = re.fullmatch(_ARXIV_ID, text.strip())
    return match[1] if match else ""


def recognised(*texts: str) -> str:
    """Return the key that one of `texts` (links, ids) names, arXiv ids before DOIs; "" if none."""
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
    """Return `text` if it is a link that may be given to readers, otherwise "".

    The link must be http or https, with a host, without a password, and short enough to keep.
    A host in other scripts is returned in ASCII (xn--…), so that no look-alike passes for
    another host.
    """
    if not isinstance(text, str) or not (parts := _split(text.strip())):
        return ""
    link = urlunsplit(parts)
    return link if len(link) <= URL_LENGTH else ""


def url_key(link: str) -> str:
    """Return the key of a paper that has only a link.

    Different spellings of a link give the same key: scheme, "www.", fragment, a trailing slash
    and campaign parameters (utm_…) do not count.
    """
    parts = urlsplit(link)
    query = "&".join(part for part in sorted(parts.query.split("&")) if not part.startswith("utm_"))
    place = parts.netloc.removeprefix("www.") + parts.path.rstrip("/")
    key = f"url:{place}{'?' if query else ''}{query}"
    if len(key) <= _KEY_LENGTH:
        return key
    return f"url:{parts.netloc[:100]}#{hashlib.sha256(key.encode()).hexdigest()}"


def kind(key: str) -> str:
    """Return who issued the key: "arxiv", "doi", or one web site.

    Two different keys of one kind name two different papers.
    """
    scheme, _, rest = key.partition(":")
    return f"url:{re.split('[/?#]', rest)[0]}" if scheme == "url" else scheme


def strength(key: str) -> int:
    """Return how likely other sources are to use this key too. A paper keeps its strongest key."""
    return _STRENGTH.get(key.partition(":")[0], 0)


def _split(text: str) -> SplitResult | None:
    if re.search(r"[\s\x00-\x1f\x7f\\<>\"]", text):
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
        host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:  # no such port, a broken IPv6 address, or (UnicodeError) an impossible name
        return None
    is_plain = re.fullmatch(r"[a-z0-9.-]*[a-z0-9]\.?|[0-9a-f:.]+", host) is not None
    if parts.scheme not in {"http", "https"} or not is_plain or "@" in parts.netloc:
        return None
    host = f"[{host}]" if ":" in host else host
    return parts._replace(netloc=f"{host}:{port}" if port else host)
