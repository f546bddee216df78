"""Which paper an id or a link names, and which links may be given to readers."""

import hashlib
import re
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

URL_LENGTH = 600
_KEY_LENGTH = 200
_LONGEST_TEXT = 2000

# The two forms, since April 2007 and before: https://info.arxiv.org/help/arxiv_identifier.html
_ARXIV_ID = r"(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?"
_ARXIV = re.compile(
    r"(?:arxiv\.org/(?:abs|pdf|html)/|(?:alphaxiv|ar5iv|semanticscholar)\.org/"
    r"(?:abs|pdf|html|overview|arxiv)/|huggingface\.co/papers/|oai:arXiv\.org:|arXiv:\s?"
    rf"|10\.48550/arXiv\.){_ARXIV_ID}",
    re.IGNORECASE,
)
_STRENGTH = {"sample": 0, "id": 0, "at": 0, "url": 1, "doi": 2, "arxiv": 3}
_DOI = re.compile(r"(?:\bdoi\.org/|\bdoi:\s*|^|(/))(10\.\d{4,9}/[^\s?#\"<>]{1,300})", re.IGNORECASE)
# What publishers' addresses have behind a DOI.
_BEHIND_DOI = re.compile(
    r"(?:[/.](?:pdf\+html|article-metrics|full|abstract|short|pdf|epdf|html|meta|fulltext|full-text|article-info|reviews"
    r"|supplementary-material|metrics|references))+/?$",
    re.IGNORECASE,
)
# Versions of one preprint: 10.21203/rs.3.rs-1/v2, 10.1101/2026.01.01.700001v2, osf.io/abcde_v2
_VERSION = re.compile(r"(?:[/._-]v|(?<=\d)v)\d{1,2}/?$", re.IGNORECASE)
# These registrants number the versions without a letter: 10.12688/f1000research.12345.2
_NUMBERED = re.compile(
    r"^(10\.(?:(?:12688|7554|35241|3310|21955)/[a-z0-9]+\.\d+|32388/[a-z0-9]{6}"
    r"|1002/essoar\.\d+))\.\d{1,2}$",
    re.IGNORECASE,
)
# Registrants that give each version of a work a DOI of its own: Zenodo, figshare and SSRN.
_NEW_DOI_EACH_TIME = {"doi:10.5281", "doi:10.6084", "doi:10.2139"}
# Addresses that hold the number of which the DOI is made.
_DOIS_OF_ADDRESSES = (
    (re.compile(r"//(?:www\.)?researchsquare\.com/article/(rs-\d{3,12})"), "10.21203/rs.3."),
    (re.compile(r"//(?:www\.)?preprints\.org/manuscript/(\d{6}\.\d{3,6})"), "10.20944/preprints"),
    (
        re.compile(r"\b(?:bio|med)rxiv\.org/\S{0,200}?\b(\d{4}\.\d\d\.\d\d\.\d{6,8})"),
        "10.1101/",
    ),
    (
        re.compile(
            r"//(?:www\.)?acl(?:anthology\.org|web\.org/anthology)/"
            r"(20\d\d\.[a-z0-9]+-[a-z0-9]+\.\d+|[A-Z]\d\d-\d{4})"
        ),
        "10.18653/v1/",
    ),
    (re.compile(r"\bssrn\.com/\S{0,200}?\babstract(?:_?id)?=(\d{3,12})"), "10.2139/ssrn."),
    (re.compile(r"//(?:www\.)?zenodo\.org/records?/(\d{3,12})"), "10.5281/zenodo."),
    (
        re.compile(r"//(?:www\.)?nature\.com/articles/((?:[sd]|nature)?\d[A-Za-z0-9-]{3,40})"),
        "10.1038/",
    ),
)
# Addresses of one work that differ; each with the part that they have in common.
_WORKS = (
    (
        re.compile(r"//(?:api\d?\.)?openreview\.net/\w+\?(?:\S*&)?id=([\w-]{5,40})"),
        "openreview.net/",
    ),
    (re.compile(r"semanticscholar\.org/(?:\S*/)?([0-9a-f]{40})\b"), "semanticscholar.org/"),
    (re.compile(r"\bncbi\.nlm\.nih\.gov/(?:pubmed/)?(\d{4,9})(?!\w)"), "pubmed.ncbi.nlm.nih.gov/"),
    (re.compile(r"(?:eprint\.iacr\.org|//ia\.cr)/(\d{4}/\d{2,6})(?!\w)"), "eprint.iacr.org/"),
    (
        re.compile(r"//proceedings\.mlr\.press/(v\d+/[a-z]+\d\d[a-z]{0,2})\b"),
        "proceedings.mlr.press/",
    ),
)
# Pages of papers whose PDF is beside them.
_PDFS = (
    (
        re.compile(r"https://openreview\.net/forum\?id=([\w-]{5,40})", re.ASCII),
        "https://openreview.net/pdf?id={}",
    ),
    (
        re.compile(r"https://aclanthology\.org/([\w.-]{5,60}?)/?", re.ASCII),
        "https://aclanthology.org/{}.pdf",
    ),
)
_OSF = re.compile(
    r"\bosf\.io/(?:preprints/)?(?:[a-z]{3,30}/)?([a-z0-9]{5})(?:_v\d{1,2})?(?![\w-])", re.I
)
# Hosts whose addresses end with the version of a preprint.
_VERSIONED_HOSTS = re.compile(
    r"^(?:[\w-]+\.)*(?:\w*rxiv\.org|researchsquare\.com|preprints\.org|authorea\.com|f1000research\.com"
    r"|(?:\w+)?openresearch\.org|open-research-europe\.ec\.europa\.eu|qeios\.com|hal\.science"
    r"|\w+\.hal\.science|essopenarchive\.org|cambridge\.org|peerj\.com|elifesciences\.org)$"
)
# Parameters that say where a reader came from, not which paper it is.
_MARKS = re.compile(
    r"(?:utm_\w+|mtm_\w+|pk_\w+|hsa_\w+|mc_[ce]id|fbclid|gclid|dclid|msclkid|yclid|igshid|_hs\w+"
    r"|_ga|_gl|mkt_tok|wt\.mc_id|wt_mc|ncid|dgcid|rss|af|feed|ftrack|cmp|cmpid|campaign|via|ref"
    r"|ref_src|source|src|spm|xtor|sc_cid|trk|from|share|__twitter_impression|amp|rss_\w+|casa_token)",
    re.IGNORECASE,
)


