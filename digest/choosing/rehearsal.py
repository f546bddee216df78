"""Composes digests for days of the past, to measure what readers would have been sent.

Runs the code that composes real digests, on values instead of rows: no database is needed. What
is known on a day comes from earlier days only.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from digest.models import Paper
from digest.ranking.batch import Candidates, Floats, Readers
from digest.ranking.measuring.collection import Case, Collection, text_of
from digest.ranking.overlap import overlaps
from digest.ranking.rank import contributions
from digest.ranking.space import SHARES, Index, Space
from digest.ranking.tfidf import TopicTerms, topic_fits
from digest.ranking.typical import NEWEST, Library
from digest.ranking.weights import VOTES
from subscribers.models import Subscription, Term
from subscribers.wishes import terms

from . import reasons
from .arrays import arrays_for
from .candidate_index import BACKGROUND, CandidateIndex
from .candidates import CandidateSet
from .composing import Request, readers_of, select
from .interests import HALF_LIFE, Interests, Like, TermRow

Emphasis = Subscription.Emphasis
# Readers follow a topic if their picks fit it this well on average: one in seven clearly does.
_FOLLOWED = 0.1
# Of which topics they want more: those that their picks fit so many times better than the least.
_MUCH_BETTER = 1.5


@dataclass(frozen=True, slots=True)
class Known:
    """What the readers of a rehearsal told: how many topics and keywords, and the newest picks.

    Topics and keywords are those that the reader's picks of other days are about. There may be
    fewer topics. `picks` is None if all are known. `is_exploring` keeps a place off their path.
    With `says_more`, they want more of the topics that their picks fit much better than the least.
    """

    topics: int = 0
    keywords: int = 0
    picks: int | None = None
    is_exploring: bool = False
    says_more: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A digest: the places of its papers in the case's pool, and their reasons' codes."""

    places: Sequence[int]
    reasons: Sequence[str]
    chances: Sequence[int]


