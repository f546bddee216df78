"""What a reader's votes add to the candidates' scores, by how similar the papers are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Similarities are small numbers. This factor makes a full taste weigh as much as topics that fit.
_WEIGHT = 32.0
# The weight is spread over the votes. This many extra votes that say nothing are counted in, so
# that one or two votes alone weigh less than many.
_SILENT_VOTES = 2.0
_COMMON_WEIGHT = 1.5


def excess_similarity(
    similarity: NDArray[np.float32], common: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return how much more similar the candidates are to each paper than papers usually are.

    `similarity` float32 (papers, n) and `common` float32 (n,), the candidates' similarity to the
    average paper, come from ``space``. The result is float32 (papers, n). Somewhat more than
    `common` is subtracted (1.5 times), because likes are few and noisy.
    """
    return similarity - np.float32(_COMMON_WEIGHT) * common


def added_by_votes(
    similarity: NDArray[np.float32], weights: Sequence[float]
) -> NDArray[np.float32]:
    """Return what each of a reader's votes adds to each candidate's score: float32 (votes, n).

    `similarity` float32 (votes, n) is the `excess_similarity` to the paper of each vote. `weights`
    (votes,) says how much each vote counts: below 0 for "less like this", nearer to 0 with age.
    """
    return _scaled(weights)[:, np.newaxis] * similarity


def total(similarity: NDArray[np.float32], weights: Sequence[float]) -> NDArray[np.float32]:
    """Return a reader's taste, which is the sum of `added_by_votes`, in half the time.

    The result is float32 (n,).
    """
    return _scaled(weights) @ similarity


def _scaled(weights: Sequence[float]) -> NDArray[np.float32]:
    counts = np.asarray(weights, dtype=np.float32)
    return counts * np.float32(_WEIGHT / (np.abs(counts).sum() + _SILENT_VOTES))
