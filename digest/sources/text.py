"""Foreign text made safe to keep: no control characters, no floods, of bounded length.

What is *said* stays as it is, "<" and LaTeX and template braces too: showing it literally is
the business of rendering.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

TITLE_LENGTH = 400
ABSTRACT_LENGTH = 5000
NAME_LENGTH = 200
CATEGORY_LENGTH = 40
KEYWORD_LENGTH = 120

# More authors than any paper has; a list without end would be an attack.
MOST_AUTHORS = 4000
MOST_LABELS = 50
# Vietnamese needs two marks on one letter and pointed Hebrew three; a flood has dozens.
_MOST_MARKS = 4
# They shape Persian, Indic scripts and emoji, so one between two characters is right.
_JOINERS = "\u200c\u200d"
_WITHDRAWN_TITLE = re.compile(
    r"\W*(retracted|withdrawn)(\s+(article|paper))?\W*(:|\]|$)", re.IGNORECASE
)
_WITHDRAWN = re.compile(
    r"\W*this (paper|article|submission|work) (has been|was|is) (withdrawn|retracted)\b",
    re.IGNORECASE,
)
# Nobody reads further, and whoever sends more has no good intention.
_MOST_RAW = 8


def clean(text: object, length: int) -> str:
    """`text` on one line, normalised (NFC), `length` characters at most.

    Anything that is not text becomes "". Control characters, lone surrogates, invisible
    characters and the bidirectional overrides are dropped, and combining marks past a few.
    """
    if not isinstance(text, str):
        return ""
    line = " ".join(text[: _MOST_RAW * length].split())
    if not (line.isascii() and line.isprintable()):
        visible = unicodedata.normalize("NFC", "".join(_visible(line)))
        line = " ".join(visible.split())
    return cut(line, length)


def cut(line: str, length: int) -> str:
    """`line`, ended by "…" between two words if it is longer than `length`.

    A word without end is cut inside, but never between a letter and its marks.
    """
    if len(line) <= length:
        return line
    end = length - 1
    space = line.rfind(" ", 0, end + 1)
    if space > end // 2:
        end = space
    while end and _belongs_to_previous(line, end):
        end -= 1
    return line[:end].rstrip() + "…"


def clean_each(texts: Iterable[object], length: int, most: int = MOST_LABELS) -> tuple[str, ...]:
    """Each text clean, without the empty and the repeated ones, `most` of them at most."""
    cleaned = dict.fromkeys(clean(text, length) for text in texts)
    return tuple(text for text in cleaned if text)[:most]


def read_time(text: object) -> datetime | None:
    """The moment that an ISO 8601 or an RFC 822 date names; None if it names none.

    A date without a zone is taken as UTC. One in the future (more than a day, for clocks
    differ) says nothing and is None as well.
    """
    moment = _read_time(text.strip()) if isinstance(text, str) else None
    if moment is None:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return None
    return moment if moment <= datetime.now(UTC) + timedelta(days=1) else None


def _read_time(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def title_key(title: str) -> str:
    """The title without case, accents, spaces and punctuation, to find it again."""
    letters = unicodedata.normalize("NFKD", title.casefold())
    return re.sub(r"[\W_]+", "", letters)[:TITLE_LENGTH]


def is_withdrawn(title: str, abstract: str, comment: str = "") -> bool:
    """Whether its authors or its publisher say that the paper no longer stands."""
    return bool(
        _WITHDRAWN_TITLE.match(title) or _WITHDRAWN.match(abstract) or _WITHDRAWN.search(comment)
    )


def _visible(line: str) -> Iterator[str]:
    marks = 0
    previous = " "
    for char in line:
        category = unicodedata.category(char)
        if char in _JOINERS:
            if previous in _JOINERS or previous == " ":
                continue
        elif category in {"Cc", "Cf", "Cs"}:
            continue
        marks = marks + 1 if category.startswith("M") else 0
        if marks <= _MOST_MARKS:
            yield char
            previous = char


def _belongs_to_previous(line: str, at: int) -> bool:
    return (
        unicodedata.category(line[at]).startswith("M")
        or line[at] in _JOINERS
        or line[at - 1] in _JOINERS
    )
