"""Ranking alone: papers with reasons for batches of readers, from arrays.

Not measured are the features of papers, and the similarity of liked papers to the candidates.
Both are made once for an edition and shared by all readers.
"""

import numpy as np
from rich.table import Table

from digest.ranking import taste, weights
from digest.ranking.batch import Candidates, Floats, Readers
from digest.ranking.features import Features, features_of
from digest.ranking.overlap import overlaps
from digest.ranking.rank import rank
from digest.ranking.space import Index, Space
from tests.benchmarks.measure import cpu_per_call

TOPICS, LIKED, LIKES, LENGTH = 16, 2000, 20, 10


def run() -> Table:
    table = Table("ranking with reasons", "µs of CPU a reader", "times a product of 256")
    for readers, papers in ((1000, 1000), (1000, 60), (200, 60)):
        world = _World(readers, papers)
        product, *all_of_ours = cpu_per_call(world.multiply, world.by_topics, world.by_all, calls=3)
        for what, ours in zip(("topics", "topics, 20 likes"), all_of_ours, strict=True):
            table.add_row(
                f"{papers:,} papers for {readers:,}: {what}",
                f"{ours / readers:.1f}",
                f"{ours / product:.1f}",
            )
    return table


class _World:
    """Papers of random words, and readers who follow topics and liked some of the papers."""

    def __init__(self, readers: int, papers: int) -> None:
        self._rng = np.random.default_rng(1)
        features = self._papers(papers + LIKED)
        space = Space(features)
        vectors = space.vectors(features[:papers])
        similarity = Index(vectors).similarity(space.vectors(features[papers:]))
        self._similarity = taste.excess_similarity(similarity, vectors.common)
        fits = self._rng.random((papers, TOPICS), dtype=np.float32)
        self._candidates = Candidates(
            paper_ids=np.arange(papers),
            votes=self._rng.integers(0, 90, papers).astype(np.float32),
            fits=np.where(fits > 0.8, fits, 0).astype(np.float32),
            topic_ids=tuple(range(TOPICS)),
            overlaps=overlaps(features[:papers]),
        )
        self._likes = self._rng.integers(0, LIKED, (readers, LIKES))
        self._topics = (self._rng.random((readers, TOPICS)) > 0.8).astype(np.float32)
        self._left = self._rng.random((readers, 256), dtype=np.float32)
        self._right = self._rng.random((256, papers), dtype=np.float32)

    def _papers(self, number: int) -> list[Features]:
        words = np.array([f"word{rank}" for rank in range(30_000)])
        places = (30_000 ** self._rng.random((number, 120))).astype(np.intp)
        return [features_of("", " ".join(words[row])) for row in places]

    def by_topics(self) -> None:
        self._rank(None)

    def by_all(self) -> None:
        self._rank(self._tastes())

    def multiply(self) -> None:
        """Multiply plain matrices for the same readers and papers, to compare with."""
        self._left @ self._right

    def _rank(self, tastes: Floats | None) -> None:
        readers, papers = len(self._topics), len(self._candidates.paper_ids)
        rank(
            self._candidates,
            Readers(
                topics=self._topics,
                terms=None,
                holds=None,
                taste=tastes,
                nearest=tastes,
                disliked=None,
                votes=np.full(readers, LIKES if tastes is not None else 0, dtype=np.float32),
                barred=np.zeros((readers, papers), dtype=np.bool_),
                lengths=np.full(readers, LENGTH),
                is_exploring=np.ones(readers, dtype=np.bool_),
                draws=np.zeros(readers, dtype=np.float32),
            ),
            vote_weight=weights.VOTES,
        )

    def _tastes(self) -> Floats:
        counts = np.ones(self._likes.shape, dtype=np.float32)
        return taste.tastes(self._similarity[self._likes], counts)
