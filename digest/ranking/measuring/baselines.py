"""Rankings that others use, to compare ours with. They need scikit-learn, which only developers
have: it is imported when they are asked for, and nothing that serves readers needs it."""

from contextlib import AbstractContextManager
from importlib import import_module
from typing import Any

import numpy as np

from .evaluation import Case, Collection, Floats, Ranker

_NEGATIVES = 2000


def one_thread() -> AbstractContextManager[object]:
    """Within this, linear algebra takes one thread, so that CPU times can be compared: others
    would wait for work and be counted. Raises ImportError without scikit-learn."""
    limits: AbstractContextManager[object] = import_module("threadpoolctl").threadpool_limits(1)
    return limits


def baselines(collection: Collection) -> dict[str, Ranker]:
    """The rankings by name. Raises ImportError without scikit-learn."""
    text, linear, svm = (
        import_module(f"sklearn.{name}")
        for name in ("feature_extraction.text", "linear_model", "svm")
    )
    vectorizer = text.TfidfVectorizer(
        stop_words="english", sublinear_tf=True, ngram_range=(1, 2), min_df=2
    )
    texts = [
        f"{row['title']} {row['title']} {row.get('abstract') or ''}" for row in collection.rows
    ]
    matrix: Any = vectorizer.fit_transform(texts)
    chance = np.random.default_rng(0)

    def at_random(case: Case) -> Floats:
        return chance.random(len(case.pool), dtype=np.float32)

    def votes_only(case: Case) -> Floats:
        return collection.votes[case.pool]

    def centroid(case: Case) -> Floats:
        mean = np.asarray(matrix[case.before].mean(axis=0)).ravel()
        return np.asarray(matrix[case.pool] @ mean, dtype=np.float32)

    def recent_mean(case: Case) -> Floats:
        # zotero-arxiv-daily's form: a paper weighs 1 / (1 + log10 of its place), newest first.
        weights = 1 / (1 + np.log10(np.arange(len(case.before), 0, -1)))
        likeness = (matrix[case.pool] @ matrix[case.before].T).toarray()
        return np.asarray(likeness @ (weights / weights.sum()), dtype=np.float32)

    def fitted(model: Any) -> Ranker:
        def ranker(case: Case) -> Floats:
            others = chance.choice(len(texts), min(_NEGATIVES, len(texts)), replace=False)
            others = np.setdiff1d(others, [*case.before, *case.pool])
            rows = matrix[np.concatenate([case.before, others])]
            is_liked = np.arange(rows.shape[0]) < len(case.before)
            model.fit(rows, is_liked)
            return np.asarray(model.decision_function(matrix[case.pool]), dtype=np.float32)

        return ranker

    regression = linear.LogisticRegression(C=10, class_weight="balanced", solver="liblinear")
    return {
        "random": at_random,
        "votes only": votes_only,
        "tf-idf centroid": centroid,
        "recency-weighted mean": recent_mean,
        # arxiv-sanity-lite's form.
        "linear SVM per reader": fitted(svm.LinearSVC(C=0.01, class_weight="balanced")),
        "logistic regression per reader": fitted(regression),
    }
