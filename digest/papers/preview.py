"""Which recent papers a topic would catch, before it is saved.

Uses the code that matches papers for the site. Writes nothing.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from digest.models import Paper
from digest.ranking.tfidf import TopicTerms, topic_fits
from subscribers.models import Topic

from .matching import background, terms_of

# How many of the newest papers to compare, so that the operator waits a few seconds at most.
MOST_PAPERS = 2000


@dataclass(frozen=True, slots=True)
class Caught:
    """A paper and how well it fits, 0 to 1."""

    paper: Paper
    fit: float


@dataclass(frozen=True, slots=True)
class Preview:
    """What a topic would catch.

    `looked_at` is the number of papers compared. `a_day` has, for each day on which any of them
    was first seen, how many would be caught, newest day first. `caught` and `nearly` are sorted
    by fit, best first.
    """

    looked_at: int
    caught: Sequence[Caught]
    nearly: Sequence[Caught]
    a_day: Sequence[tuple[date, int]]

    @property
    def mean(self) -> float:
        """Caught papers per day, over the days that had papers."""
        return len(self.caught) / max(len(self.a_day), 1)


def preview(terms: TopicTerms, *, days: int, now: datetime) -> Preview:
    """Return what the topic would catch of the papers first seen in the `days` before `now`.

    `nearly` has papers below the threshold that would pass it if the words of their abstract
    were in the title. One more of their words among the topic's would catch them. The topic of the
    rest has no such papers.
    """
    newest = Paper.objects.defer("features").order_by("-first_seen_at", "-pk")
    papers = list(newest.filter(first_seen_at__gte=now - timedelta(days=days))[:MOST_PAPERS])
    texts = [(paper.title, paper.abstract) for paper in papers]
    entitled = [(f"{title}. {abstract}", "") for title, abstract in texts]
    common = background()
    # What is left for the rest depends on all other topics.
    others = [terms_of(topic) for topic in Topic.objects.all()] if terms.is_rest else []
    topics = [*(other for other in others if not other.is_rest), terms]
    fits, nearness = (
        topic_fits(these, topics, common)[:, -1].tolist() for these in (texts, entitled)
    )
    caught = [Caught(paper, fit) for paper, fit in zip(papers, fits, strict=True) if fit]
    nearly = [
        Caught(paper, near)
        for paper, fit, near in zip(papers, fits, nearness, strict=True)
        if near and not fit and not terms.is_rest
    ]
    numbers = Counter({paper.first_seen_at.date(): 0 for paper in papers})
    numbers.update(one.paper.first_seen_at.date() for one in caught)
    return Preview(
        looked_at=len(papers),
        caught=_best_first(caught),
        nearly=_best_first(nearly),
        a_day=sorted(numbers.items(), reverse=True),
    )


def _best_first(papers: Sequence[Caught]) -> list[Caught]:
    return sorted(papers, key=lambda caught: (-caught.fit, -caught.paper.pk))
