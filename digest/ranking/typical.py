"""How close papers are to what readers follow: to typical papers of a topic, or of a word.

The typical papers of a topic are the newest ones that clearly fit it, those of a word are the few
that are most similar to it, as if it were a small paper. So the most typical of the papers that fit
a topic come first, and a paper can be close to a word that it does not hold.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from . import weights
from .features import Features, features_of
from .space import Index, Space, Vectors

# Among how many of the newest papers the typical ones are looked for.
NEWEST = 3000
# How many papers are typical of a word, and how many a topic needs at least.
_OF_WORD = 10
_OF_TOPIC = 10
# How often what a paper has in common with all papers is taken away.
_COMMON_WEIGHT = 1.25
# No paper is closer than this; the best are equals, because what makes them differ is chance.
_MOST = 1.5

Floats = NDArray[np.float32]


def as_paper(keyword: str) -> Features:
    """Return a keyword as a small paper, to compare papers with."""
    return features_of("", keyword)


class Library:
    """The newest papers. Never changes, and is the same for all windows of an edition.

    `fits` float32 (papers, t) are their clear fits to t topics, 0 where a fit is not clear.
    `vectors` are theirs, and `index` has them to be compared with.
    """

    def __init__(
        self, space: Space, paper_ids: Sequence[int], papers: Sequence[Features], fits: Floats
    ) -> None:
        self._space, self._paper_ids, self.vectors = space, paper_ids, space.vectors(papers)
        self.index = Index(self.vectors)
        self.fits = np.where(fits >= weights.CLEAR_TOPIC, fits, 0)

    def compared(self, index: Index, candidates: Vectors, places: Mapping[int, int]) -> "Typical":
        """Return how similar these candidates, which have these places by paper id, are to them.

        A candidate does not show what is typical for itself.
        """
        similarity = index.similarity(self.vectors)
        similarity -= np.float32(_COMMON_WEIGHT) * candidates.common
        for row, paper_id in enumerate(self._paper_ids):
            if paper_id in places:
                similarity[row, places[paper_id]] = 0
        return Typical(self, similarity)

    def most_similar(self, keywords: Sequence[str]) -> Floats:
        """Return how similar each keyword is to the few papers most similar to it, and 0 for the
        others: float32 (keywords, papers)."""
        words = self._space.vectors(list(map(as_paper, keywords)))
        similar = self.index.similarity(words)
        least = np.sort(similar, axis=1)[:, -_OF_WORD:][:, :1]
        return np.where(similar >= least, np.maximum(similar, 0), 0) if similar.size else similar


class Typical:
    """How similar n candidates are to the papers of a library: `similarity` float32 (papers, n)."""

    def __init__(self, library: Library, similarity: Floats) -> None:
        self._library, self._similarity = library, similarity

    def of_topics(self, fits: Floats) -> Floats:
        """Return how close the candidates are to each topic: float32 (n, t).

        `fits` float32 (n, t) are their own. They stand in where few papers show what is typical.
        """
        is_shown = (self._library.fits > 0).sum(axis=0) >= _OF_TOPIC
        return np.where(is_shown, self._closeness(self._library.fits.T).T, _MOST * fits)

    def of_words(self, keywords: Sequence[str]) -> Floats:
        """Return how close the candidates are to each keyword: float32 (keywords, n)."""
        return self._closeness(self._library.most_similar(keywords))

    def _closeness(self, shares: Floats) -> Floats:
        """Return the similarity to what these papers are on average, as standard scores.

        `shares` float32 (k, papers) says how much each counts. The result is float32 (k, n): 0 on
        average over the candidates, and 0 for all of them where no paper counts.
        """
        rows = shares @ self._similarity
        rows -= rows.mean(axis=1, keepdims=True) if rows.size else 0
        spread = rows.std(axis=1, keepdims=True) if rows.size else rows
        closeness: Floats = np.minimum(rows / np.where(spread > 0, spread, 1), _MOST)
        return closeness
