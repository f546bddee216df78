"""Which papers to ask a reader about, so that the answers tell most of what they like."""

import numpy as np
from numpy.typing import NDArray

from .batch import Bools, Floats

# What a paper counts that fits nothing the reader follows, when one that fits fully counts 1. Both
# are squared: an answer "more" says much more than "less", and is likelier where a paper fits.
_NEIGHBOURS = 0.05
# How much less a paper that nobody voted for counts than the most voted one, which readers may
# have heard of. More than this made the answers tell less.
_POPULAR = 0.3


def most_telling(
    likeness: Floats,
    votes: Floats,
    interest: Floats,
    *,
    known: Bools,
    barred: Bools,
    number: int,
) -> NDArray[np.int64]:
    """Return the papers to ask about, at most `number` of n, those that tell most first.

    An answer on one paper tells something of those that are like it, the more, the better they fit
    what the reader follows. Each choice is the paper that tells most of what no other one tells.

    `likeness` float32 (n, n), from 0 to 1: what a vote on the paper of the row says of the paper
    of the column (``taste.excess_similarity``). `interest` float32 (n,): how well each paper fits
    what the reader follows. `known` bool (n,): papers whose answer is known already. Neither they
    nor those `barred` are chosen. The same papers always give the same choice, and a smaller
    `number` gives its beginning.
    """
    worth = (_NEIGHBOURS + np.clip(interest, 0, 1)) ** 2
    popular = np.log1p(votes)
    popular /= max(float(popular.max(initial=0)), 1.0)
    weights = worth * (1 - _POPULAR + _POPULAR * popular)
    told = likeness[known].max(axis=0, initial=0)
    is_free = ~(known | barred)
    chosen = []
    for _ in range(min(number, int(is_free.sum()))):
        gains = np.maximum(likeness - told, 0) @ worth * weights
        best = int(np.where(is_free, gains, -1).argmax())
        chosen.append(best)
        is_free[best] = False
        told = np.maximum(told, likeness[best])
    return np.array(chosen, dtype=np.int64)
