"""Which papers each reader gets, and why, for a whole batch of readers at once, as arrays."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# What the taste, or the terms, must add to a score before the paper counts as a match. Less than
# this is often a coincidence.
_LEAST_TASTE = 0.05
_LEAST_TERMS = 0.35
# Of the weights for votes that we measured, this light one blended best with content.
VOTE_WEIGHT = 0.02
# What a paper loses for each paper chosen before it: this much times their overlap, and this much
# if both fit the same topic best.
_OVERLAP_PENALTY = 0.4
_TOPIC_PENALTY = 0.04
# Two papers that overlap more than this report the same news, and a reader gets only one of them.
SAME = 0.6
# The least length of a selection in which places are kept for what everyone reads, and for
# something off the reader's path.
_ROOMY = 6


class Part(IntEnum):
    """The parts of a score.

    Stored by position (`Digest.contributions`): add new parts at the end, never renumber.
    """

    TOPICS = 0
    TERMS = 1
    TASTE = 2
    VOTES = 3


class Kind(IntEnum):
    """Why a paper was chosen: for the part that added most, or to fill a place kept for others.

    The first three equal the parts of content (`Part`).
    """

    TOPIC = 0
    TERM = 1
    TASTE = 2
    VOTES = 3
    EXPLORING = 4


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The n papers to choose from, and how they fit t topics.

    `paper_ids` int64 (n,). `votes` float32 (n,). `fits` float32 (n, t) from 0 to 1, where column
    j belongs to the topic `topic_ids[j]`. `overlaps` float32 (n, n) from 0 to 1: how much each
    two papers say the same (``overlap``).
    """

    paper_ids: NDArray[np.int64]
    votes: Floats
    fits: Floats
    topic_ids: tuple[int, ...]
    overlaps: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Readers:
    """A batch of r readers, whose papers are chosen from n candidates on t topics.

    `topics` float32 (r, t): each reader's weight of each topic, below 0 for topics of which they
    want less. `terms` and `taste` float32 (r, n): what followed words and authors, and the
    similarity to papers they liked, add to each score; None if no reader of the batch has any.
    `barred` bool (r, n): papers that must not be chosen, because they were sent before or are
    muted. `lengths` int64 (r,): the most papers to choose. `is_exploring` bool (r,): whether to
    keep a place for something off the reader's path; `draws` float32 (r,), random numbers from 0
    to 1, decide which paper that is.
    """

    topics: Floats
    terms: Floats | None
    taste: Floats | None
    barred: NDArray[np.bool_]
    lengths: NDArray[np.int64]
    is_exploring: NDArray[np.bool_]
    draws: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The papers chosen for r readers, the best first, in k columns.

    `places` int64 (r, k): the index of the candidate, -1 in columns that stay empty. `kinds`
    int64 (r, k): the `Kind` of each. `topics` int64 (r, k): the column of the followed topic that
    fits the paper best. `parts` float32 (r, k, 4): what each `Part` added to its score.
    """

    places: NDArray[np.int64]
    kinds: NDArray[np.int64]
    topics: NDArray[np.int64]
    parts: NDArray[np.float32]


def contributions(
    candidates: Candidates, readers: Readers, *, vote_weight: float = VOTE_WEIGHT
) -> Floats:
    """Return what each `Part` adds to each paper's score for each reader: float32 (4, r, n).

    Content decides and votes break ties. The score is the sum of weight x fit over the reader's
    topics, the terms, the taste, and `vote_weight` x the z-score of log(1 + votes).
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
    """Return the best papers for each reader of a batch, the best first, with their scores' parts.

    * Barred papers are never chosen.
    * Papers that match none of a reader's interests only fill a selection up to `least` papers,
      the most voted first. A selection never consists of such papers alone.
    * In a selection of 6 papers or more, the last place goes to what everyone reads, and for
      exploring readers another one to something off their path.
    * Readers without interests get the most voted papers.
    * A paper loses score for each paper above it that says much the same or is on the same topic.
    """
    parts = contributions(candidates, readers, vote_weight=vote_weight)
    is_open = ~_has_interests(readers)
    is_match = (parts[Part.TOPICS] > 0) | (parts[Part.TERMS] > _LEAST_TERMS)
    is_match |= (parts[Part.TASTE] > _LEAST_TASTE) | is_open[:, np.newaxis]
    free = ~readers.barred
    matches = (is_match & free).sum(axis=1)
    numbers = np.minimum(readers.lengths, free.sum(axis=1))
    # A reader without interests has no path to leave.
    is_roomy = (numbers >= _ROOMY) & (matches >= least) & ~is_open
    kept = np.minimum(is_roomy * (1 + readers.is_exploring), (free & ~is_match).sum(axis=1))
    own = np.minimum(matches, numbers - kept)
    scores = np.where(is_match & free, parts.sum(axis=0), -np.inf)
    lacking = np.where((own > 0) & ~is_roomy, np.minimum(least, numbers) - own, 0)
    others = np.maximum(kept, lacking)
    places = np.full((len(own), int((own + others).max(initial=0))), -1, dtype=np.int64)
    _place_best(places, scores, own, _penalties(candidates))
    kinds = _strongest(places, parts)
    _add_others(places, kinds, candidates, readers, free & ~is_match, is_roomy, own, others)
    return _with_topics_and_parts(candidates, readers, places, kinds, parts)


