"""Which papers say the same, by the features that they share."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .features import Features


def overlaps(papers: Sequence[Features]) -> NDArray[np.float32]:
    """Return Jaccard's coefficient of each two papers' features: float32 (papers, papers).

    It is the number of features that both have, divided by the number that either has: 0 for two
    papers with nothing in common, 1 for a paper and itself.
    """
    lengths: NDArray[np.float32] = np.array(
        [len(paper.numbers) for paper in papers], dtype=np.float32
    )
    numbers = np.concatenate([np.zeros(0, np.uint32), *(paper.numbers for paper in papers)])
    _found, columns, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    # Features of a single paper overlap with nothing; leaving them out keeps the matrix small.
    is_shared = counts > 1
    places = np.cumsum(is_shared) - 1
    owners = np.repeat(np.arange(len(papers)), lengths.astype(np.intp))
    kept = is_shared[columns]
    has = np.zeros((len(papers), int(is_shared.sum())), dtype=np.float32)
    has[owners[kept], places[columns[kept]]] = 1
    shared = has @ has.T
    either = lengths[:, np.newaxis] + lengths - shared
    overlap: NDArray[np.float32] = np.divide(shared, np.maximum(either, 1), dtype=np.float32)
    np.fill_diagonal(overlap, 1)
    return overlap
