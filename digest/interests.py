"""What readers care about, read for a whole batch at once and laid before the candidates.

A reader's interests are the rows that they made themselves: topics with more or less, words
and authors, and votes. Nothing is worked out beforehand, so that each change counts with the
very next digest.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from subscribers.models import Subscription, Term

from .cards import title_of
from .matching import features_of_papers
from .models import Edition, Paper
from .ranking import taste
from .ranking.overlap import overlaps
from .ranking.rank import Candidates, Floats
from .ranking.space import Index, Space, Vectors
from .words import contains

Emphasis = Subscription.Emphasis
# By emphasis. A topic that is not there has no weight; what is muted has none either, for it
# never comes.
TOPIC_WEIGHTS: Mapping[int, float] = {
    Emphasis.LESS: -0.5,
    Emphasis.NORMAL: 1.0,
    Emphasis.MORE: 1.5,
}
TERM_WEIGHTS: Mapping[str, float] = {Term.Kind.KEYWORD: 0.6, Term.Kind.AUTHOR: 0.8}
# After this long a vote counts for half, and only the newest count at all.
HALF_LIFE = timedelta(days=180)
MOST_VOTES = 100
# The papers that tell how rare a word is.
BACKGROUND = 3000


class _Term(NamedTuple):
    kind: str
    key: str
    text: str
    is_muted: bool


class _Like(NamedTuple):
    """A vote that counts: for the paper if `weight` is above 0, else against what is like it."""

    paper_id: int
    weight: float


@dataclass(frozen=True, slots=True)
class Interests:
    """A batch's, by subscriber. `topics` maps to (topic id, emphasis)."""

    topics: Mapping[int, Sequence[tuple[int, int]]]
    terms: Mapping[int, Sequence[_Term]]
    likes: Mapping[int, Sequence[_Like]]