class Rehearsal:
    """The readers of a day are ranked together, as a worker ranks a batch.

    `cpu` counts the seconds of CPU time that this took. Features, spaces and the comparison of
    papers with each other are made before, because workers have them cached.
    """

    def __init__(
        self,
        collection: Collection,
        topics: Sequence[TopicTerms] = (),
        *,
        shares: Mapping[str, float] = SHARES,
        length: int = 10,
    ) -> None:
        self.collection, self.cpu = collection, 0.0
        self._shares, self._length = shares, length
        texts = [text_of(row) for row in collection.rows]
        self._fits = topic_fits(texts, topics) if topics else np.zeros((len(texts), 0), np.float32)
        self._is_rest = np.array([topic.is_rest for topic in topics], dtype=np.bool_)
        self._spaces: dict[tuple[int, ...], Space] = {}
        self._days: dict[str, CandidateSet] = {}

    def scores(self, cases: Sequence[Case], known: Known) -> list[Floats]:
        """Return each paper's score in each case. All cases must be of one day."""
        candidates, readers = self.arrays(cases, known)
        with self._timed():
            parts = contributions(candidates, readers, vote_weight=VOTES)
        return list(parts.sum(axis=0))

    def arrays(self, cases: Sequence[Case], known: Known) -> tuple[Candidates, Readers]:
        """Return the day's papers and the readers of the cases, as ranking takes them."""
        available, interests = self._prepared(cases, known)
        with self._timed():
            rows = range(len(cases))
            arrays = arrays_for(rows, interests, available.candidates, available.index)
            readers = readers_of(self._requests(cases, known), arrays, _none_sent(cases))
        return available.candidates, readers

    def sent(self, cases: Sequence[Case], known: Known) -> list[Sent]:
        """Return the digest of each case. All cases must be of one day."""
        available, interests = self._prepared(cases, known)
        with self._timed():
            group, none = self._requests(cases, known), _none_sent(cases)
            selections, _ = select(group, available, interests, none, vote_weight=VOTES)
            return [
                Sent(
                    [place for _, place in picks],
                    selections.reasons(row, picks),
                    [numbers[-1] for numbers in selections.contributions(row, picks)],
                )
                for row in range(len(cases))
                for picks in [selections.picks(row)]
            ]

    def words(self, reason: str, topics: Sequence[TopicTerms]) -> str:
        """Return a reason in words; `topics` are those of the rehearsal."""
        return reasons.words(reason, {number: topic.name for number, topic in enumerate(topics)})

    @contextmanager
    def _timed(self) -> Iterator[None]:
        start = time.process_time()
        yield
        self.cpu += time.process_time() - start

    def _requests(self, cases: Sequence[Case], known: Known) -> list[Request]:
        edition = date.fromisoformat(cases[0].day).toordinal()
        return [
            Request(row, edition, row, "daily", self._length, "en", known.is_exploring, None)
            for row in range(len(cases))
        ]

    def _prepared(self, cases: Sequence[Case], known: Known) -> tuple[CandidateSet, Interests]:
        day = cases[0].day
        if day not in self._days:
            self._days[day] = self._candidates(day, cases[0].pool)
        available = self._days[day]
        self._remember(available.index, cases)
        return available, Interests(
            topics={row: self.topics(case, known) for row, case in enumerate(cases)},
            terms={row: self._terms(case, known.keywords) for row, case in enumerate(cases)},
            likes={row: _likes(case, known.picks) for row, case in enumerate(cases)},
        )

    def _remember(self, index: CandidateIndex, cases: Sequence[Case]) -> None:
        """Compare the papers of the day with all that its readers picked before."""
        picked = np.concatenate([case.before for case in cases]).tolist()
        if liked := sorted(index.unknown(picked)):
            titles = {paper: text_of(self.collection.rows[paper])[0] for paper in liked}
            index.remember({paper: self.collection.features[paper] for paper in liked}, titles)

    def _candidates(self, day: str, pool: NDArray[np.intp]) -> CandidateSet:
        rows, features = self.collection.rows, [self.collection.features[paper] for paper in pool]
        papers = [_paper(paper, rows[paper]) for paper in pool.tolist()]
        space = self._space(day)
        vectors, alike = space.vectors(features), overlaps(features)
        index, places = Index(vectors), {paper: place for place, paper in enumerate(pool.tolist())}
        typical = self._library.compared(index, vectors, places)
        candidates = Candidates(
            paper_ids=pool.astype(np.int64),
            votes=self.collection.votes[pool],
            fits=self._fits[pool],
            topic_ids=tuple(range(self._fits.shape[1])),
            overlaps=alike,
            closeness=typical.of_topics(self._fits[pool]),
        )
        kept = CandidateIndex(space, vectors, index, typical, alike, papers, places)
        return CandidateSet(date.fromisoformat(day), candidates, kept)

    def _space(self, day: str) -> Space:
        before = tuple(self.collection.before(day, BACKGROUND))
        if before not in self._spaces:
            self._spaces.clear()
            papers = [self.collection.features[paper] for paper in before]
            space = self._spaces[before] = Space(papers, self._shares)
            newest = before[-NEWEST:]
            fits = self._fits[list(newest)]
            self._library = Library(space, newest, papers[-NEWEST:], fits)
        return self._spaces[before]

    def topics(self, case: Case, known: Known) -> list[tuple[int, int]]:
        """Return the topics that the reader's other picks fit best, of those that they fit at all.

        Nobody follows a topic that hardly any of their papers fit, or the one for the rest.
        """
        mean = np.where(self._is_rest, 0, self._fits[case.elsewhere].mean(axis=0))
        best = np.argsort(-mean, kind="stable")[: known.topics]
        followed = best[mean[best] >= _FOLLOWED].tolist()
        much = _MUCH_BETTER * min(mean[followed], default=0) if known.says_more else np.inf
        return [
            (topic, Emphasis.MORE if mean[topic] >= much else Emphasis.NORMAL) for topic in followed
        ]

    def _terms(self, case: Case, number: int) -> list[TermRow]:
        """Return the keywords that most of the other picks name, of equals the rarer first."""
        rows, counts = self.collection.rows, self.collection.keyword_counts
        named = Counter(
            word for paper in case.elsewhere for word in set(rows[paper].get("keywords") or ())
        )
        best = sorted(named, key=lambda word: (-named[word], counts[word], word))[:number]
        return [TermRow(Term.Kind.KEYWORD, terms.key(word), word, False) for word in best]


def _likes(case: Case, number: int | None) -> list[Like]:
    start = 0 if number is None else len(case.before) - number
    fading = 0.5 ** (case.ages / np.float32(HALF_LIFE.days))
    pairs = zip(case.before.tolist(), fading.tolist(), strict=True)
    return [Like(paper, weight, reasons.LIKED) for paper, weight in pairs][max(start, 0) :]


def _none_sent(cases: Sequence[Case]) -> NDArray[np.bool_]:
    return np.zeros((len(cases), len(cases[0].pool)), dtype=np.bool_)


def _paper(number: int, row: Mapping[str, object]) -> Paper:
    title, abstract = text_of(row)
    return Paper(pk=number, title=title, abstract=abstract)
