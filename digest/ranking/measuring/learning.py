"""Learning which words say that a paper is on a topic, from papers and their keywords.

A logistic regression for each topic. Few words are enough, and few can be read over and stay true
for other papers: a token is kept if a regression that prefers zeros keeps it, with the same sign,
whichever fifth of the papers is left out. A second one gives the kept tokens their weights. The
level from which a paper fits is where precision and recall were balanced best, in papers that had
been left out.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from math import log
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.ranking.tfidf import Weights, counted, frequencies

from . import subjects
from .collection import text_of

# A token in fewer papers is no candidate.
_LEAST_PAPERS = 4
_FOLDS = 5
# How much a regression may make of the papers: the one that chooses tokens, the one that weighs.
_CHOOSING, _WEIGHING = 0.5, 3.0
# The shares of papers below a level that are tried.
_LEVELS = np.linspace(0.3, 0.995, 100)
_DIGITS = 3

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class _Papers(NamedTuple):
    """`matrix` sparse float64 (papers, tokens): frequencies times `rarity` float64 (tokens,)."""

    matrix: Any
    tokens: Sequence[str]
    rarity: Floats


def learn(rows: Sequence[Mapping[str, Any]]) -> dict[str, Weights]:
    """Return what these papers teach about each topic that enough of them belong to.

    Raises ImportError without scikit-learn.
    """
    papers = _papers(rows)
    slugs = sorted({slug for row in rows for slug in subjects.by_keywords(row)} - {subjects.REST})
    told = subjects.table(map(subjects.by_keywords, rows), slugs)
    enough = told.sum(axis=0) >= 2 * _FOLDS
    return {
        slug: _weights(papers, told[:, column])
        for column, slug in enumerate(slugs)
        if enough[column] and not told[:, column].all()
    }


def _papers(rows: Sequence[Mapping[str, Any]]) -> _Papers:
    counts = [counted(*text_of(row)) for row in rows]
    numbers = Counter(token for each in counts for token in each)
    known = sorted(token for token, number in numbers.items() if number >= _LEAST_PAPERS)
    rarity = np.array([1 + log(len(rows) / numbers[token]) for token in known])
    text = import_module("sklearn.feature_extraction")
    # Only what is known; the others were counted in the length.
    maker = text.DictVectorizer(sort=True)
    maker.fit([dict.fromkeys(known, 1.0)])
    matrix = maker.transform([frequencies(each) for each in counts])
    return _Papers(matrix.multiply(rarity).tocsr(), list(maker.feature_names_), rarity)


def _weights(papers: _Papers, told: Flags) -> Weights:
    folds = _folds(papers, told)
    signs = [np.sign(_regression(papers.matrix[at], told[at], first=True)[0]) for at, _ in folds]
    kept = np.flatnonzero(np.abs(np.sum(signs, axis=0)) == len(folds))
    matrix = papers.matrix[:, kept]
    scores = np.zeros(len(told))
    for at, left_out in folds:
        slopes, start = _regression(matrix[at], told[at])
        scores[left_out] = matrix[left_out] @ slopes + start
    level = max(np.quantile(scores, _LEVELS), key=lambda level: f1(scores > level, told))
    sure = scores[told & (scores > level)]
    scale = float(np.median(sure) - level) if sure.size else 1.0
    slopes, start = _regression(matrix, told)
    each = slopes * papers.rarity[kept] / scale
    order = np.argsort(-np.abs(each), kind="stable")
    return Weights(
        bias=round(float(start - level) / scale, _DIGITS),
        of={papers.tokens[kept[at]]: round(float(each[at]), _DIGITS) for at in order},
    )


def _folds(papers: _Papers, told: Flags) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return, for each fifth of the papers, the others and itself."""
    selection = import_module("sklearn.model_selection")
    splitter = selection.StratifiedKFold(_FOLDS, shuffle=True, random_state=0)
    return list(splitter.split(papers.matrix, told))


def _regression(matrix: Any, told: Flags, *, first: bool = False) -> tuple[Floats, float]:
    """Return the slopes and the start of a regression, of the first kind or the second."""
    if not matrix.shape[1]:
        return np.zeros(0), 0.0
    linear = import_module("sklearn.linear_model")
    fitted = linear.LogisticRegression(
        C=_CHOOSING if first else _WEIGHING,
        l1_ratio=1.0 if first else 0.0,
        class_weight="balanced",
        solver="liblinear",
        max_iter=200,
        random_state=0,
    ).fit(matrix, told)
    return fitted.coef_[0], float(fitted.intercept_[0])


def f1(ours: Flags, theirs: Flags) -> float:
    """Return the harmonic mean of precision and recall, 0 if there is nothing to find."""
    return 2 * float((ours & theirs).sum()) / max(int(ours.sum() + theirs.sum()), 1)
