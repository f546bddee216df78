"""Which papers each reader gets, and why, for a whole batch of readers at once, as arrays."""

import numpy as np
from numpy.typing import NDArray

from . import weights
from .batch import Bools, Candidates, Chosen, Floats, Hold, Kind, Part, Readers
from .placing import NOTHING, Draft, Plan, place_best, place_most_voted, place_off_path
from .trending import popularity

# What a paper loses for each paper chosen before it: this much times their overlap, and this much
# if both fit the same topic best.
_OVERLAP_PENALTY = 0.4
_TOPIC_PENALTY = 0.01
# Two papers that overlap more than this report the same news, and a reader gets only one of them.
SAME = 0.6
# The least length of a selection in which places are kept for what everyone reads, and for
# something off the reader's path.
_ROOMY = 6
# More than any score, so that papers by followed authors come first.
_LEAD = 100.0
# More than that, for each pinned paper that comes after this one.
_PINNED_LEAD = 1000.0


def contributions(candidates: Candidates, readers: Readers, *, vote_weight: float) -> Floats:
    """Return what each `Part` adds to each paper's score for each reader: float32 (4, r, n).

    Content decides and votes break ties. The score is the sum of weight x closeness over the
    reader's topics, the terms, the taste, and `vote_weight` x the z-score of log(1 + votes). Topics
    and words count less, the more votes the reader gave. Wanting less of a topic, which goes by the
    fit, and authors do not.
    """
    shape = (len(Part), len(readers.lengths), len(candidates.paper_ids))
    parts = np.zeros(shape, dtype=np.float32)
    said = weights.said(readers.votes)[:, np.newaxis]
    close = candidates.fits if candidates.closeness is None else candidates.closeness
    np.matmul(np.maximum(readers.topics, 0) * said, close.T, out=parts[Part.TOPICS])
    parts[Part.TOPICS] += np.minimum(readers.topics, 0) @ candidates.fits.T
    if readers.terms is not None:
        parts[Part.TERMS] = readers.terms * said
    if readers.holds is not None:
        parts[Part.TERMS] += np.float32(weights.AUTHOR) * (readers.holds == Hold.AUTHOR)
    if readers.taste is not None:
        parts[Part.TASTE] = readers.taste
    parts[Part.VOTES] = vote_weight * popularity(candidates.votes)
    return parts


def rank(candidates: Candidates, readers: Readers, *, vote_weight: float) -> Chosen:
    """Return the best papers for each reader of a batch, the best first, with their scores' parts.

    * Barred papers are never chosen. Pinned ones that are not come first, in their order, in each
      selection that there would be without them.
    * Papers on a topic of which the reader wants less, and papers like one that was voted down, are
      chosen only if they match something else that the reader asked for.
    * Papers by followed authors come first. Papers that hold a followed word have half of the
      places, if there are so many, in the order of their scores; or more, by their scores.
    * The other places go by score, also to papers that match nothing. But readers who never voted
      get nothing if no paper matches. Readers without interests get the most voted.
    * In a selection of 6 papers or more, the last place goes to what everyone reads, if anyone
      votes, and for exploring readers another one to something off their path. Where nothing is
      left for such a place, it goes by score as well.
    * A paper loses score for each paper above it that says much the same or is on the same topic.
    """
    parts = contributions(candidates, readers, vote_weight=vote_weight)
    content = parts[: Part.VOTES].sum(axis=0)
    is_open = ~_has_interests(readers)
    is_free = ~readers.barred & ~_avoided(candidates, readers, content)
    # What readers said may be about nothing of the day. Votes always tell which papers are closest.
    on_topics = np.maximum(readers.topics, 0) @ candidates.fits.T > 0
    is_asked = on_topics | (parts[Part.TERMS : Part.VOTES] > 0).any(axis=0)
    has_any = is_open | (readers.votes > 0) | (is_free & is_asked).any(axis=1)
    if candidates.pinned is not None:
        is_free[:, candidates.pinned] = ~readers.barred[:, candidates.pinned]
    plan = _plan(candidates, readers, is_free.sum(axis=1) * has_any, is_open)
    scores = np.where(is_free, content + parts[Part.VOTES], -np.inf)
    _lead(scores, candidates, readers)
    numbers = plan.own + plan.everyone + plan.exploring
    draft = Draft(scores, _penalties(candidates), int(numbers.max(initial=0)))
    columns = np.arange(draft.places.shape[1])
    due = _due(candidates, readers, scores, plan.own)
    place_best(draft, columns < plan.own[:, np.newaxis], due)
    place_most_voted(draft, candidates.votes, plan)
    is_off = (scores > -np.inf) & ~on_topics
    place_off_path(draft, readers, parts[Part.TASTE], is_off, plan)
    place_best(draft, (draft.places < 0) & (columns < numbers[:, np.newaxis]))
    kinds, topics = _kinds(draft.places, parts, candidates, readers, is_open)
    kinds = np.where(draft.kept_for == NOTHING, kinds, draft.kept_for)
    chosen = np.take_along_axis(parts, np.maximum(draft.places, 0)[np.newaxis], axis=2)
    return Chosen(draft.places, kinds, topics, np.moveaxis(chosen, 0, 2), draft.chances)


