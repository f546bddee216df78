"""What a paper is about, computed once when the paper comes in, for all readers.

A paper's *features* are its words, pairs of words, categories, organization and authors. Each is
hashed to a number, so there is no vocabulary to store and to share. Only counts are stored. How
much a feature weighs depends on how rare it is, which changes with time; a ``Space`` computes it.
"""

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .tfidf import ENGLISH

# Stored with each paper's features. Raise it when the same paper would get different ones.
VERSION = 1

# How many numbers each part has; the ranges follow each other.
_SIZES = {"words": 1 << 22, "categories": 1 << 10, "organization": 1 << 16, "authors": 1 << 18}
PARTS = tuple(_SIZES)
STARTS = dict(zip(PARTS, np.cumsum([0, *_SIZES.values()]).tolist(), strict=False))

# The title counts this many times: it says in ten words what the abstract says in two hundred.
_TITLE_TIMES = 2
_WORD = re.compile(r"\w\w+")


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One paper's features: `numbers` uint32 (n,), ascending, and `counts` float16 (n,).

    The count of a word is 1 + log of how often it occurs; other features have a count of 1.
    """

    numbers: NDArray[np.uint32]
    counts: NDArray[np.float16]

    def to_bytes(self) -> bytes:
        """Return six bytes for each feature, about 1.5 KB a paper. Store `VERSION` with them."""
        return self.numbers.tobytes() + self.counts.tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """Return the features in the bytes of `to_bytes`.

        Raises ValueError if the number of bytes is not a multiple of six.
        """
        length, rest = divmod(len(stored), 6)
        if rest:
            raise ValueError(f"{len(stored)} bytes are not features: each takes six.")
        return cls(
            np.frombuffer(stored, np.uint32, length),
            np.frombuffer(stored, np.float16, length, offset=4 * length),
        )


def features_of(
    title: str,
    abstract: str,
    *,
    categories: Iterable[str] = (),
    organization: str = "",
    authors: Iterable[str] = (),
) -> Features:
    """Return the features of a paper. The same arguments give the same ones on any machine."""
    words = Counter(_words(title) * _TITLE_TIMES + _words(abstract))
    counted = {_number("words", word): 1 + np.log(count) for word, count in words.items()}
    names: Mapping[str, Iterable[str]] = {
        "categories": categories,
        "organization": [organization] if organization else [],
        "authors": authors,
    }
    for part, given in names.items():
        counted |= {_number(part, _key(name)): 1.0 for name in given}
    numbers = sorted(counted)
    return Features(
        np.array(numbers, dtype=np.uint32),
        np.array([counted[number] for number in numbers], dtype=np.float16),
    )


def _words(text: str) -> list[str]:
    """Return the words of `text`, and each two neighbours among them as "a b".

    Only everyday English words are left out. Unlike for topics (``tfidf``), words are not stemmed
    and the words of all academic writing stay in: how people write says a lot about who reads
    them. Keeping both removed a tenth of the errors.
    """
    words = [word for word in _WORD.findall(text.lower()) if word not in ENGLISH]
    return words + [f"{first} {second}" for first, second in pairwise(words)]


def _number(part: str, text: str) -> int:
    return int(STARTS[part] + zlib.crc32(text.encode()) % _SIZES[part])


def _key(name: str) -> str:
    """Return a name in lower case, without accents, and with single spaces, for comparison."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(char for char in letters if not unicodedata.combining(char))
    return " ".join(plain.split())
