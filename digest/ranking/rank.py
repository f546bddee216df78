"""Which papers for whom, and why: a whole batch of readers at once, as arrays."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# From here on a likeness to what a reader liked is a match, and not an accident; and nearness
# to the words that they follow.
TASTE_LEAST = 0.05
TERMS_LEAST = 0.35
# A light weight for votes is what blended best with content in our measurements.
VOTE_WEIGHT = 0.02
# What a paper loses that is very like one above it, and what for each one above on its topic.
_REPEATING = 0.4
_CROWDING = 0.04
# Two papers that share more than this are one piece of news.
SAME = 0.6
# So long must a selection be before places in it are given to what everyone reads, and to
# something off the reader's path.
_ROOMY = 6


class Part(IntEnum):
    """What a score is the sum of."""

    TOPICS = 0
    TERMS = 1
    TASTE = 2
    VOTES = 3


class Kind(IntEnum):
    """Why a paper was chosen: the part that contributed most, or one of the places apart."""

    TOPIC = 0
    TERM = 1
    TASTE = 2
    VOTES = 3
    EXPLORING = 4


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The papers that may be chosen, as ranking sees them.

    `paper_ids` int64 (n,), `votes` float32 (n,), `fits` float32 (n, t) of 0 to 1, where
    column j belongs to the topic `topic_ids[j]`; `overlaps` float32 (n, n): how much each two
    papers say the same (``overlap``).
    """

    paper_ids: NDArray[np.int64]
    votes: Floats
    fits: Floats
    topic_ids: tuple[int, ...]
    overlaps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Readers:
    """A batch of r readers before n candidates on t topics.

    `topics` float32 (r, t): the weight of each topic for each reader, below 0 for one that they
    want less of. `terms` and `taste`
    float32 (r, n): what followed words and authors, and likeness to what they liked, add to
    each paper's score; None where nobody of the batch has any. `barred` bool (r, n): what they
    had, and what they muted. `lengths` int64 (r,): how many papers at most. `is_exploring`
    bool (r,): whether they want a place for something off their path, and `dice` float32 (r,)
    of 0 to 1 which.
    """

    topics: Floats
    terms: Floats | None
    taste: Floats | None
    barred: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    is_exploring: NDArray[np.bool_]
    dice: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The papers chosen for r readers, best first, k places each.

    `places` int64 (r, k): the candidate's index, -1 where there is none any more. `kinds` int64
    (r, k): a `Kind`. `topics` int64 (r, k): the column of the topic that fits best of what the
    reader follows. `parts` float32 (r, k, 4): the contributions, by `Part`.
    """

    places: NDArray[np.int64]
    kinds: NDArray[np.int64]
    topics: NDArray[np.int64]
    parts: NDArray[np.float32]


def contributions(
    candidates: Candidates, readers: Readers, *, vote_weight: float = VOTE_WEIGHT
) -> Floats:
    """float32 (4, r, n): what each `Part` adds to each paper's score for each reader.

    Content decides and votes break ties: the sum of weight x fit over the reader's topics, the
    terms, the taste, and `vote_weight` x the z-score of log(1 + votes).
    """
    shape = (len(Part), len(readers.lengths), len(candidates.paper_ids))
    parts = np.zeros(shape, dtype=np.float32)
    np.matmul(readers.topics, candidates.fits.T, out=parts[Part.TOPICS])
    if readers.terms is not None:
        parts[Part.TERMS] = readers.terms
    if readers.taste is not None:
        parts[Part.TASTE] = readers.taste
    parts[Part.VOTES] = vote_weight * _z_scores(candidates.votes)
    return parts


def rank(candidates: Candidates, readers: Readers, *, vote_weight: float, least: int) -> Chosen:
    """The best papers for each reader of a batch, best first, with what made them so.

    What a reader is barred from never comes. Papers that match nothing of the reader's only
    fill a selection up to `least`, most voted first, and never make up one alone. In a long
    enough selection the last places go to what everyone reads and to something off the
    reader's path. Who has no interests at all gets the most voted papers. A paper that is very
    like one above it gives way to others, and so, a little, does one more on the same topic.
    """
    parts = contributions(candidates, readers, vote_weight=vote_weight)
    is_open = ~_has_interests(readers)
    is_match = (parts[Part.TOPICS] > 0) | (parts[Part.TERMS] > TERMS_LEAST)
    is_match |= (parts[Part.TASTE] > TASTE_LEAST) | is_open[:, np.newaxis]
    free = ~readers.barred
    matches = (is_match & free).sum(axis=1)
    numbers = np.minimum(readers.lengths, free.sum(axis=1))
    # A reader without interests has no path to be led off.
    is_roomy = (numbers >= _ROOMY) & (matches >= least) & ~is_open
    apart = np.minimum(is_roomy * (1 + readers.is_exploring), (free & ~is_match).sum(axis=1))
    own = np.minimum(matches, numbers - apart)
    scores = np.where(is_match & free, parts.sum(axis=0), -np.inf)
    lacking = np.where((own > 0) & ~is_roomy, np.minimum(least, numbers) - own, 0)
    others = np.maximum(apart, lacking)
    places = np.full((len(own), int((own + others).max(initial=0))), -1, dtype=np.int64)
    _spread(places, scores, own, _toll(candidates))
    kinds = _strongest(places, parts)
    _add_others(places, kinds, candidates, readers, free & ~is_match, is_roomy, own, others)
    return _explained(candidates, readers, places, kinds, parts)


def _has_interests(readers: Readers) -> NDArray[np.bool_]:
    """bool (r,): who wants anything; to want less of something is not to want anything else."""
    has: NDArray[np.bool_] = np.any(readers.topics > 0, axis=1)
    for further in (readers.terms, readers.taste):
        if further is not None:
            has = has | np.any(further > 0, axis=1)
    return has


def _spread(
    places: NDArray[np.int64], scores: Floats, numbers: NDArray[np.int64], toll: Floats
) -> None:
    """Put the best `numbers[r]` of each row into `places`; each choice lowers what is like it."""
    rows = np.arange(len(scores))
    for place in range(int(numbers.max(initial=0))):
        best = scores.argmax(axis=1)
        is_one = (scores[rows, best] > -np.inf) & (place < numbers)
        places[is_one, place] = best[is_one]
        scores -= toll[best]
        scores[rows, best] = -np.inf


def _toll(candidates: Candidates) -> Floats:
    """float32 (n, n): what the others lose by the choice of one; all, if they are the same news."""
    number = len(candidates.paper_ids)
    toll = np.zeros((number, number), dtype=np.float32)
    if candidates.fits.size:
        main = np.where(candidates.fits.max(axis=1) > 0, candidates.fits.argmax(axis=1), -1)
        toll += _CROWDING * ((main[:, np.newaxis] == main) & (main >= 0))
    toll += _REPEATING * candidates.overlaps
    toll[candidates.overlaps > SAME] = np.inf
    np.fill_diagonal(toll, 0)
    return toll


def _strongest(places: NDArray[np.int64], parts: Floats) -> NDArray[np.int64]:
    """int64 (r, k): the part that contributed most to each place; the votes where none did."""
    chosen = np.take_along_axis(parts, np.maximum(places, 0)[np.newaxis], axis=2)
    kinds: NDArray[np.int64] = chosen[: Part.VOTES].argmax(axis=0)
    kinds[chosen[: Part.VOTES].max(axis=0) <= 0] = Kind.VOTES
    return kinds


def _add_others(
    places: NDArray[np.int64],
    kinds: NDArray[np.int64],
    candidates: Candidates,
    readers: Readers,
    is_other: NDArray[np.bool_],
    is_roomy: NDArray[np.bool_],
    own: NDArray[np.int64],
    others: NDArray[np.int64],
) -> None:
    """Put `others[r]` papers behind the reader's own `own[r]`: the most voted of those that match
    nothing; the second of them, for who explores and has room, is any of the better half."""
    rows = np.arange(len(own))
    by_votes = np.argsort(-candidates.votes, kind="stable")
    left = is_other[:, by_votes]
    for extra in range(int(others.max(initial=0))):
        count = left.sum(axis=1)
        is_one = (extra < others) & (count > 0)
        # With the place for what everyone reads before it; who lacks papers is given no riddles.
        explores = is_roomy & readers.is_exploring & (extra == 1)
        pick = left.argmax(axis=1)
        if explores.any():
            step = (readers.dice * ((count + 1) // 2))[explores, np.newaxis]
            passed = left[explores].cumsum(axis=1, dtype=np.int32)
            pick[explores] = (passed > np.floor(step)).argmax(axis=1)
        at = np.minimum(own + extra, places.shape[1] - 1)
        places[rows[is_one], at[is_one]] = by_votes[pick[is_one]]
        kinds[rows[is_one], at[is_one]] = np.where(explores, Kind.EXPLORING, Kind.VOTES)[is_one]
        left[rows, pick] = False


def _explained(
    candidates: Candidates,
    readers: Readers,
    places: NDArray[np.int64],
    kinds: NDArray[np.int64],
    parts: Floats,
) -> Chosen:
    at = np.maximum(places, 0)
    chosen = np.take_along_axis(parts, at[np.newaxis], axis=2)
    if candidates.fits.shape[1]:
        weighted = candidates.fits[at] * readers.topics[:, np.newaxis, :]
        topics = weighted.argmax(axis=2)
    else:
        topics = np.zeros_like(places)
    return Chosen(places, kinds, topics, np.moveaxis(chosen, 0, 2))


def _z_scores(votes: Floats) -> Floats:
    logs: Floats = np.log1p(votes)
    number = np.float32(max(len(logs), 1))
    logs -= logs.sum() / number
    if spread := float(np.sqrt(logs @ logs / number)):
        logs /= np.float32(spread)
    return logs
