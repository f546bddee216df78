"""Compare two rankings on real readers: one list is drafted from both, and votes decide.

This is team-draft interleaving (Radlinski, Kurup, Joachims: How Does Clickthrough Data Reflect
Retrieval Quality?, 2008). In each round both teams take their best paper that is not taken yet,
in random order. A vote for a paper is credited to the team that took it.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

# The credits of the living lab arXivDigest: https://github.com/iai-group/arXivDigest
VOTE_CREDIT = 5
CLICK_CREDIT = 3

# The quantile of the normal distribution for an interval of 95 %.
_DEVIATIONS = 1.96


class Team(StrEnum):
    A = "a"
    B = "b"


@dataclass(frozen=True, slots=True)
class Drafted:
    """The drafted list: parallel paper ids and the team that took each."""

    paper_ids: tuple[int, ...]
    teams: tuple[Team, ...]


def interleave(first: Sequence[int], second: Sequence[int], length: int, seed: int) -> Drafted:
    """Return at most `length` papers, drafted from the rankings of team A and team B.

    The rankings list paper ids, the best first. The same `seed` gives the same list. A team whose
    papers are all taken sits out.
    """
    rng = random.Random(seed)
    rankings = {Team.A: first, Team.B: second}
    taken: dict[int, Team] = {}
    while len(taken) < length:
        before = len(taken)
        for team in rng.sample(list(Team), 2):
            best = next((paper for paper in rankings[team] if paper not in taken), None)
            if best is not None and len(taken) < length:
                taken[best] = team
        if len(taken) == before:
            break
    return Drafted(tuple(taken), tuple(taken.values()))


@dataclass(frozen=True, slots=True)
class Share:
    """Team A's share of the credit, from 0 to 1, with its 95 % interval from `low` to `high`.

    `readers` is how many readers gave credit to either team.
    """

    share: float
    low: float
    high: float
    readers: int


def credit_share(credits: Iterable[tuple[float, float]]) -> Share | None:
    """Return team A's share of the credit, or None if nobody gave any.

    `credits` holds each reader's credit for team A and for team B. Each reader counts once,
    however much they vote; otherwise a few readers who vote on everything would decide for all.
    So the share is the mean of the readers' shares. The interval is Wilson's, for as many trials
    as readers, which also holds for few readers and for shares near 0 and 1.
    """
    shares = [ours / (ours + theirs) for ours, theirs in credits if ours + theirs > 0]
    if not shares:
        return None
    number = len(shares)
    share = sum(shares) / number
    spread = _DEVIATIONS**2 / number
    middle = (share + spread / 2) / (1 + spread)
    reach = _DEVIATIONS * sqrt(share * (1 - share) / number + spread / (4 * number)) / (1 + spread)
    return Share(share, max(middle - reach, 0.0), min(middle + reach, 1.0), number)
