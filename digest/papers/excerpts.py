"""A text cut to a length, where a reader would cut it: pure, and for any script."""

import re
import unicodedata
from collections.abc import Iterator

# A full stop after one of these ends no sentence, and neither does one after a single letter.
_ABBREVIATIONS = {
    *("al", "approx", "cf", "dr", "eq", "eqs", "etc", "fig", "figs", "prof", "ref", "refs"),
    *("resp", "sec", "tab", "viz", "vs"),
}
_END = re.compile(r"[.!?…]['\"’”)\]]*(?=\s)|[。！？]['\"’”」』）]*")
_WORD_BEFORE = re.compile(r"(\w+)\W*\Z")
_ZERO_WIDTH_JOINER = "\u200d"


def excerpt(text: str, length: int, *, sentences: int = 3) -> str:
    """The first sentences of `text` that fit into `length`: three, or more if they are short.

    If they come to few words all the same, it ends with a word and "…" instead.
    """
    end, least = 0, length // 3
    for number, stop in enumerate(_stops(text), start=1):
        if stop > length or (number > sentences and end >= least):
            break
        end = stop
    return text[:end] if end >= least or end == len(text) else shorten(text, length)


def shorten(text: str, length: int) -> str:
    """`text` if it is not longer than `length`, else its start, a word's end, and "…".

    A word without end is cut inside, but never inside of what is seen as one character.
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


def _stops(text: str) -> Iterator[int]:
    """Where the sentences end; the last is the end of the text."""
    for match in _END.finditer(text):
        following = text[match.end() :].lstrip()[:1]
        if text[match.start()] == "." and (
            _is_abbreviation(text[: match.start()]) or following.islower()
        ):
            continue
        yield match.end()
    yield len(text)


def _is_abbreviation(before: str) -> bool:
    match = _WORD_BEFORE.search(before[-20:])
    word = match.group(1).casefold() if match else ""
    return (len(word) == 1 and word.isalpha()) or word in _ABBREVIATIONS


def _is_inside_a_character(text: str, at: int) -> bool:
    """Whether a cut before `text[at]` would part a letter from its marks, or an emoji.

    The rules of Unicode's UAX 29 that titles meet: marks, joiners, skin tones, flags, and
    the parts of a Korean syllable.
    """
    char, previous = text[at], text[at - 1]
    if unicodedata.category(char).startswith("M") or _ZERO_WIDTH_JOINER in (char, previous):
        return True
    if "\U0001f3fb" <= char <= "\U0001f3ff" or "\u1160" <= char <= "\u11ff":
        return True
    flags = re.search(r"[\U0001f1e6-\U0001f1ff]*\Z", text[:at])
    assert flags is not None
    return "\U0001f1e6" <= char <= "\U0001f1ff" and len(flags.group()) % 2 == 1
