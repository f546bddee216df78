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

from digest.models import Edition, Paper, Vote
from digest.papers.cards import title_of
from digest.papers.matching import features_of_papers
from digest.ranking import taste, wording
from digest.ranking.overlap import overlaps
from digest.ranking.rank import Candidates, Floats
from digest.ranking.space import Index, Space, Vectors
from subscribers.models import Subscription, Term

from . import reasons
from .keywords import contains

Emphasis = Subscription.Emphasis
# By emphasis. A topic that is not there has no weight; what is muted has none either, for it
# never comes.
TOPIC_WEIGHTS: Mapping[int, float] = {
    Emphasis.LESS: -0.5,
    Emphasis.NORMAL: 1.0,
    Emphasis.MORE: 1.5,
}
# A paper by somebody whom the reader named should come, whatever it is about.
TERM_WEIGHTS: Mapping[str, float] = {Term.Kind.KEYWORD: wording.HOLDS, Term.Kind.AUTHOR: 3.0}
# After this long a vote counts for half, and only the newest count at all.
HALF_LIFE = timedelta(days=180)
MOST_VOTES = 100
# To open a paper is to be curious, not yet to like it: five count as much as a vote up, and fade
# like votes. The newest of the last digests count, all together no more than six votes.
CLICK_WEIGHT = 0.2
MOST_CLICKS = 30
CLICKED_DIGESTS = 30
# The papers that tell how rare a word is.
BACKGROUND = 3000


class _Term(NamedTuple):
    kind: str
    key: str
    text: str
    is_muted: bool


class Like(NamedTuple):
    """A vote that counts: for the paper if `weight` is above 0, else against what is like it.
    Or a click, which says less. `code` is the kind of reason that it makes."""

    paper_id: int
    weight: float
    code: str


@dataclass(frozen=True, slots=True)
class Interests:
    """A batch's, by subscriber. `topics` maps to (topic id, emphasis)."""

    topics: Mapping[int, Sequence[tuple[int, int]]]
    terms: Mapping[int, Sequence[_Term]]
    likes: Mapping[int, Sequence[Like]]


_VOTES = """
    SELECT paper_id, value, at, origin FROM digest_vote
    WHERE subscriber_id = reader.id ORDER BY at DESC LIMIT %(votes)s
"""
_CODES: Mapping[str, str] = {
    Vote.Origin.MAIL: reasons.LIKED,
    Vote.Origin.EXAMPLE: reasons.PICKED,
    Vote.Origin.IMPORT: reasons.PICKED,
    "click": reasons.OPENED,
}
# A reader's own word on a paper overrules that they opened it.
_CLICKS = """
    SELECT click.paper_id, 1, max(click.at) AS at, 'click'
    FROM (
        SELECT id FROM digest_digest WHERE subscriber_id = reader.id
        ORDER BY edition_id DESC LIMIT %(digests)s
    ) had JOIN digest_click click ON click.digest_id = had.id
    WHERE NOT click.is_machine AND NOT EXISTS (
        SELECT FROM digest_vote said
        WHERE said.subscriber_id = reader.id AND said.paper_id = click.paper_id
    )
    GROUP BY click.paper_id ORDER BY at DESC LIMIT %(clicks)s
"""


def read(subscriber_ids: Sequence[int], now: datetime, *, with_clicks: bool = False) -> Interests:
    """The interests of these readers, in three queries. Clicks teach only if `with_clicks`, and
    those of programs never."""
    topics: dict[int, list[tuple[int, int]]] = defaultdict(list)
    terms: dict[int, list[_Term]] = defaultdict(list)
    likes: dict[int, list[Like]] = defaultdict(list)
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
        newest = f"({_VOTES}) UNION ALL ({_CLICKS})" if with_clicks else _VOTES
        cursor.execute(
            f"""
            SELECT reader.id, newest.*
            FROM unnest(%(readers)s::bigint[]) reader(id), LATERAL ({newest}) newest
            """,
            {
                "readers": list(subscriber_ids),
                "votes": MOST_VOTES,
                "clicks": MOST_CLICKS,
                "digests": CLICKED_DIGESTS,
            },
        )
        for reader, paper_id, value, at, origin in cursor.fetchall():
            weight = CLICK_WEIGHT if origin == "click" else value
            faded = weight * 0.5 ** ((now - at) / HALF_LIFE)
            likes[reader].append(Like(paper_id, faded, _CODES[origin]))
    return Interests(topics, terms, likes)


@lru_cache(maxsize=4)
def space_of(edition_id: int) -> Space:
    """What was known of words when the edition closed; the same for all its readers."""
    edition = Edition.objects.get(pk=edition_id)
    papers = Paper.objects.filter(first_seen_at__lte=edition.closed_at)
    newest = papers.order_by("-first_seen_at", "-pk")[:BACKGROUND]
    return Space(list(features_of_papers(newest).values()))


