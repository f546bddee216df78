"""Score rankings and digests on all cases of a collection."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.ranking.batch import Floats

from .collection import Case, Collection, Ranker

# Scores look at this many papers from the top.
_AT = 10
_DISCOUNTS = 1 / np.log2(np.arange(2, _AT + 2))
_RESAMPLES = 2000


class Outcome(NamedTuple):
    """How one case went: `ndcg` and `recall` of its first ten papers, and how many there were.

    `recall` is the share of the picks among them, of as many as ten papers can hold. `auc` is NaN
    for a digest, which does not order all papers.
    """

    ndcg: float
    recall: float
    auc: float
    length: int


@dataclass(frozen=True, slots=True)
class Score:
    """Means over cases. `low` and `high` bound `ndcg` in 95 % of resamples of the readers.

    `without` is the share of cases without any paper.
    """

    cases: int
    ndcg: float
    low: float
    high: float
    recall: float
    auc: float
    length: float
    without: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """One ranking's scores, and the CPU time per case in microseconds.

    `outcomes` are parallel to the collection's cases.
    """

    name: str
    held_out: Score
    all: Score
    microseconds: float
    outcomes: tuple[Outcome, ...]


def measure(
    collection: Collection,
    name: str,
    ranker: Ranker,
    prepare: Callable[[Case], object] = lambda case: None,
) -> Measurement:
    """Return how well `ranker` ranks all cases. The time of `prepare` does not count."""
    outcomes: dict[int, Outcome] = {}
    cpu = 0.0
    for numbers, cases in by_days(collection.cases):
        prepare(cases[0])
        start = time.process_time()
        scored = [ranker(case) for case in cases]
        cpu += time.process_time() - start
        pairs = zip(cases, scored, strict=True)
        outcomes |= zip(numbers, (ranked(case.picked, made) for case, made in pairs), strict=True)
    in_order = [outcomes[number] for number in range(len(collection.cases))]
    return measurement(collection, name, in_order, cpu)


def by_days(cases: Sequence[Case]) -> Iterator[tuple[list[int], list[Case]]]:
    """Yield the cases of each day together, in the order of days, with their positions."""
    days: dict[str, list[int]] = defaultdict(list)
    for number, case in enumerate(cases):
        days[case.day].append(number)
    for day in sorted(days):
        yield days[day], [cases[number] for number in days[day]]


def measure_days(
    collection: Collection,
    name: str,
    run: Callable[[list[Case]], Sequence[Outcome]],
    *,
    cpu: Callable[[], float],
) -> Measurement:
    """Return how well `run` did, which takes all cases of a day at once.

    `cpu` tells afterwards how many seconds of CPU time count.
    """
    outcomes: dict[int, Outcome] = {}
    for numbers, cases in by_days(collection.cases):
        outcomes |= zip(numbers, run(cases), strict=True)
    in_order = [outcomes[number] for number in range(len(collection.cases))]
    return measurement(collection, name, in_order, cpu())


def measurement(
    collection: Collection, name: str, outcomes: Sequence[Outcome], cpu: float
) -> Measurement:
    """Return the scores of outcomes, which are parallel to the cases, and took `cpu` seconds."""
    pairs = list(zip(collection.cases, outcomes, strict=True))
    return Measurement(
        name,
        held_out=_score([pair for pair in pairs if collection.is_held_out(pair[0])]),
        all=_score(pairs),
        microseconds=cpu / len(pairs) * 1e6,
        outcomes=tuple(outcomes),
    )


def _score(pairs: Sequence[tuple[Case, Outcome]]) -> Score:
    """Return the means, NaN if there are no cases."""
    if not pairs:
        return Score(0, *[float("nan")] * 7)
    table = np.array([[o.ndcg, o.recall, o.auc, o.length, not o.length] for _case, o in pairs])
    ndcg, recall, auc, length, without = table.mean(axis=0).tolist()
    low, high = interval([case.reader for case, _outcome in pairs], table[:, 0])
    return Score(len(pairs), ndcg, low, high, recall, auc, length, without)


def interval(readers: Sequence[str], values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of the mean of `values`, by resampling readers with all their days.

    Cases of one reader are alike, so resampling cases would make the interval too narrow.
    """
    _names, owners = np.unique(readers, return_inverse=True)
    sums, counts = np.bincount(owners, values), np.bincount(owners)
    drawn = np.random.default_rng(1).integers(0, len(sums), (_RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975]).tolist()
    return low, high


def difference(
    collection: Collection, first: Measurement, second: Measurement, *, held_out: bool
) -> tuple[float, float, float]:
    """Return how much better `first` is in nDCG, case by case, and the interval of that."""
    rows = [
        (case.reader, ours.ndcg - theirs.ndcg)
        for case, ours, theirs in zip(
            collection.cases, first.outcomes, second.outcomes, strict=True
        )
        if not held_out or collection.is_held_out(case)
    ]
    values = np.array([value for _reader, value in rows])
    return float(values.mean()), *interval([reader for reader, _value in rows], values)


def ranked(picked: NDArray[np.bool_], scores: Floats) -> Outcome:
    """Return the outcome of an order of all papers.

    Papers with equal scores stay in the order of the list, and count half for the AUC.
    """
    order = np.argsort(-scores, kind="stable")
    ours, others = scores[picked][:, np.newaxis], scores[~picked]
    auc = float((ours > others).mean() + (ours == others).mean() / 2)
    return _outcome(picked, order[:_AT], auc)


def sent(picked: NDArray[np.bool_], places: Sequence[int]) -> Outcome:
    """Return the outcome of a digest with the papers at these places of the list, in order."""
    return _outcome(picked, np.array(places, dtype=np.intp), float("nan"))


def _outcome(picked: NDArray[np.bool_], shown: NDArray[np.intp], auc: float) -> Outcome:
    hits, most = picked[shown][:_AT], min(int(picked.sum()), _AT)
    ndcg = float((hits * _DISCOUNTS[: len(hits)]).sum() / _DISCOUNTS[:most].sum())
    return Outcome(ndcg, int(hits.sum()) / most, auc, len(shown))
