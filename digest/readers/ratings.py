"""Asking a reader to rate a few papers, chosen so that the answers tell most of their taste.

What they say is stored as votes, exactly as on the pages that are linked from mails.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import chain

import numpy as np
from django.db import transaction
from django.db.models import Max
from numpy.typing import NDArray

from digest.choosing.composing import LOOK_BACK
from digest.choosing.keywords import TermIndex
from digest.models import Change, Digest, Edition, EditionPaper, Vote
from digest.papers.matching import features_of_papers
from digest.ranking import asking, taste
from digest.ranking.batch import Floats
from digest.ranking.space import Index, Space
from subscribers.models import Subscriber, Subscription, Term

from .examples import papers
from .votes import store

NUMBER = 8
# How many of the reader's votes the page shows, to be changed or taken back.
MOST_SHOWN = 20
# The choice is among this many of the newest papers: two or three weeks of them.
_RECENT = 400

Emphasis = Subscription.Emphasis
_INTEREST: Mapping[int, float] = {Emphasis.NORMAL: 1.0, Emphasis.MORE: 1.5}


# --- asking --------------------------------------------------------------------------------
def asked(subscriber: Subscriber) -> list[EditionPaper]:
    """Return the papers to ask this reader about, those that tell most first.

    Papers that the reader was sent or has voted on, and muted ones, are left out. So are, while
    there are others, papers that may still come in the next digest, because a paper that the
    reader has voted on does not come any more.
    """
    newest = Edition.objects.closed().aggregate(newest=Max("date"))["newest"]
    if newest is None:
        return []
    is_weekly = subscriber.frequency == Subscriber.Frequency.WEEKLY
    earlier = newest - (LOOK_BACK if is_weekly else timedelta(days=1))
    found = _most_telling(subscriber, earlier)
    return found if len(found) == NUMBER else _most_telling(subscriber, newest)


def _most_telling(subscriber: Subscriber, until: date) -> list[EditionPaper]:
    pool = _pool(until, Change.version())
    topics = Subscription.objects.filter(subscriber=subscriber)
    emphases = dict(topics.values_list("topic_id", "emphasis"))
    followed = {topic: _INTEREST[said] for topic, said in emphases.items() if said in _INTEREST}
    muted = {topic: 1.0 for topic, said in emphases.items() if said == Emphasis.MUTED}
    votes = Vote.objects.filter(subscriber=subscriber).values_list("paper_id", flat=True)
    sent = Digest.objects.filter(subscriber=subscriber).values_list("paper_ids", flat=True)
    order = asking.most_telling(
        pool.likeness,
        pool.votes,
        pool.on_topics(followed),
        known=np.isin(pool.paper_ids, list(votes)),
        barred=np.isin(pool.paper_ids, list(chain.from_iterable(sent)))
        | (pool.on_topics(muted) > 0),
        # Some may hold what the reader has muted.
        number=2 * NUMBER,
    )
    return _without_muted(subscriber, papers(pool.paper_ids[order].tolist()))[:NUMBER]


def _without_muted(subscriber: Subscriber, found: list[EditionPaper]) -> list[EditionPaper]:
    terms = list(Term.objects.filter(subscriber=subscriber, is_muted=True))
    if not terms:
        return found
    index = TermIndex([candidate.paper for candidate in found])
    muted = set().union(*(index.places(term.kind, term.key) for term in terms))
    return [candidate for place, candidate in enumerate(found) if place not in muted]


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    """The n papers to choose from, ready for any reader.

    `paper_ids` int64 (n,), `likeness` float32 (n, n), `votes` float32 (n,). `fits` float32
    (n, t) has a column for each topic in `topics`.
    """

    paper_ids: NDArray[np.int64]
    likeness: Floats
    votes: Floats
    fits: Floats
    topics: Sequence[int]

    def on_topics(self, weights: Mapping[int, float]) -> Floats:
        """Return how well each paper fits these topics, times their weights: float32 (n,)."""
        return self.fits @ np.array([weights.get(topic, 0) for topic in self.topics], np.float32)


@lru_cache(maxsize=4)
def _pool(until: date, version: str) -> _Pool:
    """Return the newest papers of the editions up to a day. Takes a moment, once a day.

    `version` changes when a paper or a topic does (``models.Change``).
    """
    rows = EditionPaper.objects.exclude(edition__closed_at=None).select_related("paper")
    rows = rows.filter(edition__date__lte=until, paper__set_aside="")
    candidates = list(rows.order_by("-edition__date", "-votes", "paper_id")[:_RECENT])
    features = features_of_papers(candidate.paper for candidate in candidates)
    listed = [features[candidate.paper_id] for candidate in candidates]
    vectors = Space(listed).vectors(listed)
    topics = sorted({int(topic) for candidate in candidates for topic in candidate.fits})
    fits = [[candidate.fits.get(str(topic), 0) for topic in topics] for candidate in candidates]
    return _Pool(
        np.array([candidate.paper_id for candidate in candidates], dtype=np.int64),
        np.maximum(taste.excess_similarity(Index(vectors).similarity(vectors), vectors.common), 0),
        np.array([candidate.votes for candidate in candidates], dtype=np.float32),
        np.array(fits, dtype=np.float32).reshape(len(candidates), len(topics)),
        topics,
    )


# --- answers -------------------------------------------------------------------------------
@transaction.atomic
def rate(subscriber: Subscriber, opinions: Mapping[int, Vote.Value | None], now: datetime) -> None:
    """Store these votes by paper id, as votes from mails are; None takes one back. Safe to repeat.

    A vote that stays as it was keeps its time. Papers that are not public are ignored.
    """
    theirs = Vote.objects.filter(subscriber=subscriber)
    before = dict(theirs.filter(paper__in=opinions).values_list("paper_id", "value"))
    theirs.filter(paper__in=[pk for pk, value in opinions.items() if value is None]).delete()
    wanted = {pk: value for pk, value in opinions.items() if value and before.get(pk) != value}
    public = EditionPaper.objects.public().filter(paper__in=wanted).order_by("paper_id")
    store(
        Vote(
            subscriber=subscriber,
            paper_id=paper_id,
            value=wanted[paper_id],
            origin=Vote.Origin.MAIL,
            at=now,
        )
        for paper_id in public.values_list("paper_id", flat=True)
    )


def given(subscriber: Subscriber) -> dict[int, int]:
    """Return the reader's newest votes by paper id, but not examples, which have their own page."""
    votes = Vote.objects.filter(subscriber=subscriber, origin=Vote.Origin.MAIL)
    newest = votes.order_by("-at", "paper_id").values_list("paper_id", "value")
    return dict(newest[:MOST_SHOWN])
