"""Asking a reader to rate a few papers, chosen so that the answers tell most of their taste.

What they say is stored as votes. They count less than those on papers of a digest (``interests``).
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
from digest.choosing.interests import TOPIC_WEIGHTS, VOTE_WEIGHTS
from digest.choosing.keywords import TermIndex
from digest.models import Change, Digest, Edition, EditionPaper, Paper, Vote
from digest.papers.matching import features_of_many
from digest.ranking.asking import Pool
from digest.ranking.batch import Floats
from digest.ranking.typical import NEWEST
from subscribers.models import Subscriber, Subscription, Term

from .examples import papers
from .votes import store

# Readers find more to vote up among many papers, and need not look at all of them.
NUMBER = 40
# After so many marks, on this page or in mails, the page stops asking by itself. Of the ways to ask
# for them, two on each of four pages told most: each page is closer to the reader's taste.
ENOUGH = 8
# With this many to ask about, those that may come in the next digest are left for it.
_FEWEST = 8
# How many of the reader's votes the page shows, to be changed or taken back.
MOST_SHOWN = 20

Emphasis = Subscription.Emphasis
# Examples and the reader's library have pages of their own.
_SHOWN = (Vote.Origin.MAIL, Vote.Origin.RATING)
_FOLLOWED = {said: weight for said, weight in TOPIC_WEIGHTS.items() if weight > 0}


# --- asking --------------------------------------------------------------------------------
def asked(subscriber: Subscriber, passed: Sequence[int] = ()) -> list[EditionPaper]:
    """Return the papers to ask this reader about, those that tell most first.

    Papers that the reader was sent or has voted on, and muted ones, are left out, and so are those
    that were shown and `passed`. So are, while there are others, papers that may still come in the
    next digest, because a paper that the reader has voted on does not come any more.
    """
    newest = Edition.objects.closed().aggregate(newest=Max("date"))["newest"]
    if newest is None:
        return []
    is_weekly = subscriber.frequency == Subscriber.Frequency.WEEKLY
    earlier = newest - (LOOK_BACK if is_weekly else timedelta(days=1))
    found = _most_telling(subscriber, earlier, passed)
    return found if len(found) >= _FEWEST else _most_telling(subscriber, newest, passed)


def _most_telling(subscriber: Subscriber, until: date, passed: Sequence[int]) -> list[EditionPaper]:
    recent = _recent(until, Change.version())
    topics = Subscription.objects.filter(subscriber=subscriber)
    emphases = dict(topics.values_list("topic_id", "emphasis"))
    followed = {topic: _FOLLOWED[said] for topic, said in emphases.items() if said in _FOLLOWED}
    muted = {topic: 1.0 for topic, said in emphases.items() if said == Emphasis.MUTED}
    votes = Vote.objects.filter(subscriber=subscriber).values_list("paper_id", "value", "origin")
    opinions = {paper: value * VOTE_WEIGHTS.get(origin, 1.0) for paper, value, origin in votes}
    sent = Digest.objects.filter(subscriber=subscriber).values_list("paper_ids", flat=True)
    order = recent.pool.most_telling(
        recent.weights(followed),
        opinions=recent.opinions(opinions),
        barred=np.isin(recent.paper_ids, [*passed, *chain.from_iterable(sent)])
        | (recent.fits @ recent.weights(muted) > 0),
        # Some may hold what the reader has muted.
        number=2 * NUMBER,
    )
    return _without_muted(subscriber, papers(recent.paper_ids[order].tolist()))[:NUMBER]


def _without_muted(subscriber: Subscriber, found: list[EditionPaper]) -> list[EditionPaper]:
    terms = list(Term.objects.filter(subscriber=subscriber, is_muted=True))
    if not terms:
        return found
    index = TermIndex([candidate.paper for candidate in found])
    muted = set().union(*(index.places(term.kind, term.key) for term in terms))
    return [candidate for place, candidate in enumerate(found) if place not in muted]


@dataclass(frozen=True, slots=True, eq=False)
class _Recent:
    """The n newest papers, ready for any reader.

    `paper_ids` int64 (n,). `fits` float32 (n, t) has a column for each topic in `topics`.
    """

    pool: Pool
    paper_ids: NDArray[np.int64]
    fits: Floats
    topics: Sequence[int]

    def weights(self, of_topics: Mapping[int, float]) -> Floats:
        """Return the weight of each topic: float32 (t,)."""
        return np.array([of_topics.get(topic, 0) for topic in self.topics], dtype=np.float32)

    def opinions(self, of_papers: Mapping[int, float]) -> Floats:
        """Return what was said of each paper, 0 for those of which nothing was: float32 (n,)."""
        paper_ids = self.paper_ids.tolist()
        return np.array([of_papers.get(paper, 0) for paper in paper_ids], dtype=np.float32)


# Daily and weekly readers are asked about the papers up to different days.
@lru_cache(maxsize=2)
def _recent(until: date, version: str) -> _Recent:
    """Return the newest papers of the editions up to a day. Takes a second, once a day or change.

    `version` changes when a paper or a topic does (``models.Change``).
    """
    rows = EditionPaper.objects.exclude(edition__closed_at=None)
    rows = rows.filter(edition__date__lte=until, paper__set_aside="")
    rows = rows.order_by("-edition__date", "-votes", "paper_id")
    listed = {
        paper_id: (fits, votes)
        for paper_id, fits, votes in rows.values_list("paper_id", "fits", "votes")[:NEWEST]
    }
    known = Paper.objects.filter(pk__in=listed).order_by("pk")
    features = dict(zip(sorted(listed), features_of_many(known), strict=True))
    topics = sorted({int(topic) for of_paper, _votes in listed.values() for topic in of_paper})
    fits = np.array(
        [[of_paper.get(str(topic), 0) for topic in topics] for of_paper, _votes in listed.values()],
        dtype=np.float32,
    ).reshape(len(listed), len(topics))
    votes = np.array([votes for _fits, votes in listed.values()], dtype=np.float32)
    pool = Pool([features[paper] for paper in listed], fits, votes)
    return _Recent(pool, np.array([*listed], dtype=np.int64), fits, topics)


# --- answers -------------------------------------------------------------------------------
@transaction.atomic
def rate(subscriber: Subscriber, opinions: Mapping[int, Vote.Value | None], now: datetime) -> None:
    """Store these votes by paper id; None takes one back. Safe to repeat.

    A vote that stays as it was keeps its time, and a changed vote on a digest's paper stays one.
    Papers that are not public are ignored.
    """
    theirs = Vote.objects.filter(subscriber=subscriber)
    before = dict(theirs.filter(paper__in=opinions).values_list("paper_id", "value"))
    voted = set(theirs.filter(origin=Vote.Origin.MAIL).values_list("paper_id", flat=True))
    theirs.filter(paper__in=[pk for pk, value in opinions.items() if value is None]).delete()
    wanted = {pk: value for pk, value in opinions.items() if value and before.get(pk) != value}
    public = EditionPaper.objects.public().filter(paper__in=wanted).order_by("paper_id")
    store(
        Vote(
            subscriber=subscriber,
            paper_id=paper_id,
            value=wanted[paper_id],
            origin=Vote.Origin.MAIL if paper_id in voted else Vote.Origin.RATING,
            at=now,
        )
        for paper_id in public.values_list("paper_id", flat=True)
    )


def given(subscriber: Subscriber) -> dict[int, int]:
    """Return the reader's newest votes by paper id, the newest first."""
    votes = Vote.objects.filter(subscriber=subscriber, origin__in=_SHOWN)
    newest = votes.order_by("-at", "paper_id").values_list("paper_id", "value")
    return dict(newest[:MOST_SHOWN])
