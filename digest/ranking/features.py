"""What a paper is about, made once when it comes in, for all readers.

A paper's *features* are its words, pairs of words, categories, organisation and authors, each
hashed to a number: there is no vocabulary to keep and to agree on. How telling a feature is
depends on how rare it is, and that changes with time, so only counts are stored; a ``Space``
weighs them.
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

# Stored with each paper's features: raise it when the same paper would get others.
VERSION = 1

# Each part has so many numbers of its own, one part after the other.
_SIZES = {"words": 1 << 22, "categories": 1 << 10, "organization": 1 << 16, "authors": 1 << 18}
PARTS = tuple(_SIZES)
STARTS = dict(zip(PARTS, np.cumsum([0, *_SIZES.values()]).tolist(), strict=False))

# A title says in ten words what the abstract says in two hundred.
_TITLE_TIMES = 2
_WORD = re.compile(r"\w\w+")


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """One paper's features: `numbers` uint32 (n,), ascending, and `counts` float16 (n,).

    A count is 1 + log of how often the paper says the word, 1 for what it only has or has not.
    """

    numbers: NDArray[np.uint32]
    counts: NDArray[np.float16]

    def to_bytes(self) -> bytes:
        """For storage, with `VERSION` beside it: six bytes a feature, about 1.5 KB a paper."""
        return self.numbers.tobytes() + self.counts.tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """Raises ValueError for bytes that `to_bytes` did not make."""
        length, rest = divmod(len(stored), 6)
        if rest:
            raise ValueError(f"{len(stored)} bytes are no features: each has six.")
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
    """The features of a paper. The same arguments give the same features, on any machine."""
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
    """Words as they stand, and each two neighbours among them.

    Neither stemmed nor without what all papers say, as for topics (``tfidf``): how people
    write tells whom they are read by, and took a tenth of the errors away.
    """
    words = [word for word in _WORD.findall(text.lower()) if word not in ENGLISH]
    return words + [f"{first} {second}" for first, second in pairwise(words)]


def _number(part: str, text: str) -> int:
    return int(STARTS[part] + zlib.crc32(text.encode()) % _SIZES[part])


def _key(name: str) -> str:
    """A name as it is compared: without case, accents, and more than one space at a time."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(char for char in letters if not unicodedata.combining(char))
    return " ".join(plain.split())
