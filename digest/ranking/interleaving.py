"""Two rankings compared on real readers: their lists are drawn into one, and votes decide.

Team-draft interleaving (Radlinski, Kurup, Joachims: How Does Clickthrough Data Reflect
Retrieval Quality?, 2008). The two teams take turns, by lot who begins each round, and each
takes its best paper that is not taken yet; a vote for a paper counts for the team that took it.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

# As living labs count: https://github.com/iai-group/arXivDigest
VOTE_CREDIT = 5
CLICK_CREDIT = 3

# 95 of 100 intervals made like this hold the true share.
_DEVIATIONS = 1.96


class Team(StrEnum):
    A = "a"
    B = "b"


@dataclass(frozen=True, slots=True)
class Drafted:
    """One list of two: parallel paper ids and the team that took each."""

    paper_ids: tuple[int, ...]
    teams: tuple[Team, ...]


def interleave(first: Sequence[int], second: Sequence[int], length: int, seed: int) -> Drafted:
    """At most `length` papers from the rankings of team A and team B, best first.

    The same `seed` draws the same list. A team whose papers are all taken sits out.
    """
    lot = random.Random(seed)
    rankings = {Team.A: first, Team.B: second}
    taken: dict[int, Team] = {}
    while len(taken) < length:
        before = len(taken)
        for team in lot.sample(list(Team), 2):
            best = next((paper for paper in rankings[team] if paper not in taken), None)
            if best is not None and len(taken) < length:
                taken[best] = team
        if len(taken) == before:
            break
    return Drafted(tuple(taken), tuple(taken.values()))


@dataclass(frozen=True, slots=True)
class Share:
    """Team A's part of the credit, from 0 to 1, and the interval it lies in, 95 times in 100.

    `readers`: how many gave either team credit.
    """

    share: float
    low: float
    high: float
    readers: int


def credit_share(credits: Iterable[tuple[float, float]]) -> Share | None:
    """How the credit is shared, from each reader's credit for team A and team B; None if nobody
    gave any.

    Each reader counts once, however much they vote: a few who vote on everything would else
    decide for all. So the share is the mean of the readers' shares, and the interval (Wilson's,
    which is right for a few readers and for shares near 0 and 1, too) is that of so many tosses.
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
