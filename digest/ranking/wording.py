"""How close the candidates are to the words that a reader follows."""

import numpy as np
from numpy.typing import NDArray

from . import weights
from .features import Features, features_of

# Keywords are few words, so similarities to them are small. With this one above the average, a
# paper is as close as any.
_FULL = 1 / 32


def as_paper(keyword: str) -> Features:
    """Return a keyword as a small paper, to compare papers with."""
    return features_of("", keyword)


def closeness(similarity: NDArray[np.float32], numbers: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return what being close to their words adds to the candidates' scores: float32 (readers, n).

    `similarity` float32 (readers, n) sums up how similar the candidates are to each word of a
    reader (`as_paper`), and `numbers` (readers,) counts the words. Only what exceeds the average
    over the candidates counts. The result is never below 0: a paper loses nothing for being far
    from the words that a reader follows.
    """
    # As if the words were one paper together: the length of their sum grows with the root.
    together = similarity / np.sqrt(np.maximum(numbers, 1), dtype=np.float32)[:, np.newaxis]
    average = together.sum(axis=1, keepdims=True) / np.float32(max(together.shape[1], 1))
    scale = np.float32(weights.CLOSE / _FULL)
    added: NDArray[np.float32] = np.clip((together - average) * scale, 0, weights.CLOSE)
    return added
