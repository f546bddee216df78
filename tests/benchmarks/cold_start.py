"""What it brings to ask a new reader which papers they would read: nDCG@10 of the next digest.

Readers follow three topics. They look at forty papers of the last weeks, those that the page asks
about or forty at random, and mark the five that they would read first, or answer for the first
eight. After five marks they may look at the forty that the page asks about next, which are close to
those, and mark three more. Nobody knows what they would have said, so a stand-in answers for each:
a logistic regression over words, fitted to all that the reader picked on other days. It marks those
of the papers shown that it places highest. Of the first eight, it says "more" for what it places in
the upper tenth of those weeks' papers, and "less" for the lower half. One in ten answers is random.
Papers that the reader picked in those weeks may be among those shown, as they may be for a real
one. The rest is as in ``relevance``.
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
from digest.choosing.interests import RATED_WEIGHT, TOPIC_WEIGHTS, Interests, Like
from digest.choosing.rehearsal import Known, Rehearsal
from digest.management.commands.evaluate_ranking import starter_topics
from digest.ranking.asking import Pool
from digest.ranking.batch import Floats
from digest.ranking.measuring import evaluation
from digest.ranking.measuring.collection import Case, Collection, text_of
from digest.ranking.typical import NEWEST
from digest.readers.ratings import NUMBER, RECENT

from .relevance import SHARED, TASKS, collection_of

MARKED, FURTHER, FIRST = 5, 3, 8
KNOWN = Known(topics=3, picks=0)
_UPPER, _LOWER, _RANDOM = 0.1, 0.5, 0.1
_NEGATIVES = 1500
Papers = NDArray[np.intp]
Bools = NDArray[np.bool_]
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
    yield f"follows {KNOWN.topics} topics", _mean(readers, plain), "", ""
    for name in given[0]:
        said = [ratings[name] for ratings in given]
        scores = np.array([sessions.ndcg(*pair) for pair in zip(cases, said, strict=True)])
        ups = np.mean([sum(value > 0 for value in ratings.values()) for ratings in said])
        yield name, _mean(readers, scores), _mean(readers, scores - plain, "+"), f"{ups:.1f}"


def _mean(readers: Sequence[str], values: NDArray[np.float64], sign: str = "") -> str:
    low, high = evaluation.interval(readers, values)
    return f"{values.mean():{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


class _Rated(Rehearsal):
    """A rehearsal with readers who picked nothing, but rated papers: `ratings`."""

    ratings: Ratings = {}

    def weights(self, case: Case) -> Floats:
        """Return the weights of the topics that the reader follows: float32 (topics,)."""
        weights = np.zeros(self._fits.shape[1], dtype=np.float32)
        for topic, emphasis in self.topics(case, KNOWN):
            weights[topic] = TOPIC_WEIGHTS[emphasis]
        return weights

    def pool(self, papers: Sequence[int]) -> Pool:
        """Return what the page chooses from, given the papers of a library, the newest first."""
        features = [self.collection.features[paper] for paper in papers]
        newest = self.collection.votes[list(papers[:RECENT])]
        return Pool(papers, features, self._fits[list(papers)], newest)

    def _prepared(self, cases: Sequence[Case], known: Known) -> tuple[CandidateSet, Interests]:
        rated = np.array([*self.ratings], dtype=np.intp)
        [case] = [
            replace(case, before=rated, ages=np.ones(len(rated), np.float32)) for case in cases
        ]
        available, interests = super()._prepared([case], known)
        if self.ratings:
            self._remember(available.index, [case])
        given = {paper: said * RATED_WEIGHT for paper, said in self.ratings.items() if said}
        likes = [Like(paper, weight, reasons.LIKED) for paper, weight in given.items()]
        return available, replace(interests, likes={0: likes})


class _Sessions:
    """Readers in front of the page that asks them."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._rehearsal = _Rated(collection, starter_topics())
        words = import_module("sklearn.feature_extraction.text").TfidfVectorizer(
            sublinear_tf=True, min_df=3, max_df=0.5, stop_words="english"
        )
        self._asked: dict[str, Any] = {}
        self._words: Any = words.fit_transform(". ".join(text_of(row)) for row in collection.rows)

    def ratings(self, case: Case) -> Mapping[str, Ratings]:
        """Return what the reader says of the papers that the page asks about, and of others."""
        days = self._collection.days.items()
        listed = [paper for day, list_ in days if day < case.day for paper in list_]
        if self._asked.get("day") != case.day:
            self._asked = {"day": case.day, "pool": self._rehearsal.pool(listed[::-1][:NEWEST])}
        papers = np.array(listed[::-1][:RECENT], dtype=np.intp)
        rng = np.random.default_rng([*case.reader.encode(), *case.day.encode()])
        pool, weights = self._asked["pool"], self._rehearsal.weights(case)
        none = np.zeros(len(papers), dtype=np.bool_)
        chosen = _asked(pool, weights, none, none)
        liking = self._liking(case, papers, rng)
        said = self._said(liking, rng)
        marked = self._marked(liking, chosen, rng)
        others = self._marked(liking, rng.permutation(len(papers)), rng)
        # What the page showed already, and the reader did not mark, is shown no more.
        shown = np.isin(np.arange(len(papers)), chosen)
        further = _asked(pool, weights, np.isin(np.arange(len(papers)), marked), shown)
        both = np.union1d(marked, self._marked(liking, further, rng, FURTHER))
        first = chosen[:FIRST]
        places = {
            f"and marked {MARKED} of {NUMBER} chosen papers": marked,
            f"and then {FURTHER} of {NUMBER} more, close to those": both,
            f"or {MARKED} of {NUMBER} others": others,
        }
        return {
            name: dict.fromkeys(papers[each].tolist(), 1.0) for name, each in places.items()
        } | {
            f"or rated the first {FIRST}": dict(
                zip(papers[first].tolist(), said[first].tolist(), strict=True)
            )
        }

    def ndcg(self, case: Case, ratings: Ratings) -> float:
        self._rehearsal.ratings = ratings
        [scores] = self._rehearsal.scores([case], KNOWN)
        return evaluation.ranked(case.picked, scores).ndcg

    def _marked(
        self, liking: Floats, shown: Papers, rng: np.random.Generator, most: int = MARKED
    ) -> Papers:
        """Return the places of the papers that the stand-in for the reader would read first."""
        shown = shown[:NUMBER]
        best = shown[np.argsort(-liking[shown], kind="stable")[:most]]
        is_random = rng.random(len(best)) < _RANDOM
        return np.unique(np.where(is_random, rng.choice(shown, len(best)), best))

    def _said(self, liking: Floats, rng: np.random.Generator) -> Floats:
        """Return what the stand-in says of each paper of the pool."""
        place = liking.argsort().argsort() / len(liking)
        said = np.where(place >= 1 - _UPPER, 1, np.where(place < _LOWER, -1, 0))
        is_random = rng.random(len(liking)) < _RANDOM
        return np.where(is_random, rng.permutation(said), said).astype(np.float32)

    def _liking(self, case: Case, pool: Papers, rng: np.random.Generator) -> Floats:
        """Return how much the stand-in likes each paper of the pool."""
        others = rng.choice(self._words.shape[0], _NEGATIVES, replace=False)
        others = np.setdiff1d(others, [*case.elsewhere, *case.pool])
        model = import_module("sklearn.linear_model").LogisticRegression(
            C=10, class_weight="balanced", solver="liblinear"
        )
        rows = self._words[np.concatenate([case.elsewhere, others])]
        model.fit(rows, np.arange(rows.shape[0]) < len(case.elsewhere))
        liking: Floats = model.decision_function(self._words[pool])
        return liking


def _asked(pool: Pool, weights: Floats, marked: Bools, shown: Bools) -> Papers:
    """Return the places of the papers that the page asks about."""
    opinions = (RATED_WEIGHT * marked).astype(np.float32)
    return pool.most_telling(weights, opinions=opinions, barred=shown, number=NUMBER)
