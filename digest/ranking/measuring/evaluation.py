"""How good a ranking is, measured on what real people picked.

For each reader and each day on which they picked something, the papers of that day are ranked
by what the reader had picked before, and the picks of the day should come first. This runs
``Space``, ``taste`` and ``rank``, which digests are made with, beside rankings to compare them
with (``baselines``).

No overfitting: the constants of those were chosen on the *tuning* part alone, that is one half
of the readers (by a hash of their names) on the first half of the days. What is reported is the
*held-out* part, the other readers on the later days, and everything beside it.
"""

import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from digest.ranking import taste, wording
from digest.ranking.features import Features, features_of
from digest.ranking.overlap import overlaps
from digest.ranking.rank import VOTE_WEIGHT, Candidates, Readers, contributions, rank
from digest.ranking.space import SHARES, Index, Space, Vectors
from digest.ranking.tfidf import TopicTerms, topic_fits

Floats = NDArray[np.float32]
Row = Mapping[str, Any]

LEAST_PICKS = 4
HISTORIES = (1, 2, 4, 8)
_AT = 10
_LENGTH = 10
# What somebody new tells us of themselves, at most.
_TOPICS = 3
_KEYWORDS = 50


class EvaluationError(ValueError):
    """The rows cannot be used. The text says which, and what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Case:
    """One reader on one day: indices of papers picked before (oldest first) and on any other
    day, the day's papers, and which of those the reader picked."""

    reader: str
    day: str
    before: NDArray[np.intp]
    elsewhere: NDArray[np.intp]
    pool: NDArray[np.intp]
    picked: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Score:
    """Means over cases: nDCG, reciprocal rank and hit rate at 10, and the area under the curve."""

    ndcg: float
    mrr: float
    hit_rate: float
    auc: float


@dataclass(frozen=True, slots=True)
class Result:
    """One ranking's scores, and the CPU time that it took for a reader's day."""

    name: str
    held_out: Score
    all: Score
    microseconds: float


Ranker = Callable[[Case], Floats]


