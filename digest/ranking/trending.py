"""What everybody is reading now, by one formula."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

# The form is ResearchHub's, 100 x signal / (age in hours + 24) ^ 0.8, made for science, where an
# exceptional paper of yesterday is worth more than a middling one of today:
# https://github.com/ResearchHub/researchhub-backend. We take the logarithm of the signals,
# because a hundred votes do not say ten times as much as ten.
_GRACE_HOURS = 24
_GRAVITY = 0.8
_DAY = 24


def trending(votes: ArrayLike, velocity: ArrayLike, age_hours: ArrayLike) -> NDArray[np.float64]:
    """Return how much papers are read now, 0 without votes. Only the order is meaningful.

    `votes` is their number so far, `velocity` the votes per hour between the last two sightings,
    and `age_hours` the time since we first saw the paper. Votes can be taken back; negative
    figures count as 0. The arguments are broadcast against each other.
    """
    so_far = np.log1p(np.maximum(np.asarray(votes, dtype=np.float64), 0))
    a_day = np.log1p(np.maximum(np.asarray(velocity, dtype=np.float64), 0) * _DAY)
    age = np.maximum(np.asarray(age_hours, dtype=np.float64), 0)
    heat: NDArray[np.float64] = 100 * (so_far + a_day) / (age + _GRACE_HOURS) ** _GRAVITY
    return heat


def popularity(votes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the z-scores of log(1 + votes), all 0 if the votes are equal: float32 (n,)."""
    logs: NDArray[np.float32] = np.log1p(votes)
    number = np.float32(max(len(logs), 1))
    logs -= logs.sum() / number
    if spread := float(np.sqrt(logs @ logs / number)):
        logs /= np.float32(spread)
    return logs
