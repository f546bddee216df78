"""The arrays that ranking takes and gives: candidates, a batch of readers, the papers chosen."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


class Part(IntEnum):
    """The parts of a score.

    Stored by position (`Digest.contributions`): add new parts at the end, never renumber. In the
    position after them, the chance of the choice is stored (`Chosen.chances`).
    """

    TOPICS = 0
    TERMS = 1
    TASTE = 2
    VOTES = 3


class Kind(IntEnum):
    """Why a paper was chosen: for the clear part of content that added most, or without one.

    The first three equal the parts of content (`Part`). VOTES and EXPLORING are the places apart.
    CLOSEST papers match somewhat, and the REST only fill the digest. PINNED ones come first for
    everybody.
    """

    TOPIC = 0
    TERM = 1
    TASTE = 2
    VOTES = 3
    EXPLORING = 4
    CLOSEST = 5
    REST = 6
    PINNED = 7


class Hold(IntEnum):
    """What a paper has of the words and authors that a reader follows, the most of it."""

    NOTHING = 0
    WORDS = 1  # all words of a keyword, but not side by side
    KEYWORD = 2
    AUTHOR = 3


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """The n papers to choose from, and how they fit t topics.

    `paper_ids` int64 (n,). `votes` float32 (n,). `fits` float32 (n, t) from 0 to 1, where column
    j belongs to the topic `topic_ids[j]`. `overlaps` float32 (n, n) from 0 to 1: how much each
    two papers say the same (``overlap``). `closeness` float32 (n, t) is how close they are to
    typical papers of each topic (``typical``); if it is None, their fits count instead. `pinned`
    int64: the indexes of those that come first for everybody, in this order.
    """

    paper_ids: NDArray[np.int64]
    votes: Floats
    fits: Floats
    topic_ids: tuple[int, ...]
    overlaps: Floats
    closeness: Floats | None = None
    pinned: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Readers:
    """A batch of r readers, whose papers are chosen from n candidates on t topics.

    What they said: `topics` float32 (r, t), each reader's weight of each topic, below 0 for topics
    of which they want less; `terms` float32 (r, n), what followed words add to each score; `holds`
    int8 (r, n), the `Hold` of each paper.

    What they did: `taste` float32 (r, n), what votes add; `nearest` float32 (r, n), the excess
    similarity to the most similar paper that they like; `disliked` bool (r, n), papers much like
    one that was voted down; `votes` float32 (r,), how many votes up there are, with age
    (``weights.said``). The two-dimensional ones are None if no reader of the batch has any.

    `barred` bool (r, n): papers that must not be chosen, because they were sent before or are
    muted. `lengths` int64 (r,): the most papers to choose. `is_exploring` bool (r,): whether to
    keep a place for something off the reader's path; `draws` float32 (r,), random numbers from 0
    to 1, decide which paper that is.
    """

    topics: Floats
    terms: Floats | None
    holds: NDArray[np.int8] | None
    taste: Floats | None
    nearest: Floats | None
    disliked: Bools | None
    votes: Floats
    barred: Bools
    lengths: NDArray[np.int64]
    is_exploring: Bools
    draws: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The papers chosen for r readers, the best first, in k columns.

    `places` int64 (r, k): the index of the candidate, -1 in columns that stay empty. `kinds`
    int64 (r, k): the `Kind` of each. `topics` int64 (r, k): the column of the followed topic that
    fits the paper best. `parts` float32 (r, k, 4): what each `Part` added to its score. `chances`
    float32 (r, k): with which probability this paper was chosen for this place. It is 1 except
    where the paper was drawn; with it, another ranking can be judged by what readers did.
    """

    places: NDArray[np.int64]
    kinds: NDArray[np.int64]
    topics: NDArray[np.int64]
    parts: Floats
    chances: Floats
