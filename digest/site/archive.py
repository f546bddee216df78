"""Selects what everybody may read: papers of closed editions, by time, by topic and one by one.

Open editions are not public yet, and neither are papers that wait for an edition. The number of
queries never depends on the number of papers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from django.db.models import Count, QuerySet

from digest.models import Edition, EditionPaper, Paper
from digest.papers.cards import best_of
from digest.papers.matching import features_of_many, features_of_papers
from digest.ranking.similar import Neighbours
from digest.ranking.trending import trending
from subscribers.database import fetch
from subscribers.models import Topic

from .periods import Period

# How many papers a page describes. It lists the rest of an edition by title.
PAGE = 20
# How many papers of a topic or a month to search for those that trend, and how many to list.
RECENT = 400
MOST_LISTED = 1000
# How many of the newest papers to search for similar ones.
COMPARED = 1000
# How far back to look for how quickly a paper gathers votes.
_VELOCITY = timedelta(days=2)


# --- days, weeks and months ----------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Front:
    """The papers of a period as its page shows them: some with all that is said of them, and for a
    day the others by title. `listed` is how many a reader can get to, of `number`."""

    papers: list[EditionPaper]
    others: list[Paper]
    number: int
    listed: int


def latest() -> Edition | None:
    return Edition.objects.closed().order_by("-date").first()


def front(period: Period, *, by_votes: bool, start: int = 0) -> Front:
    """Return the period's papers from the `start`th on, by votes now or as they trended.

    How much a paper trended is counted at the close of its edition, so that order never changes.
    """
    rows = EditionPaper.objects.kept().filter(edition__in=period.editions())
    order = _most_voted(rows, period) if by_votes else _most_trending(rows, period)
    others = order[PAGE:] if period.is_day else []
    found = Paper.objects.only("title", "key").in_bulk([paper_id for _pk, paper_id in others])
    return Front(
        papers=_fetch([pk for pk, _paper_id in order[start : start + PAGE]]),
        others=[found[paper_id] for _pk, paper_id in others],
        number=len(order) if period.is_day else rows.count(),
        listed=len(order),
    )


def _most_voted(rows: QuerySet[EditionPaper], period: Period) -> list[tuple[int, int]]:
    """Return the pairs of keys of candidates and papers, those with most votes now first."""
    ordered = rows.order_by("-paper__votes", "pk").values_list("pk", "paper_id")
    return list(ordered if period.is_day else ordered[:MOST_LISTED])


def _most_trending(found: QuerySet[EditionPaper], period: Period) -> list[tuple[int, int]]:
    ordered = found.order_by("-votes", "pk").values_list(
        "pk", "paper_id", "votes", "paper__first_seen_at", "edition__closed_at"
    )
    figures = ordered if period.is_day else ordered[:RECENT]
    rows = (
        _Figures(pk, paper_id, votes, seen, closed)
        for pk, paper_id, votes, seen, closed in figures
        if closed
    )
    return [(row.pk, row.paper_id) for row in _trending(rows)]


# --- topics --------------------------------------------------------------------------------
def on_topic(topic: Topic) -> QuerySet[EditionPaper]:
    """Return the topic's papers, newest edition first."""
    of_topic = EditionPaper.objects.public().filter(paper__papertopic__topic=topic)
    ordered: QuerySet[EditionPaper] = of_topic.order_by("-edition__date", "-votes", "pk")
    return ordered


def trending_on(topic: Topic, now: datetime) -> list[EditionPaper]:
    """Return those of the topic's newest papers that trend now.

    How well they fit counts as well, and the first one fits no other topic better, if there is one.
    """
    rows = on_topic(topic).values_list(
        *("pk", "paper_id", "paper__votes", "paper__first_seen_at"),
        *("paper__papertopic__fit", "fits"),
    )[:RECENT]
    best = {pk for pk, *_figures, fits in rows if best_of(fits) in {topic.pk, None}}
    order = _trending(
        _Figures(pk, paper_id, votes, seen, now, fit)
        for pk, paper_id, votes, seen, fit, _fits in rows
    )
    leads = next((row for row in order if row.pk in best), None)
    first = [leads] if leads else []
    return _fetch([row.pk for row in [*first, *(row for row in order if row != leads)][:PAGE]])