@dataclass(slots=True)
class CandidateIndex:
    """The candidates of a window, ready to be compared with what readers like and write.

    `places` says by its id where a paper stands among `papers`.
    Kept with the press: what one reader's vote has brought in serves all others.
    """

    space: Space
    vectors: Vectors
    index: Index
    overlaps: Floats
    papers: Sequence[Paper]
    places: Mapping[int, int]
    _rows: dict[int, int] = field(default_factory=dict)
    _titles: dict[int, str] = field(default_factory=dict)
    _likeness: Floats = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    _masks: dict[tuple[str, str], NDArray[np.bool_]] = field(default_factory=dict)
    _shares: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    @classmethod
    def of(cls, edition_id: int, papers: Sequence[Paper]) -> "CandidateIndex":
        space = space_of(edition_id)
        features = features_of_papers(papers)
        listed = [features[paper.pk] for paper in papers]
        vectors = space.vectors(listed)
        places = {paper.pk: place for place, paper in enumerate(papers)}
        return cls(space, vectors, Index(vectors), overlaps(listed), papers, places)

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

    def shares(self, term: _Term) -> list[float]:
        """n numbers: what a followed term would add to each candidate if it were the only one."""
        found = self._shares.get((term.kind, term.text))
        if found is None:
            if len(self._shares) > _MOST_SHARES:
                self._shares.clear()
            added = TERM_WEIGHTS[term.kind] * self.has(term.kind, term.key)
            added += self.near([_keywords([term])])[0]
            found = self._shares[term.kind, term.text] = added.tolist()
        return found

    def near(self, keywords: Sequence[Sequence[str]]) -> Floats:
        """float32 (len(keywords), n): how near the candidates are to all words of each set."""
        theirs = self.space.vectors([wording.as_paper(words) for words in keywords])
        return wording.near(self.index.likeness(theirs))

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
_MOST_SHARES = 5_000


class InterestArrays(NamedTuple):
    """A group of r readers' interests before n candidates; see ``ranking.rank.Readers``."""

    topics: Floats
    terms: Floats | None
    taste: Floats | None
    muted: NDArray[np.bool_]


def arrays_for(
    readers: Sequence[int], interests: Interests, candidates: Candidates, shelf: CandidateIndex
) -> InterestArrays:
    """The interests of `readers` (subscriber ids) as arrays, in their order."""
    topics = _topics(readers, interests, candidates, TOPIC_WEIGHTS)
    # What a mute of a topic takes away is every paper that it fits.
    never = _topics(readers, interests, candidates, {Emphasis.MUTED: 1.0})
    muted = never @ candidates.fits.T > 0
    terms = _nearness(readers, interests, shelf, muted.shape[1])
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
            # What they know already is not sent to them, least of all as being like itself.
            known = [shelf.places[like.paper_id] for like in likes if like.paper_id in shelf.places]
            muted[row, known] = True
    return InterestArrays(
        topics, terms if terms.any() else None, liking if liking.any() else None, muted
    )


def _nearness(
    readers: Sequence[int], interests: Interests, shelf: CandidateIndex, number: int
) -> Floats:
    """float32 (readers, number): how near the candidates are to all that each reader follows."""
    nearness = np.zeros((len(readers), number), dtype=np.float32)
    followed = {
        row: words
        for row, reader in enumerate(readers)
        if (words := _keywords(interests.terms.get(reader, ())))
    }
    if followed:
        nearness[list(followed)] = shelf.near(list(followed.values()))
    return nearness


def _keywords(terms: Sequence[_Term]) -> list[str]:
    kind = Term.Kind.KEYWORD
    return [term.text for term in terms if term.kind == kind and not term.is_muted]


def strongest_term(terms: Sequence[_Term], shelf: CandidateIndex, place: int) -> tuple[_Term, bool]:
    """The followed term that adds most to the candidate at `place`, and whether the paper holds
    it, or is only near it."""
    followed = [term for term in terms if not term.is_muted]
    strongest = max(followed, key=lambda term: shelf.shares(term)[place])
    return strongest, bool(shelf.has(strongest.kind, strongest.key)[place])


def strongest_likes(likes: Sequence[Like], shelf: CandidateIndex) -> list[Like]:
    """The vote, or click, that adds most to each of the n candidates."""
    return [likes[number] for number in _shares_of_likes(likes, shelf).argmax(axis=0)]


def _shares_of_likes(likes: Sequence[Like], shelf: CandidateIndex) -> Floats:
    """float32 (likes, n): what each adds to each candidate. A vote down only takes away: to be
    unlike that paper is nothing that the reader asked for, and no reason to give."""
    weights = np.array([like.weight for like in likes], dtype=np.float32)
    shares = taste.shares(shelf.likeness([like.paper_id for like in likes]), weights.tolist())
    shares[weights < 0] = np.minimum(shares[weights < 0], 0)
    return shares


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
