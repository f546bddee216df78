"""How much each thing that we know of a reader adds to a score, on one scale, and what is clear.

These few numbers decide how what readers *say* (topics, words) and what they *do* (votes) compare.
``manage.py fit_ranking`` finds them anew, on the part of the readers and days that is for
development (``measuring``). There are few cases, and many combinations do about as well, so these
were compared on all days of the development readers and on two collections. A paper that is just
like those a reader votes for has a taste of about 1; among the ten best of a day, the median taste
is 0.1.
"""

import numpy as np
from numpy.typing import NDArray

# What a followed topic adds for each standard score of closeness (``typical``).
TOPIC = 0.1
# What a followed word adds for the same, and what it adds to a paper that holds it.
CLOSE = 0.05
HOLDS = 0.05
# What a reader says counts fully while there are no votes up, half with this many, a sixteenth with
# twice as many: votes say better what the reader wants, but a single one says little. Of the ways
# of fading that were no worse than all votes without topics, on the later days of the development
# readers, this one was best with few votes.
SAID_VOTES = 2.5
# A followed author. Votes do not change this: such papers come first (``rank``).
AUTHOR = 3.0
# A topic of which the reader wants less. Votes do not change this either.
LESS = -0.5
# All votes by everybody, where the deployment says nothing else (RANKING_VOTE_WEIGHT).
VOTES = 0.02

# From here on a reason is true for a person who reads both titles. Development readers picked
# every second paper with such a taste and such a similarity, one in seventeen of all papers.
CLEAR_TASTE = 0.1
# More than two papers of the same organization get for that alone (``space.SHARES``).
CLEAR_LIKENESS = 0.0625
# Of papers with such a fit, seven in ten belong to the topic by their keywords, which are rough.
CLEAR_TOPIC = 0.7
# From here on a paper is among the day's closest: of those just above, readers who follow topics
# picked one in seven, and readers with votes as well one in five. One in thirteen is chance.
CLOSEST = 0.1


def said(votes: NDArray[np.float32], half: float = SAID_VOTES) -> NDArray[np.float32]:
    """Return how much what readers say still counts, by how many votes up they gave: 1 to 0.

    `votes` and the result are float32 (readers,). It is one half with `half` votes.
    """
    still: NDArray[np.float32] = np.exp2(-((votes / np.float32(half)) ** 2))
    return still
