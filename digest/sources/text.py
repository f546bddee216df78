"""Foreign text made safe to keep and fit to show. Pure.

No control characters, no floods of marks, bounded length. Characters such as "<" and template
braces stay: rendering escapes them.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from .latex import plain, scripted

TITLE_LENGTH = 400
ABSTRACT_LENGTH = 5000
NAME_LENGTH = 200
CATEGORY_LENGTH = 40
KEYWORD_LENGTH = 120
MACHINE_LENGTH = 120
SUMMARY_LENGTH = 800

# No paper has this many authors; the limit stops an endless list.
MOST_AUTHORS = 4000
MOST_LABELS = 50
# Titles whose `title_key` is shorter than this ("Editorial", "A short survey") do not prove that
# two papers are one.
TELLING_TITLE = 20

# What is left of LaTeX where nothing marks it, or where a source has dropped the backslashes:
# each pattern, and what a reader without LaTeX should see.
_WHAT_IS_LEFT: tuple[tuple["re.Pattern[str]", str | Callable[["re.Match[str]"], str]], ...] = (
    # A comment sign before a sentence, from lines that were joined.
    (re.compile(r"(?:\A|(?<=[.!?:;]\s))%+\s*(?=\w)"), ""),
    (
        re.compile(
            r"\b(?:text(?:bf|it|tt|sc|sf|rm)|math(?:bf|rm|cal|bb|it|sf)|boldsymbol|emph)"
            r"\{([^{}]{0,80})\}"
        ),
        r"\1",
    ),
    (re.compile(r"\bboldsymbol(?=[^\x00-\x7f])"), ""),
    (re.compile(r"(?<=\d)times(?![a-z])"), "×"),
    (re.compile(r"\{\s?sim\s?\}|\bsim(?=\d)"), "∼"),
    (re.compile(r"leftrightarrow"), "↔"),
    (re.compile(r"rightarrow"), "→"),
    (re.compile(r"leftarrow"), "←"),
    # A formula of which only the dollar signs are left.
    (re.compile(r"\$\s?([^\x00-\x7f$][^$]{0,60}?)\s?\$"), r"\1"),
    (
        re.compile(r"(?<=[^\s{}])([_^])\{([^\s{}]{1,24}|[^{}]{1,12})\}"),
        lambda match: _script(match),
    ),
    # A space at which no line breaks, where "about" cannot be meant.
    (
        re.compile(
            r"(?<=[\d⁰¹²³⁴-⁹.,)])~(?=[A-Za-z])|(?<=[A-Za-z]{2})~(?=[A-Za-z]{2})"
            r"|(?<=[a-z]\.)~(?=\w)"
        ),
        " ",
    ),
    (re.compile(r"(?:(?<=\s)|(?<=\A)|(?<=[(\[]))(?:``|'')(?=[^\s'`])([^`]{1,200}?)''"), r"“\1”"),
    (re.compile(r"(?:(?<=\s)|(?<=\A)|(?<=[(\[]))`(?=\w)([^`']{1,200}?)'(?!\w)"), r"‘\1’"),
)
# Dashes, but not in addresses, nor where an option of a command begins.
_DASHES = re.compile(r"(?<![-\S/])\S*://\S+|\bxn--\S+|(?<!\S)--(?=[A-Za-z])|(?<!-)(---?)(?!-)")

# Vietnamese needs two marks on one letter and pointed Hebrew three; a flood has dozens.
_MOST_MARKS = 4
# Zero-width joiners shape Persian, Indic scripts and emoji, so one between two characters is
# legitimate.
_JOINERS = "\u200c\u200d"
_FLAG_LETTERS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
# How much of a foreign text is looked at, as a multiple of what is kept of it.
_MOST_RAW = 8
# LaTeX is longer than what it shows.
_MOST_LATEX = 2


def presentable(text: object, length: int) -> str:
    """Return `text` as readers should see it: LaTeX as plain characters, clean, on one line.

    The result has `length` characters at most. Anything that is not a string becomes "". Apply
    it once to a text: LaTeX may write characters that look like LaTeX again.
    """
    return clean(_retyped(plain(clean(text, _MOST_LATEX * length))), length)


def _retyped(text: str) -> str:
    """Return `text` with what is left of LaTeX as plain characters."""
    for pattern, shown in _WHAT_IS_LEFT:
        text = pattern.sub(shown, text)
    return _DASHES.sub(_dash, text)


def _script(match: "re.Match[str]") -> str:
    small = scripted(match[1], match[2])
    # Without the braces that keep a name apart in LaTeX.
    is_number = re.fullmatch(r"[\w.]+", match[2]) is not None
    return f"{match[1]}{match[2]}" if is_number and small[0] == match[1] else small


def _dash(match: "re.Match[str]") -> str:
    return {"--": "–", "---": "—"}.get(match[1] or "", match[0])


def clean(text: object, length: int) -> str:
    """Return `text` on one line, normalized (NFC), `length` characters at most.

    Anything that is not a string becomes "". Control characters, lone surrogates, invisible
    characters, bidirectional overrides and excess combining marks are dropped.
    """
    if not isinstance(text, str):
        return ""
    line = " ".join(text[: _MOST_RAW * length].split())
    if not (line.isascii() and line.isprintable()):
        visible = unicodedata.normalize("NFC", "".join(_visible(line)))
        line = " ".join(visible.split())
    return shorten(line, length)


def clean_each(texts: Iterable[object], length: int, most: int = MOST_LABELS) -> tuple[str, ...]:
    """Return each text clean, without empty and repeated ones, `most` of them at most."""
    cleaned = dict.fromkeys(clean(text, length) for text in texts)
    return tuple(text for text in cleaned if text)[:most]


def shorten(text: str, length: int) -> str:
    """Return `text` if it fits into `length` characters; otherwise its start and "…".

    The cut is between two words. A word that fills more than half of `length` is cut inside,
    but never within what readers see as one character.
    """
    if len(text) <= length:
        return text
    end = length - 1
    space = text.rfind(" ", 0, end + 1)
    if space > end // 2:
        end = space
    while end and _is_inside_a_character(text, end):
        end -= 1
    return text[:end].rstrip(" .,;:–—(") + "…"


def read_time(text: object) -> datetime | None:
    """Return the moment that an ISO 8601 or RFC 822 date names, in UTC; None if it names none.

    A date without a zone is taken as UTC. A date more than a day in the future (clocks differ)
    is treated as missing.
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


def title_key(title: str) -> str:
    """Return a presentable title without case, accents, spaces and punctuation, to compare."""
    letters = unicodedata.normalize("NFKD", title).casefold()
    return re.sub(r"[\W_]+", "", letters)[:TITLE_LENGTH]


def words_of(title: str) -> set[str]:
    """Return the words of a title without case and accents, to compare."""
    return set(re.findall(r"\w+", unicodedata.normalize("NFKD", title).casefold()))


def _read_time(text: str) -> datetime | None:
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


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


def _is_inside_a_character(text: str, at: int) -> bool:
    """Whether a cut before `text[at]` would split a letter from its marks, or an emoji.

    Covers the rules of Unicode's UAX 29 that titles run into: marks, joiners, skin tones, flags,
    and the parts of a Korean syllable.
    """
    char, previous = text[at], text[at - 1]
    if unicodedata.category(char).startswith("M") or char in _JOINERS or previous in _JOINERS:
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff" or "\u1160" <= char <= "\u11ff":
        return True
    # Two of these letters make a flag: an odd number of them before the cut splits one.
    return char in _FLAG_LETTERS and (at - len(text[:at].rstrip(_FLAG_LETTERS))) % 2 == 1
