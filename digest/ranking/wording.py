"""What the words that a reader follows add to the candidates' scores."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .features import Features, features_of

# What a paper gets for holding a followed keyword. A topic that fits adds at most 1.
HOLDS_KEYWORD = 0.4
# Keywords are few words, so similarities to them are small. Chosen as ``measuring`` describes.
_WEIGHT = 64.0
# However few words and papers there are, closeness weighs no more than two topics that fit.
_MOST = 2.0


def as_paper(keywords: Sequence[str]) -> Features:
    """Return all of a reader's keywords as one small paper, to compare papers with."""
    return features_of("", ". ".join(keywords))


def closeness(similarity: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what being close to a reader's words adds to each candidate's score.

    `similarity` float32 (readers, n) is how similar the candidates are to the words (`as_paper`).
    Only what exceeds the average over the candidates counts. The result is float32 (readers, n)
    and never below 0: a paper loses nothing for being far from the words that a reader follows.
    """
    average = similarity.sum(axis=1, keepdims=True) / np.float32(max(similarity.shape[1], 1))
    added: NDArray[np.float32] = np.clip(np.float32(_WEIGHT) * (similarity - average), 0, _MOST)
    return added
