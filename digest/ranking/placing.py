"""Fills the places of the selections of a batch of readers: most go by score, and some are kept
for what everyone reads and for something off a reader's path."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import weights
from .batch import Bools, Floats, Hold, Kind, Readers

# What most places are kept for.
NOTHING = -1
# How much likelier the draw off the path takes a paper for its taste: e times for this much.
_HEAT = 0.05


class Plan(NamedTuple):
    """Who gets how many papers: `own` by score, and in roomy selections one place for the most
    voted (`everyone`) and one off the path (`exploring`). All have an element for each reader."""

    own: NDArray[np.int64]
    everyone: Bools
    exploring: Bools


class Draft:
    """Selections in the making: for each of r readers, k places that are empty (-1) at first.

    `scores` float32 (r, n) are those of the papers that are left, -inf for others, and `penalties`
    float32 (n, n) what the choice of each costs each other. `kept_for` int64 (r, k) is the kind
    that a place is kept for, if any, and `chances` float32 (r, k) with which its paper was drawn.
    """

    def __init__(self, scores: Floats, penalties: Floats, width: int) -> None:
        self.scores, self.penalties = scores, penalties
        self.places = np.full((len(scores), width), -1, dtype=np.int64)
        self.kept_for = np.full_like(self.places, NOTHING)
        self.chances = np.ones(self.places.shape, dtype=np.float32)

    def put(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64] | int, papers: NDArray[np.int64]
    ) -> None:
        """Put a paper into a place of each of these rows, which lowers the scores of the others."""
        self.places[rows, columns] = papers
        self.scores[rows] -= self.penalties[papers]
        self.scores[rows, papers] = -np.inf


def place_best(draft: Draft, is_wanted: Bools, due: Bools | None = None) -> None:
    """Put the papers with the best scores into the places that are wanted: bool (r, k).

    If only as many places are left as papers are `due`, those get them.
    """
    scores, every = draft.scores, np.arange(len(draft.scores))
    for column in np.flatnonzero(is_wanted.any(axis=0)).tolist():
        best = scores.argmax(axis=1)
        if due is not None:
            _put_due(best, scores, due, is_wanted[:, column:].sum(axis=1))
        rows = np.flatnonzero(is_wanted[:, column] & (scores[every, best] > -np.inf))
        draft.put(rows, column, best[rows])


def _put_due(best: NDArray[np.int64], scores: Floats, due: Bools, left: NDArray[np.int64]) -> None:
    """Have the best paper that is `due` come next where only as many places are `left`."""
    # Most rows have places left for all that was ever due.
    late = np.flatnonzero(due.sum(axis=1) >= left)
    still_due = np.where(due[late], scores[late], -np.inf)
    owed = (still_due > -np.inf).sum(axis=1)
    is_last = (owed > 0) & (owed >= left[late])
    best[late[is_last]] = still_due.argmax(axis=1)[is_last]


def place_most_voted(draft: Draft, votes: Floats, plan: Plan) -> None:
    """Put the most voted of the papers that are left behind the reader's own."""
    if not plan.everyone.any():
        return
    left = np.where(draft.scores > -np.inf, votes, -1)
    best = left.argmax(axis=1)
    rows = np.flatnonzero(plan.everyone & (left.max(axis=1) > 0))
    columns = plan.own[rows]
    draft.put(rows, columns, best[rows])
    draft.kept_for[rows, columns] = Kind.VOTES


def place_off_path(
    draft: Draft, readers: Readers, tastes: Floats, is_off: Bools, plan: Plan
) -> None:
    """Draw the last paper of exploring readers from those that match nothing they asked for.

    The nearer to their taste, the likelier, so each vote on such a paper guides the next draws.
    """
    exploring = np.flatnonzero(plan.exploring)
    if not len(exploring):
        return
    if readers.holds is not None:
        is_off = is_off & (readers.holds == Hold.NOTHING)
    heat = np.minimum(tastes[exploring], weights.CLEAR_TASTE) / _HEAT
    likely = np.where(is_off[exploring], np.exp(heat), 0)
    totals = likely.cumsum(axis=1)
    total = totals[:, -1]
    drawn = (totals > readers.draws[exploring, np.newaxis] * total[:, np.newaxis]).argmax(axis=1)
    has_any = np.flatnonzero(total > 0)
    rows, papers = exploring[has_any], drawn[has_any]
    columns = (plan.own + plan.everyone)[rows]
    draft.put(rows, columns, papers)
    draft.kept_for[rows, columns] = Kind.EXPLORING
    draft.chances[rows, columns] = likely[has_any, papers] / total[has_any]
