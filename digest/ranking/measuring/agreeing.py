"""How well the matching of topics agrees with the yardsticks of ``subjects``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import subjects
from .subjects import Row

# The interval holds 95 % of the figures of this many collections drawn from the papers at random.
_DRAWS = 1000

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How well the matcher agrees with keywords or categories on one topic.

    `matched` and `expected` count papers; `precision`, `recall` and their harmonic mean `f1` are
    shares from 0 to 1.
    """

    topic: str
    by: str
    matched: int
    expected: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Agreements:
    """All topics and yardsticks, without those that no paper should match.

    `macro_f1` is the mean of the topics' `f1` by keywords, each topic counting alike and the one
    for the rest not counting; `interval` is where 95 % of it lie if other papers had come.
    `unmatched` is the share of all papers that fit no topic.
    """

    topics: Sequence[Agreement]
    macro_f1: float
    interval: tuple[float, float]
    unmatched: float


def agreements(rows: Sequence[Row], matched: Flags, names: Mapping[str, str]) -> Agreements:
    """Compare `matched` bool (papers, topics) with what the papers themselves tell.

    `names` are the topics' names by slug, in the order of the columns.
    """
    slugs = list(names)
    told = np.array([subjects.has_keywords(row) for row in rows], dtype=bool)
    filed = np.array([bool(row.get("categories")) for row in rows], dtype=bool)
    keywords = _table(rows, subjects.by_keywords, slugs)
    categories = _table(rows, subjects.by_categories, slugs)
    found = []
    for column, slug in enumerate(slugs):
        ours, name = matched[:, column], names[slug]
        found.append(_agreement(name, "keywords", ours[told], keywords[told, column]))
        if slug in subjects.FILED:
            found.append(_agreement(name, "categories", ours[filed], categories[filed, column]))
    counted = [column for column, slug in enumerate(slugs) if slug != subjects.REST]
    macro, interval = macro_f1(matched[told][:, counted], keywords[told][:, counted])
    return Agreements(
        topics=[one for one in found if one.expected],
        macro_f1=macro,
        interval=interval,
        unmatched=1 - float(matched[:, counted].any(axis=1).mean()) if rows else 0.0,
    )


def macro_f1(ours: Flags, theirs: Flags) -> tuple[float, tuple[float, float]]:
    """Return the mean F1 of the topics that any paper belongs to, and its interval.

    `ours` and `theirs` are bool (papers, topics). The same papers always give the same interval.
    """
    belongs = theirs.any(axis=0)
    ours, theirs = ours[:, belongs], theirs[:, belongs]
    papers, topics = ours.shape
    if not papers or not topics:
        return 0.0, (0.0, 0.0)
    drawn = np.random.default_rng(0).multinomial(papers, np.full(papers, 1 / papers), size=_DRAWS)
    times = np.vstack([np.ones(papers), drawn])
    both, either = times @ (ours & theirs), times @ (ours.astype(int) + theirs)
    means = (2 * both / np.maximum(either, 1)).mean(axis=1)
    low, high = np.quantile(means[1:], (0.025, 0.975))
    return float(means[0]), (float(low), float(high))


def _table(rows: Sequence[Row], tell: Callable[[Row], set[str]], slugs: Sequence[str]) -> Flags:
    return subjects.table(map(tell, rows), slugs).reshape(len(rows), len(slugs))


def _agreement(topic: str, by: str, ours: Flags, theirs: Flags) -> Agreement:
    both, matched, expected = (int(each.sum()) for each in (ours & theirs, ours, theirs))
    return Agreement(
        topic=topic,
        by=by,
        matched=matched,
        expected=expected,
        precision=both / max(matched, 1),
        recall=both / max(expected, 1),
        f1=2 * both / max(matched + expected, 1),
    )
