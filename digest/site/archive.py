"""Selects what everybody may read: papers of closed editions, by day, by topic and one by one.

Open editions are not public yet, and neither are papers that wait for an edition. The number of
queries never depends on the number of papers.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from django.contrib.postgres.search import SearchRank
from django.db.models import Count, F, Max, Min, QuerySet

from digest.models import Edition, EditionPaper, Paper, Sighting
from digest.ranking.trending import trending
from subscribers.models import Topic

from .searching import any_word

# How many papers a page describes. It lists the rest of an edition by title.
PAGE = 20
# How many of the newest papers to search for trending or similar ones.
RECENT = 400
# How far back to look for how quickly a paper gathers votes.
_VELOCITY = timedelta(days=2)


# --- papers --------------------------------------------------------------------------------
def with_newest_figures(candidates: Iterable[EditionPaper]) -> list[EditionPaper]:
    """Return the candidates with their papers' current figures, to show but not to save."""
    shown = list(candidates)
    for candidate in shown:
        candidate.votes, candidate.comments = candidate.paper.votes, candidate.paper.comments
    return shown


# --- editions ------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Front:
    """An edition as its page shows it: the papers that trend most, and the others by title."""

    papers: list[EditionPaper]
    others: list[Paper]

    @property
    def number(self) -> int:
        return len(self.papers) + len(self.others)


def latest() -> Edition | None:
    return Edition.objects.closed().order_by("-date").first()


def front(edition: Edition) -> Front:
    """Return the edition's papers as they trended when it closed, so the order never changes."""
    assert edition.closed_at is not None
    rows = (
        edition.candidates.kept()
        .order_by("pk")
        .values_list("pk", "paper_id", "votes", "paper__first_seen_at")
    )
    order = _trending(map(_Figures._make, rows), edition.closed_at)
    others = Paper.objects.defer("search", "features", "abstract").in_bulk(
        [row.paper_id for row in order[PAGE:]]
    )
    return Front(
        papers=_fetch([row.pk for row in order[:PAGE]]),
        others=[others[row.paper_id] for row in order[PAGE:]],
    )


def neighbours(edition: Edition) -> tuple[Edition | None, Edition | None]:
    """Return the closed editions before and after this one."""
    closed = Edition.objects.closed()
    return (
        closed.filter(date__lt=edition.date).order_by("-date").first(),
        closed.filter(date__gt=edition.date).order_by("date").first(),
    )


def days() -> list[date]:
    """Return the dates of all closed editions, newest first."""
    return list(Edition.objects.closed().order_by("-date").values_list("date", flat=True))


# --- topics --------------------------------------------------------------------------------
def on_topic(topic: Topic) -> QuerySet[EditionPaper]:
    """Return the topic's papers, newest edition first."""
    of_topic = EditionPaper.objects.public().filter(paper__papertopic__topic=topic)
    ordered: QuerySet[EditionPaper] = of_topic.order_by("-edition__date", "-votes", "pk")
    return ordered


def trending_on(topic: Topic, now: datetime) -> list[EditionPaper]:
    """Return those of the topic's newest papers that trend now, with their current figures."""
    rows = on_topic(topic).values_list("pk", "paper_id", "paper__votes", "paper__first_seen_at")
    order = _trending(map(_Figures._make, rows[:RECENT]), now)
    return with_newest_figures(_fetch([row.pk for row in order[:PAGE]]))


def numbers_by_topic(since: date) -> dict[int, int]:
    """Return how many papers each topic, by id, has had in editions since that date."""
    pairs = EditionPaper.objects.public().filter(edition__date__gte=since)
    counted = pairs.values_list("paper__papertopic__topic_id").annotate(Count("pk")).order_by()
    return {topic_id: number for topic_id, number in counted if topic_id is not None}


# --- one paper -----------------------------------------------------------------------------
def similar(paper: Paper, number: int) -> list[EditionPaper]:
    """Return up to `number` papers with words of this one's title, the closest first.

    They share one of its topics, if it has any. The search covers only the newest papers, so a
    large archive does not slow it down.
    """
    candidates = EditionPaper.objects.public().exclude(paper=paper)
    topics = [pair.topic_id for pair in paper.papertopic_set.all()]
    if topics:
        candidates = candidates.filter(paper__papertopic__topic__in=topics)
    newest = candidates.order_by("-paper_id").values("paper_id").distinct()[:RECENT]
    query = any_word(paper.title)
    alike = EditionPaper.objects.public().filter(paper__in=newest, paper__search=query)
    ranked = alike.annotate(rank=SearchRank(F("paper__search"), query)).order_by("-rank", "-pk")
    return with_newest_figures(ranked[:number])


# --- trending ------------------------------------------------------------------------------
def _fetch(pks: Sequence[int]) -> list[EditionPaper]:
    """Return the candidates with these keys, in this order."""
    found = EditionPaper.objects.public().in_bulk(pks)
    return [found[pk] for pk in pks if pk in found]


class _Figures(NamedTuple):
    pk: int
    paper_id: int
    votes: int
    first_seen_at: datetime


def _trending(figures: Iterable[_Figures], at: datetime) -> list[_Figures]:
    """Sort by how much each trended at that time, the most first; ties keep their order."""
    rows = list(figures)
    velocities = _velocities([row.paper_id for row in rows], at)
    heat = trending(
        np.array([row.votes for row in rows], dtype=np.float64),
        np.array([velocities.get(row.paper_id, 0.0) for row in rows], dtype=np.float64),
        np.array([_hours(at - row.first_seen_at) for row in rows], dtype=np.float64),
    )
    return [rows[place] for place in np.argsort(-heat, kind="stable")]


def _velocities(paper_ids: Collection[int], at: datetime) -> dict[int, float]:
    """Return votes per hour before `at`, by paper, for papers that were seen more than once."""
    seen = Sighting.objects.filter(paper__in=paper_ids, at__lte=at, at__gt=at - _VELOCITY)
    spans = seen.values_list("paper").annotate(Min("at"), Max("at"), Min("votes"), Max("votes"))
    return {
        paper_id: (most - least) / _hours(last - first)
        for paper_id, first, last, least, most in spans.order_by()
        if last > first
    }


def _hours(span: timedelta) -> float:
    return max(span.total_seconds() / 3600, 0.0)
