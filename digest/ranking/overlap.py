"""Which papers say the same: how much of their features two of them share."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .features import Features


def overlaps(papers: Sequence[Features]) -> NDArray[np.float32]:
    """float32 (papers, papers): the features that two papers share, of all that they have.

    0 for two that have none in common, 1 for a paper and itself (Jaccard's coefficient).
    """
    lengths: NDArray[np.float32] = np.array(
        [len(paper.numbers) for paper in papers], dtype=np.float32
    )
    numbers = np.concatenate([np.zeros(0, np.uint32), *(paper.numbers for paper in papers)])
    _found, columns, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    # What only one paper has is shared with nobody.
    is_shared = counts > 1
    places = np.cumsum(is_shared) - 1
    owners = np.repeat(np.arange(len(papers)), lengths.astype(np.intp))
    kept = is_shared[columns]
    has = np.zeros((len(papers), int(is_shared.sum())), dtype=np.float32)
    has[owners[kept], places[columns[kept]]] = 1
    shared = has @ has.T
    together = lengths[:, np.newaxis] + lengths - shared
    overlap: NDArray[np.float32] = np.divide(shared, np.maximum(together, 1), dtype=np.float32)
    np.fill_diagonal(overlap, 1)
    return overlap