def read(subscriber_ids: Sequence[int], now: datetime) -> Interests:
    """The interests of these readers, in three queries."""
    topics: dict[int, list[tuple[int, int]]] = defaultdict(list)
    terms: dict[int, list[_Term]] = defaultdict(list)
    likes: dict[int, list[_Like]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT subscriber_id, topic_id, emphasis FROM subscribers_subscription
            WHERE subscriber_id = ANY(%s)
            """,
            [list(subscriber_ids)],
        )
        for reader, topic_id, emphasis in cursor.fetchall():
            topics[reader].append((topic_id, emphasis))
        cursor.execute(
            """
            SELECT subscriber_id, kind, key, text, is_muted FROM subscribers_term
            WHERE subscriber_id = ANY(%s)
            """,
            [list(subscriber_ids)],
        )
        for reader, *term in cursor.fetchall():
            terms[reader].append(_Term(*term))
        cursor.execute(
            """
            SELECT reader.id, newest.paper_id, newest.value, newest.at
            FROM unnest(%s::bigint[]) reader(id), LATERAL (
                SELECT paper_id, value, at FROM digest_vote
                WHERE subscriber_id = reader.id ORDER BY at DESC LIMIT %s
            ) newest
            """,
            [list(subscriber_ids), MOST_VOTES],
        )
        for reader, paper_id, value, at in cursor.fetchall():
            likes[reader].append(_Like(paper_id, value * 0.5 ** ((now - at) / HALF_LIFE)))
    return Interests(topics, terms, likes)


@lru_cache(maxsize=4)
def space_of(edition_id: int) -> Space:
    """What was known of words when the edition closed; the same for all its readers."""
    edition = Edition.objects.get(pk=edition_id)
    papers = Paper.objects.filter(first_seen_at__lte=edition.closed_at)
    newest = papers.order_by("-first_seen_at", "-pk")[:BACKGROUND]
    return Space(list(features_of_papers(newest).values()))


@dataclass(slots=True)
class Shelf:
    """The candidates of a window, ready to be compared with what readers like and write.

    Kept with the press: what one reader's vote has brought in serves all others.
    """

    space: Space
    vectors: Vectors
    index: Index
    overlaps: Floats
    papers: Sequence[Paper]
    _rows: dict[int, int] = field(default_factory=dict)
    _titles: dict[int, str] = field(default_factory=dict)
    _likeness: Floats = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    _masks: dict[tuple[str, str], NDArray[np.bool_]] = field(default_factory=dict)

    @classmethod
    def of(cls, edition_id: int, papers: Sequence[Paper]) -> "Shelf":
        space = space_of(edition_id)
        features = features_of_papers(papers)
        listed = [features[paper.pk] for paper in papers]
        vectors = space.vectors(listed)
        return cls(space, vectors, Index(vectors), overlaps(listed), papers)

    def likeness(self, paper_ids: Sequence[int]) -> Floats:
        """float32 (papers, n): how like each of these papers the candidates are."""
        if unknown := sorted(set(paper_ids) - self._rows.keys()):
            self._add(unknown)
        return self._likeness[[self._rows[paper_id] for paper_id in paper_ids]]

    def title(self, paper_id: int) -> str:
        """The title of a paper that `likeness` was asked for."""
        return self._titles[paper_id]

    def has(self, kind: str, key: str) -> NDArray[np.bool_]:
        """bool (n,): which candidates hold the keyword, or are by the author."""
        found = self._masks.get((kind, key))
        if found is None:
            if len(self._masks) > _MOST_KEPT:
                self._masks.clear()
            found = np.array([contains(paper, kind, key) for paper in self.papers], dtype=np.bool_)
            self._masks[kind, key] = found
        return found

    def _add(self, paper_ids: Sequence[int]) -> None:
        if len(self._rows) + len(paper_ids) > _MOST_KEPT:
            self._rows.clear()
            self._likeness = self._likeness[:0]
        papers = Paper.objects.in_bulk(paper_ids)
        features = features_of_papers(papers.values())
        others = self.space.vectors([features[paper_id] for paper_id in paper_ids])
        rows = taste.telling(self.index.likeness(others), self.vectors.common)
        self._likeness = np.concatenate([self._likeness.reshape(-1, rows.shape[1]), rows])
        start = len(self._rows)
        self._rows |= {paper_id: start + number for number, paper_id in enumerate(paper_ids)}
        self._titles |= {pk: title_of(paper) for pk, paper in papers.items()}


# A window's memory of votes and words: at 60 candidates five megabytes.
_MOST_KEPT = 20_000


class Laid(NamedTuple):
    """A group of r readers' interests before n candidates; see ``ranking.rank.Readers``."""

    topics: Floats
    terms: Floats | None
    taste: Floats | None
    muted: NDArray[np.bool_]


def lay(readers: Sequence[int], interests: Interests, candidates: Candidates, shelf: Shelf) -> Laid:
    """The interests of `readers` (subscriber ids) as arrays, in their order."""
    topics = _topics(readers, interests, candidates, TOPIC_WEIGHTS)
    # What a mute of a topic takes away is every paper that it fits.
    never = _topics(readers, interests, candidates, {Emphasis.MUTED: 1.0})
    muted = never @ candidates.fits.T > 0
    terms = np.zeros(muted.shape, dtype=np.float32)
    liking = np.zeros(muted.shape, dtype=np.float32)
    for row, reader in enumerate(readers):
        for term in interests.terms.get(reader, ()):
            has = shelf.has(term.kind, term.key)
            if term.is_muted:
                muted[row] |= has
            else:
                terms[row] += TERM_WEIGHTS[term.kind] * has
        if likes := interests.likes.get(reader):
            liking[row] = _shares_of_likes(likes, shelf).sum(axis=0)
    return Laid(topics, terms if terms.any() else None, liking if liking.any() else None, muted)


def strongest_term(terms: Sequence[_Term], shelf: Shelf, place: int) -> _Term:
    """The followed term that adds most to the candidate at `place`; one that is there must be."""
    there = [term for term in terms if not term.is_muted and shelf.has(term.kind, term.key)[place]]
    return max(there, key=lambda term: (TERM_WEIGHTS[term.kind], len(term.key)))


def strongest_like(likes: Sequence[_Like], shelf: Shelf, place: int) -> int:
    """The paper whose vote adds most to the candidate at `place`."""
    return likes[int(_shares_of_likes(likes, shelf)[:, place].argmax())].paper_id


def _shares_of_likes(likes: Sequence[_Like], shelf: Shelf) -> Floats:
    likeness = shelf.likeness([like.paper_id for like in likes])
    return taste.shares(likeness, [like.weight for like in likes])


def _topics(
    readers: Sequence[int],
    interests: Interests,
    candidates: Candidates,
    weight_of: Mapping[int, float],
) -> Floats:
    """float32 (readers, topics): the weight of each topic by its emphasis, 0 where it has none."""
    column = {topic: number for number, topic in enumerate(candidates.topic_ids)}
    weights = np.zeros((len(readers), len(column)), dtype=np.float32)
    for row, reader in enumerate(readers):
        for topic, emphasis in interests.topics.get(reader, ()):
            if topic in column and emphasis in weight_of:
                weights[row, column[topic]] = weight_of[emphasis]
    return weights
