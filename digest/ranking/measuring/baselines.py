"""Rankings that others use, to compare ours with.

They need scikit-learn, which only developers have. It is imported when they are asked for.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

import numpy as np

from digest.ranking.rank import Floats

from .collection import Case, Collection, Ranker

# How many papers that the reader did not pick a classifier learns from.
_NEGATIVES = 2000


def one_thread() -> AbstractContextManager[object]:
    """Return a context in which linear algebra uses one thread.

    CPU times are comparable only there: waiting threads would be counted. Raises ImportError
    without scikit-learn.
    """
    limits: AbstractContextManager[object] = import_module("threadpoolctl").threadpool_limits(1)
    return limits


def baselines(collection: Collection) -> Mapping[str, Ranker]:
    """Return the rankings by name. Raises ImportError without scikit-learn."""
    linear, svm = import_module("sklearn.linear_model"), import_module("sklearn.svm")
    rng = np.random.default_rng(0)
    matrix = _tfidf(collection)
    regression = linear.LogisticRegression(C=10, class_weight="balanced", solver="liblinear")
    # The form of arxiv-sanity-lite: https://github.com/karpathy/arxiv-sanity-lite
    machine = svm.LinearSVC(C=0.01, class_weight="balanced")
    return {
        "random": lambda case: rng.random(len(case.pool), dtype=np.float32),
        "votes only": lambda case: collection.votes[case.pool],
        "tf-idf centroid": _centroid(matrix),
        "recency-weighted mean": _recency_weighted_mean(matrix),
        "linear SVM per reader": _fitted(machine, matrix, rng),
        "logistic regression per reader": _fitted(regression, matrix, rng),
    }


def _tfidf(collection: Collection) -> Any:
    """Return the papers' tf-idf vectors as a sparse matrix (papers, terms)."""
    vectorizer = import_module("sklearn.feature_extraction.text").TfidfVectorizer(
        stop_words="english", sublinear_tf=True, ngram_range=(1, 2), min_df=2
    )
    return vectorizer.fit_transform(
        f"{row['title']} {row['title']} {row.get('abstract') or ''}" for row in collection.rows
    )


def _centroid(matrix: Any) -> Ranker:
    def ranker(case: Case) -> Floats:
        mean = np.asarray(matrix[case.before].mean(axis=0)).ravel()
        return np.asarray(matrix[case.pool] @ mean, dtype=np.float32)

    return ranker


def _recency_weighted_mean(matrix: Any) -> Ranker:
    """The form of zotero-arxiv-daily: https://github.com/TideDra/zotero-arxiv-daily

    A paper weighs 1 / (1 + log10 of its position, the newest first).
    """

    def ranker(case: Case) -> Floats:
        weights = 1 / (1 + np.log10(np.arange(len(case.before), 0, -1)))
        similarity = (matrix[case.pool] @ matrix[case.before].T).toarray()
        return np.asarray(similarity @ (weights / weights.sum()), dtype=np.float32)

    return ranker


def _fitted(model: Any, matrix: Any, rng: np.random.Generator) -> Ranker:
    """A classifier that is fitted to each reader's picks, against other papers drawn at random."""

    def ranker(case: Case) -> Floats:
        number = matrix.shape[0]
        others = rng.choice(number, min(_NEGATIVES, number), replace=False)
        others = np.setdiff1d(others, [*case.before, *case.pool])
        rows = matrix[np.concatenate([case.before, others])]
        is_liked = np.arange(rows.shape[0]) < len(case.before)
        model.fit(rows, is_liked)
        return np.asarray(model.decision_function(matrix[case.pool]), dtype=np.float32)

    return ranker