@dataclass(frozen=True)
class Collection:
    """Papers and who picked them. `votes` float32 (papers,). The days from `later` on are for
    reporting alone."""

    rows: Sequence[Row]
    features: Sequence[Features]
    votes: Floats
    cases: Sequence[Case]
    later: str

    @classmethod
    def of(cls, papers: Iterable[Row], readers: Iterable[Row], *, with_authors: bool) -> Self:
        """Papers need `id`, `title` and `abstract`, and `list_date` if they were listed; readers
        need `user` and `items`, each a `date` and an `id`. The first of two papers of one id
        counts. Raises EvaluationError."""
        rows: dict[str, Row] = {}
        days: dict[str, list[int]] = defaultdict(list)
        for row in papers:
            name = _text(row, "id")
            if name in rows:
                continue
            if day := str(row.get("list_date") or "")[:10]:
                days[day].append(len(rows))
            rows[name] = row
        index = {name: number for number, name in enumerate(rows)}
        cases = [case for reader in readers for case in _cases_of(reader, index, days)]
        if not cases:
            raise EvaluationError(
                f"No reader picked a paper of a list that is given, after {LEAST_PICKS} others."
            )
        listed = sorted({case.day for case in cases})
        return cls(
            rows=list(rows.values()),
            features=[_features(row, with_authors=with_authors) for row in rows.values()],
            votes=np.array([row.get("upvotes") or 0 for row in rows.values()], dtype=np.float32),
            cases=cases,
            later=listed[len(listed) // 2],
        )

    def is_held_out(self, case: Case) -> bool:
        return case.day >= self.later and not _is_tuner(case)

    def is_tuning(self, case: Case) -> bool:
        return case.day < self.later and _is_tuner(case)

    @cached_property
    def keyword_counts(self) -> Counter[str]:
        """How many papers name each of the keywords."""
        return Counter(word for row in self.rows for word in set(row.get("keywords") or ()))


def _is_tuner(case: Case) -> bool:
    return zlib.crc32(case.reader.encode()) % 2 == 0


def _cases_of(
    reader: Row, index: Mapping[str, int], days: Mapping[str, list[int]]
) -> Iterable[Case]:
    user, items = _text(reader, "user"), reader.get("items")
    if not isinstance(items, list):
        raise EvaluationError(f"Reader {user} has no list of items.")
    known = [item for item in items if _text(item, "id") in index]
    picks = sorted((_text(item, "date"), index[item["id"]]) for item in known)
    for day in sorted({day for day, _ in picks} & days.keys()):
        before = [paper for at, paper in picks if at < day]
        elsewhere = [paper for at, paper in picks if at != day]
        pool = np.array(days[day])
        picked = np.isin(pool, [paper for at, paper in picks if at == day])
        if len(before) >= LEAST_PICKS and picked.any() and not picked.all():
            yield Case(
                user,
                day,
                np.array(before, dtype=np.intp),
                np.array(elsewhere, dtype=np.intp),
                pool,
                picked,
            )


def _text(row: Row, name: str) -> str:
    value = row.get(name) if isinstance(row, Mapping) else None
    if not isinstance(value, str) or not value:
        raise EvaluationError(f"A row has no {name}: {str(row)[:80]}")
    return value


def text_of(row: Row) -> tuple[str, str]:
    """Title and abstract of a paper's row."""
    return str(row["title"]), str(row.get("abstract") or "")


def _features(row: Row, *, with_authors: bool) -> Features:
    return features_of(
        _text(row, "title"),
        str(row.get("abstract") or ""),
        categories=row.get("categories") or (),
        organization=str(row.get("organization") or ""),
        authors=map(str, row.get("authors") or ()) if with_authors else (),
    )


# --- measures ------------------------------------------------------------------------------
def score_of(orders: Sequence[tuple[Case, Floats]]) -> Score:
    """The means over cases with the scores that a ranking gave each of its papers."""
    if not orders:
        return Score(*[float("nan")] * 4)
    means = np.mean([measures(case.picked, scores) for case, scores in orders], axis=0)
    return Score(*means.tolist())


def measures(picked: NDArray[np.bool_], scores: Floats) -> tuple[float, float, float, float]:
    """nDCG@10 with gains of 0 and 1, reciprocal rank, hit rate@10 and AUC of one list.

    Papers of the same score stay in the order of the list, and count half for the AUC.
    """
    hits = picked[np.argsort(-scores, kind="stable")]
    discounts = 1 / np.log2(np.arange(2, _AT + 2))
    top = hits[:_AT]
    ideal = discounts[: min(int(picked.sum()), _AT)].sum()
    ndcg = float((top * discounts[: len(top)]).sum() / ideal)
    ours, others = scores[picked][:, np.newaxis], scores[~picked]
    auc = float((ours > others).mean() + (ours == others).mean() / 2)
    return ndcg, 1 / (int(hits.argmax()) + 1), float(top.any()), auc


# --- ours ----------------------------------------------------------------------------------
class Broadsheet:
    """The ranking that digests are made with. The readers of a day are ranked together, as a
    worker ranks a batch. `cpu` counts the seconds that it took, with the features of the papers
    and the index of the day's at hand, as a press has them."""

    def __init__(
        self,
        collection: Collection,
        topics: Sequence[TopicTerms] = (),
        *,
        holds: Callable[[str, str, str], bool] = lambda title, abstract, word: False,
        shares: Mapping[str, float] = SHARES,
    ) -> None:
        """`holds` says whether a title or an abstract holds a keyword."""
        self.collection = collection
        self._holds = holds
        self.cpu = 0.0
        self._space = Space(collection.features, shares)
        texts = [text_of(row) for row in collection.rows]
        self._fits = topic_fits(texts, topics) if topics else np.zeros((len(texts), 0), np.float32)

    def by_picks(self, cases: Sequence[Case]) -> list[Floats]:
        """Each paper's score by what the readers picked before; all cases of one day."""
        readers, candidates = self._readers_by_picks(cases), self._candidates(cases)
        start = time.process_time()
        parts = contributions(candidates, readers, vote_weight=VOTE_WEIGHT)
        self.cpu += time.process_time() - start
        return list(parts.sum(axis=0))

    def as_sent(self, cases: Sequence[Case]) -> list[Floats]:
        """The places in a digest of ten, with what everyone reads and without exploring, as
        scores; papers that are not sent share the last place."""
        readers, candidates = self._readers_by_picks(cases), self._candidates(cases)
        start = time.process_time()
        chosen = rank(candidates, readers, vote_weight=VOTE_WEIGHT, least=3)
        self.cpu += time.process_time() - start
        found = np.zeros(readers.barred.shape, dtype=np.float32)
        for row, places in enumerate(chosen.places):
            sent = places[places >= 0]
            found[row, sent] = _LENGTH + 1 - np.arange(len(sent))
        return list(found)

    def by_wishes(self, cases: Sequence[Case]) -> list[Floats]:
        """Each paper's score by what somebody new would tell us: the topics and keywords that
        the reader's picks of other days are about."""
        index = Index(self._vectors(cases[0].pool))
        candidates = self._candidates(cases)
        topics = np.stack([self._followed(case) for case in cases])
        keywords = [self._keywords(case) for case in cases]
        pairs = zip(cases, keywords, strict=True)
        held = np.stack([self._held(case.pool, words) for case, words in pairs])
        start = time.process_time()
        theirs = self._space.vectors([wording.as_paper(words) for words in keywords])
        terms = wording.near(index.likeness(theirs)) + np.float32(wording.HOLDS) * held
        parts = contributions(candidates, _readers(topics, terms=terms), vote_weight=VOTE_WEIGHT)
        self.cpu += time.process_time() - start
        return list(parts.sum(axis=0))

    def _followed(self, case: Case) -> Floats:
        """float32 (topics,): 1 for the topics that most of the reader's picks fit."""
        followed = np.zeros(self._fits.shape[1], dtype=np.float32)
        followed[np.argsort(-self._fits[case.elsewhere].sum(axis=0))[:_TOPICS]] = 1
        return followed

    def _held(self, papers: NDArray[np.intp], keywords: Sequence[str]) -> Floats:
        """float32 (papers,): how many of the keywords each of them holds."""
        texts = [text_of(self.collection.rows[paper]) for paper in papers]
        held = [sum(self._holds(*text, word) for word in keywords) for text in texts]
        return np.array(held, dtype=np.float32)

    def _keywords(self, case: Case) -> list[str]:
        """The keywords that most of the reader's picks name, the rarer of equals first."""
        rows, counts = self.collection.rows, self.collection.keyword_counts
        named = Counter(
            word for paper in case.elsewhere for word in set(rows[paper].get("keywords") or ())
        )
        return sorted(named, key=lambda word: (-named[word], counts[word], word))[:_KEYWORDS]

    def _readers_by_picks(self, cases: Sequence[Case]) -> Readers:
        day = self._vectors(cases[0].pool)
        index = Index(day)
        picked = np.unique(np.concatenate([case.before for case in cases]))
        theirs = self._vectors(picked)
        start = time.process_time()
        rows = taste.telling(index.likeness(theirs), day.common)
        tastes = [
            taste.total(rows[np.searchsorted(picked, case.before)], [1.0] * len(case.before))
            for case in cases
        ]
        liking = np.stack(tastes)
        self.cpu += time.process_time() - start
        return _readers(np.zeros((len(cases), self._fits.shape[1]), np.float32), taste=liking)

    def _candidates(self, cases: Sequence[Case]) -> Candidates:
        pool = cases[0].pool
        return Candidates(
            paper_ids=pool.astype(np.int64),
            votes=self.collection.votes[pool],
            fits=self._fits[pool],
            topic_ids=tuple(range(self._fits.shape[1])),
            overlaps=overlaps([self.collection.features[paper] for paper in pool]),
        )

    def _vectors(self, papers: NDArray[np.intp]) -> Vectors:
        return self._space.vectors([self.collection.features[paper] for paper in papers])


def _readers(
    topics: Floats, *, terms: Floats | None = None, taste: Floats | None = None
) -> Readers:
    known = terms if terms is not None else taste
    assert known is not None
    return Readers(
        topics=topics,
        terms=terms,
        taste=taste,
        barred=np.zeros(known.shape, dtype=np.bool_),
        lengths=np.full(len(known), _LENGTH),
        is_exploring=np.zeros(len(known), dtype=np.bool_),
        dice=np.zeros(len(known), dtype=np.float32),
    )


# --- the whole -----------------------------------------------------------------------------
def measure_ours(
    ours: Broadsheet, name: str, scores: Callable[[Sequence[Case]], list[Floats]], history: int = 0
) -> Result:
    """Rank every case by `scores`, a method of `ours`, and say how well. `history`: as if the
    readers had made only the newest so many of their picks; 0 for all."""
    ours.cpu = 0.0
    days: dict[str, list[Case]] = defaultdict(list)
    for case in ours.collection.cases:
        days[case.day].append(replace(case, before=case.before[-history:]))
    orders = [pair for cases in days.values() for pair in zip(cases, scores(cases), strict=True)]
    return _result(ours.collection, name, orders, ours.cpu)


def measure(collection: Collection, name: str, ranker: Ranker) -> Result:
    start = time.process_time()
    orders = [(case, ranker(case)) for case in collection.cases]
    return _result(collection, name, orders, time.process_time() - start)


def _result(
    collection: Collection, name: str, orders: Sequence[tuple[Case, Floats]], cpu: float
) -> Result:
    return Result(
        name,
        held_out=score_of([order for order in orders if collection.is_held_out(order[0])]),
        all=score_of(orders),
        microseconds=cpu / len(orders) * 1e6,
    )
