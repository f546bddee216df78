"""The interests of a group of readers as arrays over the candidates, and what weighed most."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from digest.ranking import taste, weights
from digest.ranking.batch import Bools, Candidates, Floats, Hold

from .candidate_index import HELD, CandidateIndex
from .interests import TOPIC_WEIGHTS, Emphasis, Interests, Like, TermRow

# How many numbers the arrays of a block of readers hold at most, which bounds the memory.
_AT_ONCE = 2_000_000
_Item = TypeVar("_Item")


class InterestArrays(NamedTuple):
    """The interests of r readers in n candidates on t topics.

    All but the last are those of ``ranking.batch.Readers``. `muted` bool (r, n) is true for papers
    that must not be sent: those that the reader muted, and those that the reader knows already.
    """

    topics: Floats
    terms: Floats | None
    holds: NDArray[np.int8] | None
    taste: Floats | None
    nearest: Floats | None
    disliked: Bools | None
    votes: Floats
    muted: Bools


def arrays_for(
    readers: Sequence[int], interests: Interests, candidates: Candidates, index: CandidateIndex
) -> InterestArrays:
    """Return the interests of `readers` (subscriber ids), in their order."""
    topics = _topics(readers, interests, candidates, TOPIC_WEIGHTS)
    # A muted topic bars every paper that fits it.
    muted_topics = _topics(readers, interests, candidates, {Emphasis.MUTED: 1.0})
    muted = muted_topics @ candidates.fits.T > 0
    terms, holds = _terms(readers, interests, index, muted)
    liking = _likings(readers, interests, index, muted)
    return InterestArrays(topics, terms, holds, *liking, muted)


class Followed:
    """The words and authors that one reader follows, to tell what a candidate has most of."""

    def __init__(self, terms: Sequence[TermRow], index: CandidateIndex) -> None:
        self._terms = [term for term in terms if not term.is_muted]
        self._strengths = index.strengths(self._terms)

    def strongest(self, place: int) -> tuple[TermRow, bool]:
        """Return the term that the candidate at `place` has most of (``batch.Hold``).

        Of equals, the one that it is closest to. Also returns whether the paper holds the term, and
        not only its words. At least one term must be followed.
        """
        own = [strengths[place] for strengths in self._strengths]
        most = max(own)
        return self._terms[own.index(most)], most >= HELD


class Liked:
    """The papers that one reader likes, to tell which is most similar to a candidate."""

    def __init__(self, likes: Sequence[Like], index: CandidateIndex) -> None:
        self._likes = [like for like in likes if like.weight > 0]
        self._rows = index.rows([like.paper_id for like in self._likes])
        self._compared = index.compared

    def nearest(self, place: int) -> Like:
        """Return the paper most similar to the candidate at `place`. One must be liked."""
        return self._likes[int(self._compared[self._rows, place].argmax())]


class _Block(NamedTuple, Generic[_Item]):
    """The items of some readers in one row: those of `rows[i]` begin at `starts[i]`."""

    rows: list[int]
    starts: NDArray[np.intp]
    items: list[_Item]


def _blocks(of_rows: Mapping[int, Sequence[_Item]], width: int) -> Iterator[_Block[_Item]]:
    """Yield all items in blocks of readers, small enough for arrays of this width."""
    most = max(_AT_ONCE // max(width, 1), 1)
    rows: list[int] = []
    items: list[_Item] = []
    starts: list[int] = []
    for row, own in of_rows.items():
        if items and len(items) + len(own) > most:
            yield _Block(rows, np.array(starts), items)
            rows, items, starts = [], [], []
        rows.append(row)
        starts.append(len(items))
        items.extend(own)
    if items:
        yield _Block(rows, np.array(starts), items)


def _terms(
    readers: Sequence[int], interests: Interests, index: CandidateIndex, muted: Bools
) -> tuple[Floats | None, NDArray[np.int8] | None]:
    """Return what words add to the scores, and what the papers hold. Bars what is muted.

    The two are None if nobody follows anything.
    """
    terms = np.zeros(muted.shape, dtype=np.float32)
    holds = np.zeros(muted.shape, dtype=np.int8)
    followed: dict[int, list[TermRow]] = {}
    for row, reader in enumerate(readers):
        for term in interests.terms.get(reader, ()):
            if term.is_muted:
                muted[row] |= index.holds(term.kind, term.key) >= Hold.KEYWORD
            else:
                followed.setdefault(row, []).append(term)
    for rows, starts, every in _blocks(followed, muted.shape[1]):
        at = index.terms(every)
        holds[rows] = np.maximum.reduceat(index.held[at], starts, axis=0)
        terms[rows] = np.add.reduceat(index.added[at], starts, axis=0)
        # As if the terms were one: chance makes their sum grow with the root of their number.
        terms[rows] /= np.sqrt(np.diff([*starts, len(every)]))[:, np.newaxis]
    return terms if terms.any() else None, holds if holds.any() else None


class _Likings(NamedTuple):
    """What likes say, as in `InterestArrays`."""

    taste: Floats | None
    nearest: Floats | None
    disliked: Bools | None
    votes: Floats


def _likings(
    readers: Sequence[int], interests: Interests, index: CandidateIndex, muted: Bools
) -> _Likings:
    """Return what likes say of each candidate. Bars papers that the reader knows already."""
    shape = muted.shape
    tastes, nearest = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    disliked, votes = np.zeros(shape, dtype=np.bool_), np.zeros(shape[0], dtype=np.float32)
    liking = {row: own for row, one in enumerate(readers) if (own := interests.likes.get(one))}
    for rows, starts, likes in _blocks(liking, shape[1]):
        counts = np.array([like.weight for like in likes], dtype=np.float32)
        similarity = index.similarity([like.paper_id for like in likes])
        tastes[rows] = taste.tastes(similarity, counts, starts)
        votes[rows] = np.add.reduceat(np.maximum(counts, 0), starts)
        is_up = (counts > 0)[:, np.newaxis]
        if not is_up.all():
            down = np.maximum.reduceat(np.where(is_up, 0, similarity), starts, axis=0)
            disliked[rows] = down >= weights.CLEAR_LIKENESS
            similarity[~is_up[:, 0]] = 0
        nearest[rows] = np.maximum.reduceat(similarity, starts, axis=0)
    for row, own in liking.items():
        # Readers know the papers they voted on or opened. A candidate among them would
        # otherwise come first, because nothing is more similar to it than itself.
        known = [index.places[like.paper_id] for like in own if like.paper_id in index.places]
        muted[row, known] = True
    if not liking:
        return _Likings(None, None, None, votes)
    disliked &= tastes < weights.CLEAR_TASTE
    return _Likings(tastes, nearest, disliked if disliked.any() else None, votes)


def _topics(
    readers: Sequence[int],
    interests: Interests,
    candidates: Candidates,
    weight_of: Mapping[int, float],
) -> Floats:
    """Return the weight of each topic by its emphasis: float32 (readers, topics).

    It is 0 for topics that a reader did not choose, and where `weight_of` lacks the emphasis.
    """
    column = {topic: number for number, topic in enumerate(candidates.topic_ids)}
    weights = np.zeros((len(readers), len(column)), dtype=np.float32)
    for row, reader in enumerate(readers):
        for topic, emphasis in interests.topics.get(reader, ()):
            if topic in column and emphasis in weight_of:
                weights[row, column[topic]] = weight_of[emphasis]
    return weights