def arxiv_id(text: str) -> str:
    """Return the arXiv id without its version if `text` is one, otherwise ""."""
    match = re.fullmatch(_ARXIV_ID, text.strip())
    return match[1] if match else ""


def recognised(*texts: str) -> str:
    """Return the key that one of `texts` (links, ids) names, arXiv ids before DOIs; "" if none."""
    return next(iter(names(*texts)), "")


def names(*texts: str) -> tuple[str, ...]:
    """Return all keys that `texts` (links, ids) name, arXiv ids before DOIs.

    The versions of a preprint have one key.
    """
    found = [f"arxiv:{match[1]}" for text in texts if (match := _ARXIV.search(text))]
    for text in texts:
        doi = _doi(text.strip()[:_LONGEST_TEXT])
        found.append(f"doi:{doi}" if doi and len(doi) < _KEY_LENGTH - 4 else "")
        osf = _OSF.search(text[:_LONGEST_TEXT])
        found.append(f"url:osf.io/{osf[1].lower()}" if osf else "")
    return tuple(dict.fromkeys(filter(None, found)))


def _doi(text: str) -> str:
    """Return the DOI in a text or an address, in lower case, without a version; "" if none."""
    for place, start in _DOIS_OF_ADDRESSES:
        if match := place.search(text):
            return f"{start}{match[1]}".lower()
    match = _DOI.search(unquote(text) if "%2" in text else text)
    if match is None:
        return ""
    doi = match[2].rstrip(".,;)").lower()
    if doi.startswith("10.48550/arxiv."):
        return ""
    doi = _BEHIND_DOI.sub("", doi) if match[1] else doi
    bare = _VERSION.sub("", doi)
    return _NUMBERED.sub(r"\1", bare if "/" in bare else doi)


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


