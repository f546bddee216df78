"""The interests of a group of readers as arrays over the candidates, and what weighed most."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from digest.ranking import taste, weights
from digest.ranking.batch import Bools, Candidates, Floats, Hold

from .candidate_index import HELD, CandidateIndex
from .interests import TOPIC_WEIGHTS, Interests, Like, TermRow

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
    topics, muted_topics = _topics(readers, interests, candidates)
    # A muted topic bars every paper that fits it.
    muted = muted_topics @ candidates.fits.T > 0
    terms, holds = _terms(readers, interests, index, muted)
    liking = _likings(readers, interests, index, muted)
    return InterestArrays(topics, terms, holds, *liking, muted)


class Places(NamedTuple):
    """Candidates of some readers: int64 (k,) each, and `rows` ascends."""

    rows: NDArray[np.int64]
    places: NDArray[np.int64]


def strongest_terms(
    readers: Sequence[int], interests: Interests, index: CandidateIndex, chosen: Places
) -> Iterator[tuple[tuple[int, int], tuple[TermRow, bool]]]:
    """Yield (row, place) and the strongest term of chosen candidates, whose readers follow some.

    It is the term that the candidate has most of (``batch.Hold``), of equals the closest. The last
    tells whether the paper holds the term, and not only its words.
    """
    terms = {row: interests.terms[readers[row]] for row in np.unique(chosen.rows).tolist()}
    followed = {row: [term for term in own if not term.is_muted] for row, own in terms.items()}
    for block in _blocks(followed, len(index.papers)):
        rows, places = _within(block, chosen)
        at = np.array(index.terms(block.items))
        numbers, strengths = _most(block, rows, places, at, index.strengths)
        found = [block.items[number] for number in numbers.tolist()]
        held = (strengths >= HELD).tolist()
        at_places = zip(rows.tolist(), places.tolist(), strict=True)
        yield from zip(at_places, zip(found, held, strict=True), strict=True)


def nearest_likes(
    readers: Sequence[int], interests: Interests, index: CandidateIndex, chosen: Places
) -> Iterator[tuple[tuple[int, int], tuple[Like, str]]]:
    """Yield (row, place) and the nearest like of chosen candidates, whose readers like some paper.

    It is the liked paper that is most similar to the candidate. The last is its title.
    """
    likes = {row: interests.likes[readers[row]] for row in np.unique(chosen.rows).tolist()}
    up = {row: [like for like in own if like.weight > 0] for row, own in likes.items()}
    for block in _blocks(up, len(index.papers)):
        rows, places = _within(block, chosen)
        at = np.array(index.rows([like.paper_id for like in block.items]))
        numbers, _similarity = _most(block, rows, places, at, index.compared)
        found = [block.items[number] for number in numbers.tolist()]
        titles = [index.title(like.paper_id) for like in found]
        at_places = zip(rows.tolist(), places.tolist(), strict=True)
        yield from zip(at_places, zip(found, titles, strict=True), strict=True)


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


def _within(block: _Block[_Item], chosen: Places) -> Places:
    """Return those of the chosen candidates whose readers are in the block."""
    start, stop = np.searchsorted(chosen.rows, [block.rows[0], block.rows[-1] + 1])
    return Places(chosen.rows[start:stop], chosen.places[start:stop])


def _most(
    block: _Block[_Item],
    rows: NDArray[np.int64],
    places: NDArray[np.int64],
    at: NDArray[np.int64],
    values: Floats,
) -> tuple[NDArray[np.int64], Floats]:
    """Return which item of its reader's has the most of each place, and how much: (k,) each.

    `at` says in which row of `values` each item of the block is.
    """
    starts = np.append(block.starts, len(block.items))
    owners = np.searchsorted(block.rows, rows)
    own = starts[owners][:, np.newaxis] + np.arange(np.diff(starts).max())
    is_own = own < starts[owners + 1][:, np.newaxis]
    own = np.where(is_own, own, 0)
    found = np.where(is_own, values[at[own], places[:, np.newaxis]], -np.inf)
    best = found.argmax(axis=1)[:, np.newaxis]
    chosen, most = (np.take_along_axis(each, best, axis=1)[:, 0] for each in (own, found))
    return chosen, most


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
        every = interests.terms.get(reader, ())
        if own := [term for term in every if not term.is_muted]:
            followed[row] = own
        if len(own) < len(every):
            for term in every:
                if term.is_muted:
                    muted[row] |= index.holds(term.kind, term.key) >= Hold.KEYWORD
    for rows, starts, every in _blocks(followed, muted.shape[1]):
        at = np.array(index.terms(every))
        holds[rows] = np.maximum.reduceat(index.held.take(at, axis=0), starts, axis=0)
        terms[rows] = np.add.reduceat(index.added.take(at, axis=0), starts, axis=0)
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
    for rows, starts, likes in _blocks_alike(liking, shape[1]):
        paper_ids = [like.paper_id for like in likes]
        is_own = _padded(starts, len(likes))
        counts = np.zeros(is_own.shape, dtype=np.float32)
        counts[is_own] = [like.weight for like in likes]
        similarity = _similarity(index, paper_ids, is_own)
        tastes[rows] = taste.tastes(similarity, counts)
        votes[rows] = np.maximum(counts, 0).sum(axis=1)
        is_down = counts < 0
        if is_down.any():
            down = np.where(is_down[:, :, np.newaxis], similarity, 0).max(axis=1)
            disliked[rows] = down >= weights.CLEAR_LIKENESS
            similarity[is_down] = 0
        nearest[rows] = similarity.max(axis=1)
        # Readers know the papers they voted on or opened. A candidate among them would
        # otherwise come first, because nothing is more similar to it than itself.
        if not index.places.keys().isdisjoint(paper_ids):
            at = np.array([index.places.get(paper_id, -1) for paper_id in paper_ids])
            owners = np.repeat(rows, np.diff([*starts, len(at)]))
            muted[owners[at >= 0], at[at >= 0]] = True
    if not liking:
        return _Likings(None, None, None, votes)
    disliked &= tastes < weights.CLEAR_TASTE
    return _Likings(tastes, nearest, disliked if disliked.any() else None, votes)


def _blocks_alike(of_rows: Mapping[int, Sequence[_Item]], width: int) -> Iterator[_Block[_Item]]:
    """Yield all items in blocks of readers with about as many: so many binary digits."""
    alike: dict[int, dict[int, Sequence[_Item]]] = {}
    for row, own in of_rows.items():
        alike.setdefault(len(own).bit_length(), {})[row] = own
    for of_some in alike.values():
        yield from _blocks(of_some, width)


def _padded(starts: NDArray[np.intp], number: int) -> Bools:
    """Return which places readers' items take in rows of equal length: bool (readers, k).

    `number` items of these readers begin at `starts`. The length depends on the digits of the
    numbers alone, so a reader's sums do not depend on who else is in the block.
    """
    numbers = np.diff(starts, append=number)
    length = 2 ** int(numbers.max()).bit_length() - 1
    is_own: Bools = np.arange(length) < numbers[:, np.newaxis]
    return is_own


def _similarity(index: CandidateIndex, paper_ids: Sequence[int], is_own: Bools) -> Floats:
    """Return the similarity to each reader's papers: float32 (readers, k, n), 0 without one."""
    at = np.zeros(is_own.shape, dtype=np.intp)
    at[is_own] = index.rows(paper_ids)
    # Quicker than indexing, and there is much to copy.
    similarity: Floats = index.compared.take(at, axis=0)
    similarity[~is_own] = 0
    return similarity


def _topics(
    readers: Sequence[int], interests: Interests, candidates: Candidates
) -> tuple[Floats, Floats]:
    """Return the weight of each topic, and 1 for those that are muted: float32 (readers, topics).

    Both are 0 for topics that a reader did not choose.
    """
    column = {topic: number for number, topic in enumerate(candidates.topic_ids)}
    weights, muted = np.zeros((2, len(readers), len(column)), dtype=np.float32)
    for row, reader in enumerate(readers):
        for topic, emphasis in interests.topics.get(reader, ()):
            if (at := column.get(topic)) is None:
                continue
            if emphasis in TOPIC_WEIGHTS:
                weights[row, at] = TOPIC_WEIGHTS[emphasis]
            else:
                muted[row, at] = 1
    return weights, muted
