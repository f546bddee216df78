"""What readers' votes say of the candidates, by how like each other papers are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Likeness is a small number; so much of it weighs as much as a topic that fits.
WEIGHT = 32.0
# So many votes must speak for a paper before they weigh as much as they can.
FEW = 2.0
_OFF = 1.5


def telling(likeness: NDArray[np.float32], common: NDArray[np.float32]) -> NDArray[np.float32]:
    """float32 (papers, n): how much more like each paper a candidate is than papers are anyway.

    `likeness` float32 (papers, n) and the candidates' own commonness (n,) are a space's. A
    little more is taken off than all papers have in common, for likes are few and noisy.
    """
    return likeness - np.float32(_OFF) * common


def shares(likeness: NDArray[np.float32], weights: Sequence[float]) -> NDArray[np.float32]:
    """float32 (votes, n): what each of a reader's votes adds to each candidate's score.

    `likeness` float32 (votes, n) is how like the paper of each vote the candidates are
    (`telling`), `weights` (votes,) what each vote counts: below 0 for "less like this",
    nearer to 0 the older it is.
    """
    return _scaled(weights)[:, np.newaxis] * likeness


def total(likeness: NDArray[np.float32], weights: Sequence[float]) -> NDArray[np.float32]:
    """float32 (n,): a reader's taste, which is the sum of `shares`, in half the time."""
    return _scaled(weights) @ likeness


def _scaled(weights: Sequence[float]) -> NDArray[np.float32]:
    counts = np.asarray(weights, dtype=np.float32)
    return counts * np.float32(WEIGHT / (np.abs(counts).sum() + FEW))