def pdf_link(key: str, link: str) -> str:
    """Return where the PDF is of the paper with this key and address, "" if that is not known."""
    if key.startswith("arxiv:"):
        return f"https://arxiv.org/pdf/{key.removeprefix('arxiv:')}"
    for place, pdf in _PDFS:
        if match := place.fullmatch(link):
            return pdf.format(match[1])
    return ""


def discussion_link(key: str) -> str:
    """Return the page on Hugging Face of a paper that is listed there, "" if it can have none."""
    number = key.removeprefix("arxiv:") if key.startswith("arxiv:") else ""
    # Only ids since 2007 have a page there.
    return f"https://huggingface.co/papers/{number}" if number[:4].isdigit() else ""


def url_key(link: str) -> str:
    """Return the key of a paper that has only a link.

    Different spellings of a link give the same key: scheme, "www.", fragment, a trailing slash,
    parameters that say where a reader came from (utm_…), and the version of a preprint on a
    server that we know do not count. Nor does which of the pages of one work it is.
    """
    for place, work in _WORKS:
        if found := place.search(link):
            return f"url:{work}{found[1]}"
    parts = urlsplit(link)
    asked = (part for part in sorted(parts.query.split("&")) if not _is_mark(part))
    host = parts.netloc.removeprefix("www.")
    path = parts.path.rstrip("/")
    if _VERSIONED_HOSTS.match(host):
        path = _VERSION.sub("", path)
    return _short(f"url:{host}", f"{path}{'?' if (query := '&'.join(asked)) else ''}{query}")


def link_key(link: str) -> str:
    """Return what links of one paper have in common at least: neither parameters nor a version.

    Such a key, and a `guid_key`, shows that two papers are one only if their titles agree.
    """
    parts = urlsplit(link)
    path = _VERSION.sub("", parts.path.rstrip("/"))
    return _short(f"at:{parts.netloc.removeprefix('www.')}", path) if path else ""


def guid_key(guid: str, link: str) -> str:
    """Return the key for the id that a feed gives to its entry; `link` is the entry's address.

    An id that is no URI ("77") means something only at its own site.
    """
    guid = " ".join(guid.split())
    is_uri = re.match(r"(?:https?|tag|urn|oai|doi|info|uuid):", guid, re.IGNORECASE) is not None
    host = urlsplit(link).netloc.removeprefix("www.")
    return _short("id:" if is_uri else f"id:{host}#", guid)


def is_proof(key: str) -> bool:
    """Whether two papers that share this key are one, whatever their titles are."""
    return key.startswith(("arxiv:", "doi:"))


def is_of_feed(key: str) -> bool:
    """Whether the key is the id that a feed gives to its entry (`guid_key`)."""
    return key.startswith("id:")


def _is_mark(parameter: str) -> bool:
    return not parameter or _MARKS.fullmatch(parameter.partition("=")[0]) is not None


def _short(start: str, rest: str) -> str:
    key = start + rest
    if len(key) <= _KEY_LENGTH:
        return key
    return f"{start[:100]}#{hashlib.sha256(key.encode()).hexdigest()}"


def kind(key: str) -> str:
    """Return who issued the key: "arxiv", a publisher ("doi:10.1000"), or one web site.

    Two different keys of one kind name two different papers.
    """
    scheme, _, rest = key.partition(":")
    if scheme in {"url", "doi"}:
        return f"{scheme}:{re.split('[/?#]', rest)[0]}"
    return scheme


def may_be_versions(key: str, other: str) -> bool:
    """Whether two keys can name one paper, if their titles and authors agree."""
    return kind(key) != kind(other) or kind(key) in _NEW_DOI_EACH_TIME


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
