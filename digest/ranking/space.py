"""How similar papers are: vectors made from their features.

A feature weighs more the rarer it is, and is compared with the same feature only. The directions in
which papers differ most, which are often used instead, blur what a paper is about. The few words
that many papers share are stored for every paper, other features only for the papers with them.

The constants were chosen on one part of the readers; ``measuring`` says which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from .features import PARTS, STARTS, Features

# What each part contributes to the similarity of two papers that have all of it in common.
SHARES: Mapping[str, float] = {
    "words": 1.0,
    "categories": 0.003,
    "organization": 0.05,
    "authors": 0.02,
}

_RARITY_POWER = 1.8
# A word is common if more than this share of the papers has it. This changes the speed alone.
_COMMON = 0.05
# How many pairs of a rare word in two papers are multiplied at once, which bounds the memory.
_AT_ONCE = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """Papers as vectors. Paper i has the rare features `numbers[ends[i]:ends[i+1]]`.

    `features` is how many features the space knows. `ends` int64 (papers + 1,). `numbers` int32
    and `weights` float32 (rare features,). `dense` float32 (papers, d) has a column for each
    common word. `common` float32 (papers,) is each paper's similarity to the average paper.
    """

    features: int
    ends: NDArray[np.int64]
    numbers: NDArray[np.int32]
    weights: NDArray[np.float32]
    dense: NDArray[np.float32]
    common: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.ends) - 1


class Space:
    """How much each feature weighs, and what papers have in common.

    Made from the papers of the last months, at least a few hundred, and preferably anew each
    night. It never changes afterwards, so it is safe to share. Nothing that is stored of papers
    or readers depends on it.
    """

    def __init__(self, papers: Sequence[Features], shares: Mapping[str, float] = SHARES) -> None:
        """`shares` are described at `SHARES`. A share of 0 leaves a part out."""
        self._scales = np.sqrt([shares[part] for part in PARTS])
        found, frequencies = np.unique(_joined(papers)[0], return_counts=True)
        # A feature of a single paper makes it similar to no other. It would only take weight from
        # the paper's other features.
        is_shared = frequencies > 1
        self._known, frequencies = found[is_shared], frequencies[is_shared]
        rarity = np.log((1 + len(papers)) / (1 + frequencies)) + 1
        self._rarity = (rarity**_RARITY_POWER).astype(np.float32)
        # These features get new numbers, the most frequent first. So the common ones lead, and
        # those looked up most often are close together in memory.
        self._number = np.empty(len(frequencies), dtype=np.int32)
        self._number[np.argsort(-frequencies, kind="stable")] = np.arange(len(frequencies))
        is_common = frequencies > _COMMON * len(papers)
        self._common = int(is_common.sum())
        # The average paper.
        _ends, numbers, weights = self._weighted(papers)
        totals = np.bincount(numbers[numbers >= 0], weights[numbers >= 0], len(self._known))
        self._mean = (totals / max(len(papers), 1)).astype(np.float32)

    def vectors(self, papers: Sequence[Features]) -> Vectors:
        """Return the papers' vectors. Takes about 30 microseconds a paper."""
        ends, numbers, weights = self._weighted(papers)
        is_rare = numbers >= self._common
        before = np.concatenate([[0], np.cumsum(is_rare)])
        rare_ends, rare, rare_weights = before[ends], numbers[is_rare], weights[is_rare]
        dense = self._dense(ends, numbers, weights)
        common = _sums(rare_weights * self._mean[rare], rare_ends)
        common += dense @ self._mean[: self._common]
        return Vectors(len(self._mean), rare_ends, rare, rare_weights, dense, common)

    def _weighted(
        self, papers: Sequence[Features]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
        """Return the papers' ends, numbers and weights, as in `Vectors` but with common features.

        The weights of each part have the square root of its share as their length. The numbers
        are the space's own, below 0 for features that it does not know.
        """
        numbers, counts, ends = _joined(papers)
        places = np.minimum(np.searchsorted(self._known, numbers), max(len(self._known) - 1, 0))
        if not len(self._known):
            return ends, np.full(len(numbers), -1, np.int32), np.zeros(len(numbers), np.float32)
        is_known = self._known[places] == numbers
        weights = np.where(is_known, counts.astype(np.float32) * self._rarity[places], 0)
        owners = np.repeat(np.arange(len(papers)), np.diff(ends))
        parts = np.searchsorted([*STARTS.values()][1:], numbers, side="right")
        groups = owners * len(PARTS) + parts
        squares = np.bincount(groups, weights**2, minlength=len(papers) * len(PARTS))
        scales = np.tile(self._scales, len(papers)) / np.sqrt(np.maximum(squares, 1e-12))
        own = np.where(is_known, self._number[places], -1).astype(np.int32)
        return ends, own, (weights * scales[groups]).astype(np.float32)

    def _dense(
        self, ends: NDArray[np.int64], numbers: NDArray[np.int32], weights: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Return the weights of the common features: float32 (papers, common features)."""
        owners = np.repeat(np.arange(len(ends) - 1), np.diff(ends))
        dense = np.zeros((len(ends) - 1, self._common), dtype=np.float32)
        is_common = (numbers >= 0) & (numbers < self._common)
        dense[owners[is_common], numbers[is_common]] = weights[is_common]
        return dense


class Index:
    """An inverted index of papers by their rare features, to compare others with all of them.

    Made once for the candidates of a window.
    """

    def __init__(self, vectors: Vectors) -> None:
        self._dense = vectors.dense.T.copy()
        owners = np.repeat(np.arange(len(vectors), dtype=np.int32), np.diff(vectors.ends))
        order = np.argsort(vectors.numbers, kind="stable")
        self._owners = owners[order]
        self._weights = vectors.weights[order]
        counts = np.bincount(vectors.numbers, minlength=vectors.features)
        # Most features of another paper are in none of these papers. That is looked up in a table
        # of its own, small enough to stay in the processor's cache.
        self._has = counts > 0
        self._starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)

    def similarity(self, others: Vectors) -> NDArray[np.float32]:
        """Return how similar the indexed papers are to each of `others`: float32 (others, indexed).

        About 0 for two papers that have nothing in common, about 1 for a paper and itself. Takes
        some ten microseconds for each of the others with 300 indexed papers.
        """
        similarity = others.dense @ self._dense
        owners = np.repeat(np.arange(len(others)), np.diff(others.ends))
        shared = np.flatnonzero(self._has[others.numbers])
        numbers = others.numbers[shared]
        lengths = self._starts[numbers + 1] - self._starts[numbers]
        for few in _slices(lengths):
            at = shared[few]
            self._add(similarity, owners[at], others.numbers[at], others.weights[at], lengths[few])
        return similarity

    def _add(
        self,
        similarity: NDArray[np.float32],
        owners: NDArray[np.int64],
        numbers: NDArray[np.int32],
        weights: NDArray[np.float32],
        lengths: NDArray[np.int32],
    ) -> None:
        """Add to `similarity` the products of these features with the same ones in the index."""
        width = similarity.shape[1]
        first, last = int(owners[0]), int(owners[-1]) + 1
        # One element for each pair: which of the others' features, and its partner's position.
        pair = np.repeat(np.arange(len(lengths)), lengths)
        partner = np.arange(len(pair))
        partner += (self._starts[numbers] - (np.cumsum(lengths) - lengths))[pair]
        cells = ((owners - first) * width)[pair] + self._owners[partner]
        products = weights[pair] * self._weights[partner]
        sums = np.bincount(cells, products, minlength=(last - first) * width)
        similarity[first:last] += sums.reshape(last - first, width)


def _slices(lengths: NDArray[np.int32]) -> list[slice]:
    """Return consecutive slices of `lengths`, each with a sum of about `_AT_ONCE`."""
    if not len(lengths):
        return []
    if int(lengths.sum()) <= _AT_ONCE:
        return [slice(None)]
    blocks = np.cumsum(lengths, dtype=np.int64) // _AT_ONCE
    cuts = [0, *(np.flatnonzero(np.diff(blocks)) + 1).tolist(), len(lengths)]
    return [slice(start, stop) for start, stop in pairwise(cuts) if stop > start]


def _joined(
    papers: Sequence[Features],
) -> tuple[NDArray[np.uint32], NDArray[np.float16], NDArray[np.int64]]:
    """Return the numbers and counts of all papers, concatenated, and where each paper ends."""
    lengths = [len(paper.numbers) for paper in papers]
    numbers = np.concatenate([np.zeros(0, np.uint32), *(paper.numbers for paper in papers)])
    counts = np.concatenate([np.zeros(0, np.float16), *(paper.counts for paper in papers)])
    return numbers, counts, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])


def _sums(values: NDArray[np.float32], ends: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the sums of `values` between consecutive `ends`, 0 where they are equal."""
    running = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    sums: NDArray[np.float32] = (running[ends[1:]] - running[ends[:-1]]).astype(np.float32)
    return sums
