"""Which papers for whom, and why: a whole batch of readers at once, as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The papers that may be chosen, as ranking sees them.

    `paper_ids` int64 (n,), `votes` float32 (n,), `fits` float32 (n, t) of 0 to 1, where
    column j belongs to the topic `topic_ids[j]`.
    """

    paper_ids: NDArray[np.int64]
    votes: NDArray[np.float32]
    fits: NDArray[np.float32]
    topic_ids: tuple[int, ...]


class Ranked(NamedTuple):
    """One chosen paper and the topic that contributed most to it (None: no topic did)."""

    paper_id: int
    score: float
    topic_id: int | None
    votes: int


def rank(
    candidates: Candidates,
    interests: NDArray[np.float32],
    had: NDArray[np.bool_],
    lengths: Sequence[int],
    *,
    vote_weight: float,
    least: int,
) -> list[list[Ranked]]:
    """The best papers for each reader of a batch, best first.

    `interests` is float32 (r, t): the weight of each topic for each reader; `had` is bool
    (r, n): papers that the reader has had. A reader gets `lengths[r]` papers at most.

    Content decides: a paper's score is the sum of weight x fit over the reader's topics, plus
    `vote_weight` x the z-score of log(1 + votes); a light weight is what blended best with
    content in our measurements. Papers on none of the reader's topics only fill a selection
    up to `least`, behind the papers that are, and never make up one alone. A reader who
    follows no topic gets the most voted papers.
    """
    content = interests @ candidates.fits.T
    scores = content + vote_weight * _z_scores(candidates.votes)
    is_open: NDArray[np.bool_] = ~np.any(interests != 0, axis=1)
    # Every paper's place for every reader: matches by score, then the others by score, then
    # what the reader had.
    is_match = (content > 0) | is_open[:, np.newaxis]
    tier = np.where(had, 2, np.where(is_match, 0, 1))
    order = np.lexsort((-scores, tier), axis=1)
    matches = ((tier == 0).sum(axis=1)).tolist()
    free = ((tier < 2).sum(axis=1)).tolist()
    numbers = [
        min(length, max(matched, min(least, unseen)) if matched else 0)
        for length, matched, unseen in zip(lengths, matches, free, strict=True)
    ]
    return _ranked(candidates, interests, scores, order[:, : max(numbers, default=0)], numbers)


def _z_scores(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    logs = np.log1p(votes)
    spread = logs.std()
    return (logs - logs.mean()) / spread if spread else np.zeros_like(logs)


def _ranked(
    candidates: Candidates,
    interests: NDArray[np.float32],
    scores: NDArray[np.float32],
    chosen: NDArray[np.intp],
    numbers: Sequence[int],
) -> list[list[Ranked]]:
    """The first `numbers[r]` of each row of `chosen` (indices of candidates), with reasons."""
    contributions = candidates.fits[chosen] * interests[:, np.newaxis, :]
    topics = _strongest(contributions, candidates.topic_ids)
    paper_ids = candidates.paper_ids[chosen].tolist()
    votes = candidates.votes[chosen].astype(np.int64).tolist()
    chosen_scores = np.take_along_axis(scores, chosen, axis=1).tolist()
    rows = zip(numbers, paper_ids, chosen_scores, topics, votes, strict=True)
    return [list(map(Ranked, *columns))[:number] for number, *columns in rows]


def _strongest(
    contributions: NDArray[np.float32], topic_ids: Sequence[int]
) -> list[list[int | None]]:
    """The topic that contributed most to each (r, k) choice; None where none did."""
    if not contributions.shape[2]:
        return [[None] * contributions.shape[1] for _ in contributions]
    names = np.array([*topic_ids, None], dtype=object)
    best = contributions.argmax(axis=2)
    best[contributions.max(axis=2) <= 0] = len(topic_ids)
    strongest: list[list[int | None]] = names[best].tolist()
    return strongest
