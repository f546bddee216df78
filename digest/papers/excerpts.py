"""The first sentences of a text, for any script. Pure."""

import re
from collections.abc import Iterator

from digest.sources.text import shorten

# A full stop after one of these, or after a single letter, does not end a sentence.
_ABBREVIATIONS = {
    *("al", "approx", "cf", "dr", "eq", "eqs", "etc", "fig", "figs", "prof", "ref", "refs"),
    *("resp", "sec", "tab", "viz", "vs"),
}
_END = re.compile(r"[.!?…]['\"’”)\]]*(?=\s)|[。！？]['\"’”」』）]*")
_WORD_BEFORE = re.compile(r"(\w+)\W*\Z")


def excerpt(text: str, length: int, *, sentences: int = 3) -> str:
    """Return the first sentences of `text` that fit into `length` characters.

    These are `sentences`, or more if they are short. If what fits is less than a third of
    `length`, the text is cut after a word instead, with "…".
    """
    end, least = 0, length // 3
    for number, stop in enumerate(_stops(text), start=1):
        if stop > length or (number > sentences and end >= least):
            break
        end = stop
    return text[:end] if end >= least or end == len(text) else shorten(text, length)


def _stops(text: str) -> Iterator[int]:
    """Yield where the sentences end; last comes the end of the text."""
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
