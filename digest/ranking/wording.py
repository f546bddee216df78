"""What the words that a reader follows say of the candidates."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .features import Features, features_of

# What a paper gets that holds a followed keyword; a topic that fits gives 1 at most.
HOLDS = 0.4
# The keywords are few words and their likeness is small. Chosen as ``evaluation`` says.
WEIGHT = 64.0
# Not more than a few topics, however few words and papers there are.
MOST = 2.0


def as_paper(keywords: Sequence[str]) -> Features:
    """All that a reader follows as if it were one small paper, which others can be like."""
    return features_of("", ". ".join(keywords))


def near(likeness: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (readers, n): what nearness to the readers' words adds to each candidate's score.

    `likeness` float32 (readers, n) is how like their words (`as_paper`) the candidates are. What
    counts is how much more than the candidates are on the average. Never below 0: to be far
    from what somebody named does not speak against a paper.
    """
    usual = likeness.sum(axis=1, keepdims=True) / np.float32(max(likeness.shape[1], 1))
    added: NDArray[np.float32] = np.clip(np.float32(WEIGHT) * (likeness - usual), 0, MOST)
    return added
