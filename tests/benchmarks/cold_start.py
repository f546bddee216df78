"""What it brings to ask a new reader about eight papers: nDCG@10 of the next digest.

Readers follow three topics and rate eight papers of the last weeks: those that we choose, or eight
at random. Nobody knows what they would have said, so a stand-in answers for each: a logistic
regression over words, fitted to all that the reader picked on other days. "More" is what it places
among the upper tenth of those weeks' papers, "less" the lower half, and of ten answers one is
random. The rest is as in ``relevance``.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from digest.choosing import reasons
from digest.choosing.candidates import CandidateSet
from digest.choosing.interests import Interests, Like
from digest.choosing.rehearsal import Known, Rehearsal
from digest.management.commands.evaluate_ranking import starter_topics
from digest.ranking import asking, taste
from digest.ranking.batch import Floats
from digest.ranking.measuring import evaluation
from digest.ranking.measuring.collection import Case, Collection, text_of
from digest.ranking.space import Index, Space

from .relevance import SHARED, TASKS, collection_of

NUMBER, TOPICS, POOL = 8, 3, 400
_UPPER, _LOWER, _RANDOM = 0.1, 0.5, 0.1
_NEGATIVES = 1500
Papers = NDArray[np.intp]
# What a reader said of papers: 1 for more, -1 for less.
Ratings = Mapping[int, float]


def run() -> Table:
    table = Table("a reader who", "nDCG@10, held out", "against topics only", "rated up")
    folder = Path(os.environ.get("BENCH_DATA", SHARED))
    if not folder.is_dir():
        table.add_row("-", "BENCH_DATA is not a folder with the data", "", "")
        return table
    for row in _rows(collection_of(folder, *TASKS["Daily Papers"])):
        table.add_row(*row)
    return table


def _rows(collection: Collection) -> Iterator[tuple[str, str, str, str]]:
    cases = sorted(filter(collection.is_held_out, collection.cases), key=lambda case: case.day)
    sessions = _Sessions(collection)
    given = [sessions.ratings(case) for case in cases]
    readers = [case.reader for case in cases]
    plain = np.array([sessions.ndcg(case, {}) for case in cases])
    yield f"follows {TOPICS} topics", _mean(readers, plain), "", ""
    for name in ("chosen", "random"):
        said = [ratings[name] for ratings in given]
        scores = np.array([sessions.ndcg(*pair) for pair in zip(cases, said, strict=True)])
        ups = np.mean([sum(value > 0 for value in ratings.values()) for ratings in said])
        what = f"also rated {NUMBER} papers, {name}"
        yield what, _mean(readers, scores), _mean(readers, scores - plain, "+"), f"{ups:.1f}"


def _mean(readers: Sequence[str], values: NDArray[np.float64], sign: str = "") -> str:
    low, high = evaluation.interval(readers, values)
    return f"{values.mean():{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


class _Rated(Rehearsal):
    """A rehearsal with readers who picked nothing, but rated papers: `ratings`."""

    ratings: Ratings = {}

    def interest(self, case: Case, papers: Papers) -> Floats:
        """Return how well the papers fit the reader's topics: float32 (papers,)."""
        topics = [topic for topic, _emphasis in self._topics(case, TOPICS)]
        fits: Floats = self._fits[papers][:, topics].sum(axis=1)
        return fits

    def _prepared(self, cases: Sequence[Case], known: Known) -> tuple[CandidateSet, Interests]:
        rated = np.array([*self.ratings], dtype=np.intp)
        [case] = [
            replace(case, before=rated, ages=np.ones(len(rated), np.float32)) for case in cases
        ]
        available, interests = super()._prepared([case], known)
        if self.ratings:
            self._remember(available.index, [case])
        likes = [Like(paper, said, reasons.LIKED) for paper, said in self.ratings.items() if said]
        return available, replace(interests, likes={0: likes})


class _Sessions:
    """Readers in front of the page that asks them."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._rehearsal = _Rated(collection, starter_topics())
        words = import_module("sklearn.feature_extraction.text").TfidfVectorizer(
            sublinear_tf=True, min_df=3, max_df=0.5, stop_words="english"
        )
        self._words: Any = words.fit_transform(". ".join(text_of(row)) for row in collection.rows)

    def ratings(self, case: Case) -> Mapping[str, Ratings]:
        """Return what the reader says of the papers that we choose, and of others."""
        listed = [
            paper
            for day, list_ in self._collection.days.items()
            if day < case.day
            for paper in list_
        ]
        pool = np.array(listed[-POOL:], dtype=np.intp)
        rng = np.random.default_rng([*case.reader.encode(), *case.day.encode()])
        places = {"chosen": self._chosen(case, pool), "random": rng.permutation(len(pool))[:NUMBER]}
        answers = self._answers(case, pool, rng)
        return {
            name: dict(zip(pool[at].tolist(), answers[at].tolist(), strict=True))
            for name, at in places.items()
        }

    def ndcg(self, case: Case, ratings: Ratings) -> float:
        self._rehearsal.ratings = ratings
        [scores] = self._rehearsal.scores([case], Known(topics=TOPICS, picks=0))
        return evaluation.ranked(case.picked, scores).ndcg

    def _chosen(self, case: Case, pool: Papers) -> Papers:
        features = [self._collection.features[paper] for paper in pool]
        vectors = Space(features).vectors(features)
        similarity = Index(vectors).similarity(vectors)
        none = np.zeros(len(pool), dtype=np.bool_)
        return asking.most_telling(
            np.maximum(taste.excess_similarity(similarity, vectors.common), 0),
            self._collection.votes[pool],
            self._rehearsal.interest(case, pool),
            known=none,
            barred=none,
            number=NUMBER,
        )

    def _answers(self, case: Case, pool: Papers, rng: np.random.Generator) -> Floats:
        """Return what the stand-in for the reader says of each paper of the pool."""
        others = rng.choice(self._words.shape[0], _NEGATIVES, replace=False)
        others = np.setdiff1d(others, [*case.elsewhere, *case.pool])
        model = import_module("sklearn.linear_model").LogisticRegression(
            C=10, class_weight="balanced", solver="liblinear"
        )
        rows = self._words[np.concatenate([case.elsewhere, others])]
        model.fit(rows, np.arange(rows.shape[0]) < len(case.elsewhere))
        liking = model.decision_function(self._words[pool])
        place = liking.argsort().argsort() / len(pool)
        said = np.where(place >= 1 - _UPPER, 1, np.where(place < _LOWER, -1, 0))
        is_random = rng.random(len(pool)) < _RANDOM
        return np.where(is_random, rng.permutation(said), said).astype(np.float32)
