"""What a reader's votes add to the candidates' scores, by how similar the papers are."""

import numpy as np
from numpy.typing import NDArray

# Similarities are small numbers. This factor gives the scores of ``weights``.
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


def tastes(similarity: NDArray[np.float32], counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what readers' votes add to the candidates' scores: float32 (readers, n).

    `similarity` float32 (readers, votes, n) is the `excess_similarity` to the paper of each vote.
    `counts` float32 (readers, votes) says how much each vote counts: below 0 for "less like this",
    nearer to 0 with age, and 0 for readers with fewer votes.

    A vote down only takes away. A paper that is unlike it was not asked for, so the vote down
    must not raise its score.
    """
    weight = np.abs(counts).sum(axis=1, keepdims=True) + np.float32(_SILENT_VOTES)
    scaled = counts * (np.float32(_WEIGHT) / weight)
    is_down = counts < 0
    if is_down.any():
        similarity = similarity.copy()
        similarity[is_down] = np.maximum(similarity[is_down], 0)
    added: NDArray[np.float32] = np.matmul(scaled[:, np.newaxis], similarity)[:, 0]
    return added
