"""Our ranking, run on cases with the code that digests are made with."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from digest.ranking import taste, wording
from digest.ranking.overlap import overlaps
from digest.ranking.rank import VOTE_WEIGHT, Candidates, Floats, Readers, contributions, rank
from digest.ranking.space import SHARES, Index, Space, Vectors
from digest.ranking.tfidf import TopicTerms, topic_fits

from .collection import Case, Collection, text_of

_LENGTH = 10
# How many topics and keywords a new reader follows at most.
_TOPICS = 3
_KEYWORDS = 50


class Broadsheet:
    """Our ranking. It ranks the readers of a day together, as a worker ranks a batch.

    `cpu` counts the seconds of CPU time that ranking took. Features of papers and the index of
    the day's papers are made before, because workers have them cached.
    """

    def __init__(
        self,
        collection: Collection,
        topics: Sequence[TopicTerms] = (),
        *,
        holds: Callable[[str, str, str], bool] = lambda title, abstract, word: False,
        shares: Mapping[str, float] = SHARES,
    ) -> None:
        """`holds` says whether a title or an abstract holds a keyword."""
        self.collection = collection
        self._holds = holds
        self.cpu = 0.0
        self._space = Space(collection.features, shares)
        texts = [text_of(row) for row in collection.rows]
        self._fits = topic_fits(texts, topics) if topics else np.zeros((len(texts), 0), np.float32)

    def by_picks(self, cases: Sequence[Case]) -> list[Floats]:
        """Return each paper's score by what the readers picked before.

        All cases must be of one day, here and in the other methods.
        """
        readers, candidates = self._readers_by_picks(cases), self._candidates(cases)
        start = time.process_time()
        parts = contributions(candidates, readers, vote_weight=VOTE_WEIGHT)
        self.cpu += time.process_time() - start
        return list(parts.sum(axis=0))

    def as_sent(self, cases: Sequence[Case]) -> list[Floats]:
        """Return the papers' places in a digest of ten as scores, highest for the first.

        Papers that are not sent share the last place. The digest has a place for what everyone
        reads, and none for exploring.
        """
        readers, candidates = self._readers_by_picks(cases), self._candidates(cases)
        start = time.process_time()
        chosen = rank(candidates, readers, vote_weight=VOTE_WEIGHT, least=3)
        self.cpu += time.process_time() - start
        scores = np.zeros(readers.barred.shape, dtype=np.float32)
        for row, places in enumerate(chosen.places):
            sent = places[places >= 0]
            scores[row, sent] = _LENGTH + 1 - np.arange(len(sent))
        return list(scores)

    def by_wishes(self, cases: Sequence[Case]) -> list[Floats]:
        """Return each paper's score by what new readers would follow.

        Those are the topics and keywords that the reader's picks of other days are about.
        """
        index = Index(self._vectors(cases[0].pool))
        candidates = self._candidates(cases)
        topics = np.stack([self._followed_topics(case) for case in cases])
        keywords = [self._followed_keywords(case) for case in cases]
        pairs = zip(cases, keywords, strict=True)
        held = np.stack([self._held(case.pool, words) for case, words in pairs])
        start = time.process_time()
        vectors = self._space.vectors([wording.as_paper(words) for words in keywords])
        closeness = wording.closeness(index.similarity(vectors))
        terms = closeness + np.float32(wording.HOLDS_KEYWORD) * held
        parts = contributions(candidates, _readers(topics, terms=terms), vote_weight=VOTE_WEIGHT)
        self.cpu += time.process_time() - start
        return list(parts.sum(axis=0))

    def _followed_topics(self, case: Case) -> Floats:
        """Return 1 for the topics that the reader's picks fit best: float32 (topics,)."""
        followed = np.zeros(self._fits.shape[1], dtype=np.float32)
        followed[np.argsort(-self._fits[case.elsewhere].sum(axis=0))[:_TOPICS]] = 1
        return followed

    def _followed_keywords(self, case: Case) -> list[str]:
        """Return the keywords that most of the reader's picks name, of equals the rarer first."""
        rows, counts = self.collection.rows, self.collection.keyword_counts
        named = Counter(
            word for paper in case.elsewhere for word in set(rows[paper].get("keywords") or ())
        )
        return sorted(named, key=lambda word: (-named[word], counts[word], word))[:_KEYWORDS]

    def _held(self, papers: NDArray[np.intp], keywords: Sequence[str]) -> Floats:
        """Return how many of the keywords each paper holds: float32 (papers,)."""
        texts = [text_of(self.collection.rows[paper]) for paper in papers]
        held = [sum(self._holds(*text, word) for word in keywords) for text in texts]
        return np.array(held, dtype=np.float32)

    def _readers_by_picks(self, cases: Sequence[Case]) -> Readers:
        day = self._vectors(cases[0].pool)
        index = Index(day)
        picked = np.unique(np.concatenate([case.before for case in cases]))
        vectors = self._vectors(picked)
        start = time.process_time()
        rows = taste.excess_similarity(index.similarity(vectors), day.common)
        tastes = [
            taste.total(rows[np.searchsorted(picked, case.before)], [1.0] * len(case.before))
            for case in cases
        ]
        liking = np.stack(tastes)
        self.cpu += time.process_time() - start
        return _readers(np.zeros((len(cases), self._fits.shape[1]), np.float32), taste=liking)

    def _candidates(self, cases: Sequence[Case]) -> Candidates:
        pool = cases[0].pool
        return Candidates(
            paper_ids=pool.astype(np.int64),
            votes=self.collection.votes[pool],
            fits=self._fits[pool],
            topic_ids=tuple(range(self._fits.shape[1])),
            overlaps=overlaps([self.collection.features[paper] for paper in pool]),
        )

    def _vectors(self, papers: NDArray[np.intp]) -> Vectors:
        return self._space.vectors([self.collection.features[paper] for paper in papers])


def _readers(
    topics: Floats, *, terms: Floats | None = None, taste: Floats | None = None
) -> Readers:
    added = terms if terms is not None else taste
    assert added is not None
    return Readers(
        topics=topics,
        terms=terms,
        taste=taste,
        barred=np.zeros(added.shape, dtype=np.bool_),
        lengths=np.full(len(added), _LENGTH),
        is_exploring=np.zeros(len(added), dtype=np.bool_),
        draws=np.zeros(len(added), dtype=np.float32),
    )
