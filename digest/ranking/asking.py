"""Which papers to ask a reader about, so that the answers tell most of what they like."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from . import taste, weights
from .batch import Bools, Floats
from .features import Features
from .space import Space
from .trending import popularity
from .typical import Library

# What a paper loses for its likeness to one that was asked about before: enough that not all are
# on the same few words. More than this made the answers tell less, because a vote up tells most.
_LIKE_ANOTHER = 0.25


class Pool:
    """The n papers to choose from, ready for any reader: those of a library.

    `features` are theirs, `fits` float32 (n, t) are their fits to t topics, and `votes` float32
    (n,) those by everybody. Which of them are alike is computed when it is asked for: for 3,000
    papers all of it would take 36 MB, and a reader needs some fifty rows of 0.2 ms.
    """

    def __init__(self, features: Sequence[Features], fits: Floats, votes: Floats) -> None:
        self._space, self._features, self._votes = Space(features), features, votes
        places = range(len(features))
        library = Library(self._space, places, features, fits)
        self._index, self._common = library.index, library.vectors.common
        typical = library.compared(library.index, library.vectors, dict(enumerate(places)))
        self.closeness = typical.of_topics(fits)

    def most_telling(
        self, topics: Floats, *, opinions: Floats, barred: Bools, number: int
    ) -> NDArray[np.int64]:
        """Return the papers to ask a reader about who gives topics these weights: float32 (t,).

        `opinions` float32 (n,): what the reader's vote on each paper counts, below 0 for a vote
        down and 0 without one. Papers with a vote are not asked about again; those like papers
        with a vote up come sooner, as in a digest, and topics count less. The rest is as for the
        function of this name.
        """
        known = opinions != 0
        ups = np.maximum(opinions, 0).sum(keepdims=True)
        interest: Floats = self.closeness @ topics * weights.said(ups)
        if known.any():
            likeness = self._likeness(np.flatnonzero(known).tolist())
            interest += taste.tastes(likeness[np.newaxis], opinions[np.newaxis, known])[0]
        return most_telling(
            lambda paper: self._likeness([paper])[0],
            self._votes,
            interest,
            barred=barred | known,
            number=number,
        )

    def _likeness(self, papers: Sequence[int]) -> Floats:
        """Return what a vote on each of these k papers says of all: float32 (k, n)."""
        vectors = self._space.vectors([self._features[paper] for paper in papers])
        excess = taste.excess_similarity(self._index.similarity(vectors), self._common)
        likeness: Floats = np.maximum(excess, 0)
        return likeness


def most_telling(
    likeness: Callable[[int], Floats],
    votes: Floats,
    interest: Floats,
    *,
    barred: Bools,
    number: int,
) -> NDArray[np.int64]:
    """Return the papers to ask about, at most `number` of n, those that tell most first.

    A vote up tells much more than a vote down or none, so papers come first that the reader is
    likely to want: those that would score highest, and of equals the most voted. An answer on one
    paper also tells of those that are like it, so of the papers chosen these come later.

    `likeness` returns what a vote on one paper says of each: float32 (n,), from 0 to 1
    (``taste.excess_similarity``). `interest` float32 (n,): what topics and votes would add to each
    paper's score. Papers that are `barred`, bool (n,), are not chosen. The same papers always give
    the same choice, and a smaller `number` gives its beginning.
    """
    worth = interest + np.float32(weights.VOTES) * popularity(votes)
    told = np.zeros_like(worth)
    is_free = ~barred
    chosen = []
    for _ in range(min(number, int(is_free.sum()))):
        best = int(np.where(is_free, worth - _LIKE_ANOTHER * told, -np.inf).argmax())
        chosen.append(best)
        is_free[best] = False
        told = np.maximum(told, likeness(best))
    return np.array(chosen, dtype=np.int64)