def numbers_by_topic(since: date) -> dict[int, int]:
    """Return how many papers each topic, by id, has had in editions since that date."""
    pairs = EditionPaper.objects.public().filter(edition__date__gte=since)
    counted = pairs.values_list("paper__papertopic__topic_id").annotate(Count("pk")).order_by()
    return {topic_id: number for topic_id, number in counted if topic_id is not None}


# --- one paper -----------------------------------------------------------------------------
def similar(paper: Paper, number: int) -> list[EditionPaper]:
    """Return up to `number` of the newest papers that are about the same, the closest first."""
    public = EditionPaper.objects.exclude(edition__closed_at=None).kept()
    newest = public.order_by("-paper_id").values_list("paper_id", flat=True)[:COMPARED]
    neighbours = _neighbours(tuple(newest))
    [features] = features_of_papers([paper], stores=False).values()
    close = neighbours.closest(paper.pk, features, number)
    found = EditionPaper.objects.public().filter(paper__in=close)
    return sorted(found, key=lambda candidate: close.index(candidate.paper_id))


@lru_cache(maxsize=1)
def _neighbours(paper_ids: tuple[int, ...]) -> Neighbours:
    """Return these papers, ready to be compared: made anew when an edition closes."""
    papers = Paper.objects.filter(pk__in=paper_ids).order_by("-pk")
    return Neighbours(paper_ids, features_of_many(papers, stores=False))


# --- trending ------------------------------------------------------------------------------
def _fetch(pks: Sequence[int]) -> list[EditionPaper]:
    """Return the candidates with these keys, in this order."""
    found = EditionPaper.objects.public().in_bulk(pks)
    return [found[pk] for pk in pks if pk in found]


class _Figures(NamedTuple):
    """What trending goes by: a paper's votes, when it was first seen, at what time to count, and
    how well it fits."""

    pk: int
    paper_id: int
    votes: int
    first_seen_at: datetime
    at: datetime
    fit: float = 1.0


def _trending(figures: Iterable[_Figures]) -> list[_Figures]:
    """Sort by how much each trended at its time, the most first; ties keep their order."""
    rows = list(figures)
    velocities = _velocities({row.paper_id: row.at for row in rows})
    heat = trending(
        np.array([row.votes for row in rows], dtype=np.float64),
        np.array([velocities.get(row.paper_id, 0.0) for row in rows], dtype=np.float64),
        np.array([_hours(row.at - row.first_seen_at) for row in rows], dtype=np.float64),
    )
    heat *= np.array([row.fit for row in rows], dtype=np.float64)
    return [rows[place] for place in np.argsort(-heat, kind="stable")]


def _velocities(times: Mapping[int, datetime]) -> dict[int, float]:
    """Return votes per hour before these times, by paper, where two sightings tell them."""
    rows = fetch(_SPANS, [list(times), list(times.values()), _VELOCITY])
    return {
        paper_id: (most - least) / _hours(last - first)
        for paper_id, first, last, least, most in rows
        if last > first
    }


_SPANS = """
SELECT seen.paper_id, min(seen.at), max(seen.at), min(seen.votes), max(seen.votes)
FROM unnest(%s::bigint[], %s::timestamptz[]) AS wanted (paper_id, until)
JOIN digest_sighting AS seen ON seen.paper_id = wanted.paper_id
    AND seen.at <= wanted.until AND seen.at > wanted.until - %s
GROUP BY seen.paper_id
"""


def _hours(span: timedelta) -> float:
    return max(span.total_seconds() / 3600, 0.0)
