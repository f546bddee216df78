"""What it brings to ask a new reader which papers they would read: nDCG@10 of the next digest.

Readers follow three topics. They look at forty papers, those that the page asks about, and mark
the two that they would read first; the next page is closer to those. After four pages they have
marked eight. Others mark eight of as many papers taken at random, or answer for each of the first
eight. Nobody knows what they would have said, so a stand-in answers for each: a logistic regression
over words, fitted to all that the reader picked on other days. It marks those of the papers shown
that it places highest. Of the first eight, it says "more" for what it places in the upper tenth of
all that may be asked about, and "less" for the lower half. One in ten answers is random. Papers
that the reader picked may be among those shown, as they may be for a real one; a row says what
comes of it without them. Each figure is the mean of several such sessions of every reader. The rest
is as in ``relevance``.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from digest.readers.ratings import ENOUGH, NUMBER

from .relevance import SHARED, TASKS, collection_of

PAGES, MARKED = 4, 2
SESSIONS = 4
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
    readers = [case.reader for case in cases]
    page = _Page(collection)
    plain = np.array([page.ndcg(case, {}) for case in cases])
    yield f"follows {KNOWN.topics} topics", _mean(readers, plain), "", ""
    given = [[page.ratings(case, number) for number in range(SESSIONS)] for case in cases]
    for name in given[0][0]:
        said = [[ratings[name] for ratings in sessions] for sessions in given]
        pairs = zip(cases, said, strict=True)
        scores = np.array(
            [np.mean([page.ndcg(case, each) for each in all_]) for case, all_ in pairs]
        )
        ups = np.mean([sum(value > 0 for value in one.values()) for all_ in said for one in all_])
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
        return Pool(features, self._fits[list(papers)], self.collection.votes[list(papers)])

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


class _Page:
    """The page that asks, and readers in front of it."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._rehearsal = _Rated(collection, starter_topics())
        words = import_module("sklearn.feature_extraction.text").TfidfVectorizer(
            sublinear_tf=True, min_df=3, max_df=0.5, stop_words="english"
        )
        self._asked: dict[str, Any] = {}
        self._words: Any = words.fit_transform(". ".join(text_of(row)) for row in collection.rows)

    def ratings(self, case: Case, session: int) -> Mapping[str, Ratings]:
        """Return what the reader says of the papers that the page asks about, and of others."""
        days = self._collection.days.items()
        listed = [paper for day, list_ in days if day < case.day for paper in list_][::-1][:NEWEST]
        if self._asked.get("day") != case.day:
            self._asked = {"day": case.day, "pool": self._rehearsal.pool(listed)}
        papers, pool = np.array(listed, dtype=np.intp), self._asked["pool"]
        rng = np.random.default_rng([session, *case.reader.encode(), *case.day.encode()])
        reader = _Reader(self._rehearsal.weights(case), self._liking(case, papers, rng), rng)
        own = np.isin(papers, case.elsewhere)
        *_fewer, without = reader.pages(pool, own)
        places = {
            f"and marked {MARKED} of {NUMBER} papers on page {page}": marked
            for page, marked in enumerate(reader.pages(pool, np.zeros_like(own)), 1)
        } | {
            "the same, but none of their own picks": without,
            f"or {ENOUGH} of {PAGES * NUMBER} others": reader.marked(
                rng.permutation(len(papers))[: PAGES * NUMBER], ENOUGH
            ),
        }
        first = reader.asked(pool, np.zeros(0, dtype=np.intp), np.zeros_like(own))[:ENOUGH]
        marks = {name: dict.fromkeys(papers[each].tolist(), 1.0) for name, each in places.items()}
        said = reader.said()[first]
        rated = dict(zip(papers[first].tolist(), said.tolist(), strict=True))
        return marks | {f"or rated the first {ENOUGH}": rated}

    def ndcg(self, case: Case, ratings: Ratings) -> float:
        self._rehearsal.ratings = ratings
        [scores] = self._rehearsal.scores([case], KNOWN)
        return evaluation.ranked(case.picked, scores).ndcg

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


@dataclass(frozen=True, slots=True, eq=False)
class _Reader:
    """A reader in front of the page: how they weigh topics, and how they like each paper."""

    topics: Floats
    liking: Floats
    rng: np.random.Generator

    def pages(self, pool: Pool, barred: Bools) -> Iterator[Papers]:
        """Yield the places of the papers marked so far, after each page."""
        marked, shown = np.zeros(0, dtype=np.intp), barred.copy()
        for _page in range(PAGES):
            asked = self.asked(pool, marked, shown)
            # What the page showed is shown no more.
            shown[asked] = True
            marked = np.union1d(marked, self.marked(asked, MARKED))
            yield marked

    def asked(self, pool: Pool, marked: Papers, shown: Bools) -> Papers:
        """Return the places of the papers that the page asks about."""
        opinions = np.zeros(len(shown), dtype=np.float32)
        opinions[marked] = RATED_WEIGHT
        return pool.most_telling(self.topics, opinions=opinions, barred=shown, number=NUMBER)

    def marked(self, shown: Papers, most: int) -> Papers:
        """Return the places of the papers that the reader would read first."""
        best = shown[np.argsort(-self.liking[shown], kind="stable")[:most]]
        is_random = self.rng.random(len(best)) < _RANDOM
        return np.unique(np.where(is_random, self.rng.choice(shown, len(best)), best))

    def said(self) -> Floats:
        """Return what the reader says of each paper that may be asked about."""
        place = self.liking.argsort().argsort() / len(self.liking)
        said = np.where(place >= 1 - _UPPER, 1, np.where(place < _LOWER, -1, 0))
        is_random = self.rng.random(len(said)) < _RANDOM
        return np.where(is_random, self.rng.permutation(said), said).astype(np.float32)
