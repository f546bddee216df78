"""Run a ranking on all cases of a collection and score it."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from digest.ranking.rank import Floats

from .collection import Case, Collection, Ranker
from .ours import Broadsheet

# Numbers of newest picks for which our ranking is measured separately.
HISTORIES = (1, 2, 4, 8)
# Scores look at this many papers from the top.
_AT = 10


@dataclass(frozen=True, slots=True)
class Score:
    """Means over cases of nDCG@10, reciprocal rank, hit rate@10 and area under the curve."""

    ndcg: float
    mrr: float
    hit_rate: float
    auc: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One ranking's scores, and the CPU time per case in microseconds."""

    name: str
    held_out: Score
    all: Score
    microseconds: float


def measure_ours(
    ours: Broadsheet, name: str, scores: Callable[[Sequence[Case]], list[Floats]], history: int = 0
) -> Measurement:
    """Return how well `scores`, a method of `ours`, ranks all cases.

    With a `history`, only that many of each reader's newest picks are known; 0 means all.
    """
    ours.cpu = 0.0
    days: dict[str, list[Case]] = defaultdict(list)
    for case in ours.collection.cases:
        days[case.day].append(replace(case, before=case.before[-history:]))
    ranked = [pair for cases in days.values() for pair in zip(cases, scores(cases), strict=True)]
    return _measurement(ours.collection, name, ranked, ours.cpu)


def measure(collection: Collection, name: str, ranker: Ranker) -> Measurement:
    """Return how well `ranker` ranks all cases."""
    start = time.process_time()
    ranked = [(case, ranker(case)) for case in collection.cases]
    return _measurement(collection, name, ranked, time.process_time() - start)


def _measurement(
    collection: Collection, name: str, ranked: Sequence[tuple[Case, Floats]], cpu: float
) -> Measurement:
    return Measurement(
        name,
        held_out=_mean([pair for pair in ranked if collection.is_held_out(pair[0])]),
        all=_mean(ranked),
        microseconds=cpu / len(ranked) * 1e6,
    )


def _mean(ranked: Sequence[tuple[Case, Floats]]) -> Score:
    """Return the mean scores of cases with their papers' scores, NaN if there are no cases."""
    if not ranked:
        return Score(*[float("nan")] * 4)
    means = np.mean([measures(case.picked, scores) for case, scores in ranked], axis=0)
    return Score(*means.tolist())


def measures(picked: NDArray[np.bool_], scores: Floats) -> tuple[float, float, float, float]:
    """Return nDCG@10 with gains of 0 and 1, reciprocal rank, hit rate@10 and AUC of one list.

    Papers with equal scores stay in the order of the list, and count half for the AUC.
    """
    hits = picked[np.argsort(-scores, kind="stable")]
    discounts = 1 / np.log2(np.arange(2, _AT + 2))
    top = hits[:_AT]
    ideal = discounts[: min(int(picked.sum()), _AT)].sum()
    ndcg = float((top * discounts[: len(top)]).sum() / ideal)
    ours, others = scores[picked][:, np.newaxis], scores[~picked]
    auc = float((ours > others).mean() + (ours == others).mean() / 2)
    return ndcg, 1 / (int(hits.argmax()) + 1), float(top.any()), auc
