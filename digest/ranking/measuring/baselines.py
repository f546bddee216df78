"""Rankings that others use, to compare ours with.

They know what ours knows: papers of earlier weeks, and the organization of papers where ours has
it. They need scikit-learn, which only developers have. It is imported when they
are asked for.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from digest.ranking.batch import Floats

from .collection import Case, Collection, Ranker, Row

# How many papers that the reader did not pick a classifier learns from.
_NEGATIVES = 2000
# How many of the newest papers tell how rare words are, as for our ranking.
_BACKGROUND = 12_000
# What a paper's organization weighs beside its words. Chosen for the SVM, as our constants.
_LABEL_WEIGHT = 0.5


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which linear algebra uses one thread.

    CPU times are comparable only there: waiting threads would be counted. Raises ImportError
    without scikit-learn.
    """
    limits: AbstractContextManager[object] = import_module("threadpoolctl").threadpool_limits(1)
    return limits


def simple(collection: Collection) -> Mapping[str, Ranker]:
    """Return the rankings that learn nothing."""
    rng = np.random.default_rng(0)
    return {
        "random": lambda case: rng.random(len(case.pool), dtype=np.float32),
        "votes only": lambda case: collection.votes[case.pool],
    }


class Baselines(NamedTuple):
    """Rankings by name. `prepare` makes what a case needs that is the same for all readers."""

    rankers: Mapping[str, Ranker]
    prepare: Callable[[Case], object]


def baselines(collection: Collection, *, with_labels: bool) -> Baselines:
    """Return the rankings by content. Raises ImportError without scikit-learn.

    `with_labels` lets organizations count, too.
    """
    linear, svm = import_module("sklearn.linear_model"), import_module("sklearn.svm")
    vectors = _Vectors(collection, with_labels=with_labels)
    regression = linear.LogisticRegression(C=10, class_weight="balanced", solver="liblinear")
    # The form of arxiv-sanity-lite: https://github.com/karpathy/arxiv-sanity-lite
    machine = svm.LinearSVC(C=0.01, class_weight="balanced")
    rankers = {
        "tf-idf centroid": _centroid(vectors),
        "recency-weighted mean": _recency_weighted_mean(vectors),
        "linear SVM per reader": _fitted(machine, vectors),
        "logistic regression per reader": _fitted(regression, vectors),
    }
    return Baselines(rankers, vectors.of)


class _Vectors:
    """The papers' tf-idf vectors, with the rarity of words as it was in a given week."""

    def __init__(self, collection: Collection, *, with_labels: bool) -> None:
        self._collection = collection
        text = import_module("sklearn.feature_extraction.text")
        counter = text.CountVectorizer(stop_words="english", ngram_range=(1, 2), min_df=2)
        self._counts = counter.fit_transform(
            f"{row['title']} {row['title']} {row.get('abstract') or ''}" for row in collection.rows
        ).astype(np.float32)
        self._labels = text.CountVectorizer(analyzer=_labels, binary=True, min_df=2)
        self._labels = self._labels.fit_transform(collection.rows) if with_labels else None
        self._week: tuple[int, ...] = ()
        self._matrix: Any = None

    def of(self, case: Case) -> tuple[Any, tuple[int, ...]]:
        """Return the vectors of all papers (papers, terms), and those of the weeks before."""
        before = tuple(self._collection.before(case.day, _BACKGROUND))
        if before != self._week or self._matrix is None:
            self._week = before
            self._matrix = self._weighed(before)
        return self._matrix, before

    def _weighed(self, before: tuple[int, ...]) -> Any:
        text = import_module("sklearn.feature_extraction.text")
        model = text.TfidfTransformer(sublinear_tf=True).fit(self._counts[list(before)])
        matrix = model.transform(self._counts)
        if self._labels is None:
            return matrix
        stack = import_module("scipy.sparse").hstack
        return stack([matrix, self._labels * _LABEL_WEIGHT], format="csr")


def _labels(row: Row) -> Iterator[str]:
    """Yield the organization. Categories weigh next to nothing in ours, and nothing here."""
    if organization := row.get("organization"):
        yield str(organization)


def _centroid(vectors: _Vectors) -> Ranker:
    def ranker(case: Case) -> Floats:
        matrix, _before = vectors.of(case)
        mean = np.asarray(matrix[case.before].mean(axis=0)).ravel()
        return np.asarray(matrix[case.pool] @ mean, dtype=np.float32)

    return ranker


def _recency_weighted_mean(vectors: _Vectors) -> Ranker:
    """The form of zotero-arxiv-daily: https://github.com/TideDra/zotero-arxiv-daily

    A paper weighs 1 / (1 + log10 of its position, the newest first).
    """

    def ranker(case: Case) -> Floats:
        matrix, _before = vectors.of(case)
        weights = 1 / (1 + np.log10(np.arange(len(case.before), 0, -1)))
        similarity = (matrix[case.pool] @ matrix[case.before].T).toarray()
        return np.asarray(similarity @ (weights / weights.sum()), dtype=np.float32)

    return ranker


def _fitted(model: Any, vectors: _Vectors) -> Ranker:
    """A classifier that is fitted to each reader's picks, against other papers drawn at random."""
    rng = np.random.default_rng(0)

    def ranker(case: Case) -> Floats:
        matrix, before = vectors.of(case)
        others = rng.choice(before, min(_NEGATIVES, len(before)), replace=False)
        others = np.setdiff1d(others, [*case.before, *case.pool])
        rows = matrix[np.concatenate([case.before, others])]
        is_liked = np.arange(rows.shape[0]) < len(case.before)
        model.fit(rows, is_liked)
        return np.asarray(model.decision_function(matrix[case.pool]), dtype=np.float32)

    return ranker