def _has_interests(readers: Readers) -> NDArray[np.bool_]:
    """Return who asked for anything: bool (r,). Wanting less of a topic is not an interest."""
    has: NDArray[np.bool_] = np.any(readers.topics > 0, axis=1)
    for further in (readers.terms, readers.taste):
        if further is not None:
            has = has | np.any(further > 0, axis=1)
    return has


def _place_best(
    places: NDArray[np.int64], scores: Floats, numbers: NDArray[np.int64], penalties: Floats
) -> None:
    """Put the best `numbers[r]` papers of each row of `scores` into `places`.

    Each choice lowers `scores`, in place, by its penalties for the other papers.
    """
    rows = np.arange(len(scores))
    for column in range(int(numbers.max(initial=0))):
        best = scores.argmax(axis=1)
        is_chosen = (scores[rows, best] > -np.inf) & (column < numbers)
        places[is_chosen, column] = best[is_chosen]
        scores -= penalties[best]
        scores[rows, best] = -np.inf


def _penalties(candidates: Candidates) -> Floats:
    """Return what the choice of each paper costs each other: float32 (n, n), infinite for the
    same news."""
    number = len(candidates.paper_ids)
    penalties = np.zeros((number, number), dtype=np.float32)
    if candidates.fits.size:
        main = np.where(candidates.fits.max(axis=1) > 0, candidates.fits.argmax(axis=1), -1)
        penalties += _TOPIC_PENALTY * ((main[:, np.newaxis] == main) & (main >= 0))
    penalties += _OVERLAP_PENALTY * candidates.overlaps
    penalties[candidates.overlaps > SAME] = np.inf
    np.fill_diagonal(penalties, 0)
    return penalties


def _strongest(places: NDArray[np.int64], parts: Floats) -> NDArray[np.int64]:
    """Return the kind of the content part that added most to each place, VOTES if none added
    anything: int64 (r, k)."""
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
    """Put `others[r]` of the papers in `is_other` behind the reader's own `own[r]` matches.

    The most voted come first. For exploring readers with a roomy selection, the second one is
    drawn from the more voted half instead.
    """
    rows = np.arange(len(own))
    by_votes = np.argsort(-candidates.votes, kind="stable")
    left = is_other[:, by_votes]
    for extra in range(int(others.max(initial=0))):
        count = left.sum(axis=1)
        is_chosen = (extra < others) & (count > 0)
        # The place before it is for what everyone reads. Readers short of matches get no
        # exploratory pick.
        explores = is_roomy & readers.is_exploring & (extra == 1)
        pick = left.argmax(axis=1)
        if explores.any():
            step = (readers.draws * ((count + 1) // 2))[explores, np.newaxis]
            passed = left[explores].cumsum(axis=1, dtype=np.int32)
            pick[explores] = (passed > np.floor(step)).argmax(axis=1)
        at = np.minimum(own + extra, places.shape[1] - 1)
        places[rows[is_chosen], at[is_chosen]] = by_votes[pick[is_chosen]]
        kinds[rows[is_chosen], at[is_chosen]] = np.where(explores, Kind.EXPLORING, Kind.VOTES)[
            is_chosen
        ]
        left[rows, pick] = False


def _with_topics_and_parts(
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
    """Return the z-scores of log(1 + votes), all 0 if the votes are equal: float32 (n,)."""
    logs: Floats = np.log1p(votes)
    number = np.float32(max(len(logs), 1))
    logs -= logs.sum() / number
    if spread := float(np.sqrt(logs @ logs / number)):
        logs /= np.float32(spread)
    return logs
