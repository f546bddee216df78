"""The interests of a group of readers as arrays over the candidates, and what weighed most."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.ranking import taste
from digest.ranking.rank import Candidates, Floats
from subscribers.models import Term

from .candidate_index import CandidateIndex
from .interests import TERM_WEIGHTS, TOPIC_WEIGHTS, Emphasis, Interests, Like, TermRow


class InterestArrays(NamedTuple):
    """The interests of r readers in n candidates on t topics.

    `topics` float32 (r, t), `terms` and `taste` float32 (r, n) are those of
    ``ranking.rank.Readers``. `muted` bool (r, n) is true for papers that must not be sent: those
    that the reader muted, and those that the reader knows already.
    """

    topics: Floats
    terms: Floats | None
    taste: Floats | None
    muted: NDArray[np.bool_]


def arrays_for(
    readers: Sequence[int], interests: Interests, candidates: Candidates, index: CandidateIndex
) -> InterestArrays:
    """Return the interests of `readers` (subscriber ids), in their order."""
    topics = _topics(readers, interests, candidates, TOPIC_WEIGHTS)
    # A muted topic bars every paper that fits it.
    muted_topics = _topics(readers, interests, candidates, {Emphasis.MUTED: 1.0})
    muted = muted_topics @ candidates.fits.T > 0
    terms = _closeness(readers, interests, index, muted.shape[1])
    liking = np.zeros(muted.shape, dtype=np.float32)
    for row, reader in enumerate(readers):
        for term in interests.terms.get(reader, ()):
            holds = index.holds(term.kind, term.key)
            if term.is_muted:
                muted[row] |= holds
            else:
                terms[row] += TERM_WEIGHTS[term.kind] * holds
        if likes := interests.likes.get(reader):
            liking[row] = _added_by_likes(likes, index).sum(axis=0)
            # Readers know the papers they voted on or opened. A candidate among them would
            # otherwise come first, because nothing is more similar to it than itself.
            known = [index.places[like.paper_id] for like in likes if like.paper_id in index.places]
            muted[row, known] = True
    return InterestArrays(
        topics, terms if terms.any() else None, liking if liking.any() else None, muted
    )


def strongest_term(
    terms: Sequence[TermRow], index: CandidateIndex, place: int
) -> tuple[TermRow, bool]:
    """Return the followed term that adds most to the score of the candidate at `place`.

    Also returns whether the paper holds the term; otherwise the paper is only close to it. At
    least one of `terms` must be followed.
    """
    followed = [term for term in terms if not term.is_muted]
    strongest = max(followed, key=lambda term: index.added_by(term)[place])
    return strongest, bool(index.holds(strongest.kind, strongest.key)[place])


def strongest_likes(likes: Sequence[Like], index: CandidateIndex) -> list[Like]:
    """Return, for each of the n candidates, the vote or click that adds most to its score."""
    return [likes[number] for number in _added_by_likes(likes, index).argmax(axis=0)]


def _topics(
    readers: Sequence[int],
    interests: Interests,
    candidates: Candidates,
    weight_of: Mapping[int, float],
) -> Floats:
    """Return the weight of each topic by its emphasis: float32 (readers, topics).

    It is 0 for topics that a reader did not choose, and where `weight_of` lacks the emphasis.
    """
    column = {topic: number for number, topic in enumerate(candidates.topic_ids)}
    weights = np.zeros((len(readers), len(column)), dtype=np.float32)
    for row, reader in enumerate(readers):
        for topic, emphasis in interests.topics.get(reader, ()):
            if topic in column and emphasis in weight_of:
                weights[row, column[topic]] = weight_of[emphasis]
    return weights


def _closeness(
    readers: Sequence[int], interests: Interests, index: CandidateIndex, number: int
) -> Floats:
    """Return how close the candidates are to each reader's keywords: float32 (readers, number)."""
    closeness = np.zeros((len(readers), number), dtype=np.float32)
    followed = {
        row: keywords
        for row, reader in enumerate(readers)
        if (keywords := _followed_keywords(interests.terms.get(reader, ())))
    }
    if followed:
        closeness[list(followed)] = index.closeness(list(followed.values()))
    return closeness


def _followed_keywords(terms: Sequence[TermRow]) -> list[str]:
    kind = Term.Kind.KEYWORD
    return [term.text for term in terms if term.kind == kind and not term.is_muted]


def _added_by_likes(likes: Sequence[Like], index: CandidateIndex) -> Floats:
    """Return what each vote or click adds to the score of each candidate: float32 (likes, n).

    A vote down only takes away. A paper that is unlike it was not asked for, so the vote down
    must not raise its score or become a reason.
    """
    weights = np.array([like.weight for like in likes], dtype=np.float32)
    similarity = index.similarity([like.paper_id for like in likes])
    added = taste.added_by_votes(similarity, weights.tolist())
    added[weights < 0] = np.minimum(added[weights < 0], 0)
    return added
