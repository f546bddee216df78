"""What everybody is reading now: one formula, for the public order and the marked places."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# ResearchHub's form, 100 x signal / (age in hours + 24) ^ 0.8, made for science, where an
# exceptional paper of yesterday is worth more than a middling one of today:
# https://github.com/ResearchHub/researchhub-backend. Its signals enter by their logarithms,
# for a hundred votes are not ten times as telling as ten.
_GRACE_HOURS = 24
_GRAVITY = 0.8
_DAY = 24


def trending(votes: ArrayLike, velocity: ArrayLike, age_hours: ArrayLike) -> NDArray[np.float64]:
    """How much papers are read now, 0 for no vote; only the order means anything.

    `votes` so far, `velocity` in votes an hour between the last two sightings, and `age_hours`
    since we saw the paper first. Negative figures (votes can be taken back) count as 0. The
    arguments are broadcast against each other.
    """
    so_far = np.log1p(np.maximum(np.asarray(votes, dtype=np.float64), 0))
    a_day = np.log1p(np.maximum(np.asarray(velocity, dtype=np.float64), 0) * _DAY)
    age = np.maximum(np.asarray(age_hours, dtype=np.float64), 0)
    heat: NDArray[np.float64] = 100 * (so_far + a_day) / (age + _GRACE_HOURS) ** _GRAVITY
    return heat