def _has_interests(readers: Readers) -> Bools:
    """Return who asked for anything: bool (r,). Wanting less of a topic is not an interest."""
    has: Bools = np.any(readers.topics > 0, axis=1)
    for further in (readers.terms, readers.holds, readers.taste):
        if further is not None:
            has = has | np.any(further > 0, axis=1)
    return has


def _avoided(candidates: Candidates, readers: Readers, content: Floats) -> Bools:
    """Return the papers of which a reader wants less, and that match nothing else: bool (r, n)."""
    avoided: Bools = readers.topics @ candidates.fits.T < 0
    if readers.disliked is not None:
        avoided = avoided | readers.disliked
    if readers.holds is not None:
        avoided = avoided & (readers.holds < Hold.KEYWORD)
    return avoided & (content < weights.CLOSEST)


def _plan(
    candidates: Candidates, readers: Readers, free: NDArray[np.int64], is_open: Bools
) -> Plan:
    numbers = np.minimum(readers.lengths, free)
    # A reader without interests has no path to leave, and gets what everyone reads anyway.
    is_roomy = (numbers >= _ROOMY) & ~is_open
    everyone = is_roomy & bool(candidates.votes.max(initial=0) > 0)
    exploring = is_roomy & readers.is_exploring
    return Plan(numbers - everyone - exploring, everyone, exploring)


def _lead(scores: Floats, candidates: Candidates, readers: Readers) -> None:
    """Have pinned papers come first, and then those by followed authors. Changes `scores`."""
    if readers.holds is not None:
        scores += np.float32(_LEAD) * (readers.holds == Hold.AUTHOR)
    if candidates.pinned is not None:
        order = np.arange(len(candidates.pinned), 0, -1, dtype=np.float32)
        scores[:, candidates.pinned] += np.float32(_PINNED_LEAD) * order


def _due(
    candidates: Candidates, readers: Readers, scores: Floats, numbers: NDArray[np.int64]
) -> Bools | None:
    """Return the papers that are chosen whatever else there is: bool (r, n).

    Those are the best that hold a followed word or are by a followed author, for half the places
    that pinned papers leave.
    """
    if readers.holds is None:
        return None
    holds = (readers.holds >= Hold.KEYWORD) & (scores > -np.inf)
    if candidates.pinned is not None:
        numbers = numbers - (scores[:, candidates.pinned] > -np.inf).sum(axis=1)
        holds[:, candidates.pinned] = False
    order = np.argsort(np.where(holds, -scores, np.inf), axis=1, kind="stable")
    is_first = np.arange(scores.shape[1]) < ((numbers + 1) // 2)[:, np.newaxis]
    due = np.zeros_like(holds)
    np.put_along_axis(due, order, is_first, axis=1)
    due &= holds
    return due if due.any() else None


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


def _kinds(
    places: NDArray[np.int64],
    parts: Floats,
    candidates: Candidates,
    readers: Readers,
    is_open: Bools,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the kind of each place by what is clear, and the topic that fits it best: int64
    (r, k) each."""
    at = np.maximum(places, 0)
    topics, is_on_topic = _best_topics(at, candidates, readers)
    added = np.take_along_axis(parts[: Part.VOTES], at[np.newaxis], axis=2)
    clear = np.zeros(added.shape, dtype=np.bool_)
    clear[Kind.TOPIC] = is_on_topic
    if readers.holds is not None:
        clear[Kind.TERM] = np.take_along_axis(readers.holds, at, axis=1) > Hold.NOTHING
    if readers.nearest is not None:
        nearest = np.take_along_axis(readers.nearest, at, axis=1)
        clear[Kind.TASTE] = nearest >= weights.CLEAR_LIKENESS
        clear[Kind.TASTE] &= added[Part.TASTE] >= weights.CLEAR_TASTE
    kinds: NDArray[np.int64] = np.where(clear, added, -np.inf).argmax(axis=0)
    is_close = added.sum(axis=0) >= weights.CLOSEST
    weaker = np.where(is_close, Kind.CLOSEST, np.where(is_open, Kind.VOTES, Kind.REST)[:, None])
    kinds = np.where(clear.any(axis=0), kinds, weaker)
    if candidates.pinned is not None:
        kinds[np.isin(places, candidates.pinned)] = Kind.PINNED
    return kinds, topics


def _best_topics(
    at: NDArray[np.int64], candidates: Candidates, readers: Readers
) -> tuple[NDArray[np.int64], Bools]:
    """Return the followed topic that fits each chosen paper best, and whether it clearly does."""
    if not candidates.fits.shape[1]:
        return np.zeros_like(at), np.zeros(at.shape, dtype=np.bool_)
    fits = candidates.fits[at]
    topics = (fits * readers.topics[:, np.newaxis, :]).argmax(axis=2)
    fit = np.take_along_axis(fits, topics[:, :, np.newaxis], axis=2)[:, :, 0]
    is_followed = np.take_along_axis(readers.topics, topics, axis=1) > 0
    return topics, is_followed & (fit >= weights.CLEAR_TOPIC)
