"""What readers see of an abstract: the sentences that say what was done. For any script. Pure."""

import re
from collections.abc import Iterator
from functools import lru_cache

from digest.sources.text import shorten

from .claims import find_claim, without_lead

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


@lru_cache(maxsize=2000)
def telling_excerpt(abstract: str, length: int) -> str:
    """Return an excerpt of `abstract` from the sentence on that says what was done.

    If no sentence says so, it is the beginning. Words that only lead there are left out; in a very
    long sentence with "…".
    """
    sentences = sentences_of(abstract)
    found = find_claim([abstract[start:end] for start, end in sentences])
    if found is None:
        return excerpt(abstract, length)
    start, end = sentences[found.sentence]
    if end - start > length and found.start > length // 2:
        rest = abstract[start + found.start :]
        return excerpt(rest, length) if rest[0].isupper() else f"…{excerpt(rest, length - 1)}"
    return excerpt(without_lead(abstract[start:]), length)


def sentences_of(text: str) -> list[tuple[int, int]]:
    """Return where the sentences of `text` begin and end."""
    found: list[tuple[int, int]] = []
    before = 0
    for stop in _stops(text):
        start = stop - len(text[before:stop].lstrip())
        if start < stop:
            found.append((start, stop))
        before = stop
    return found


def _stops(text: str) -> Iterator[int]:
    """Yield where the sentences end; last comes the end of the text."""
    for match in _END.finditer(text):
        following = text[match.end() : match.end() + 8].lstrip()[:1]
        before = text[max(0, match.start() - 24) : match.start()]
        if text[match.start()] == "." and (_is_abbreviation(before) or following.islower()):
            continue
        yield match.end()
    yield len(text)


def _is_abbreviation(before: str) -> bool:
    match = _WORD_BEFORE.search(before[-20:])
    word = match.group(1).casefold() if match else ""
    return (len(word) == 1 and word.isalpha()) or word in _ABBREVIATIONS
