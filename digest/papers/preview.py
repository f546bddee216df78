"""What a topic would catch, before it is saved: its words against the papers of the last days.

By the code that matches papers for the site. Reads only.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from digest.models import Paper
from digest.ranking.tfidf import TopicTerms, topic_fits

from .matching import background

# The newest so many are looked at: what an operator waits for is a few seconds.
MOST_PAPERS = 2000


@dataclass(frozen=True, slots=True)
class Caught:
    """A paper and how well it fits, 0 to 1."""

    paper: Paper
    fit: float


@dataclass(frozen=True, slots=True)
class Preview:
    """`looked_at` papers, newest first seen on the days of `a_day`, which says how many of each
    day's would be caught. `caught` and `nearly` are by fit, best first."""

    looked_at: int
    caught: Sequence[Caught]
    nearly: Sequence[Caught]
    a_day: Sequence[tuple[date, int]]

    @property
    def mean(self) -> float:
        """How many a day, over the days that had papers."""
        return len(self.caught) / max(len(self.a_day), 1)


def preview(terms: TopicTerms, *, days: int, now: datetime) -> Preview:
    """What the topic would catch of the papers that came in the last `days`.

    `nearly` are papers below the threshold that would be over it if what their abstract says
    stood in the title: one more word of theirs among the topic's, and they are caught.
    """
    newest = Paper.objects.defer("features").order_by("-first_seen_at", "-pk")
    papers = list(newest.filter(first_seen_at__gte=now - timedelta(days=days))[:MOST_PAPERS])
    texts = [(paper.title, paper.abstract) for paper in papers]
    entitled = [(f"{title}. {abstract}", "") for title, abstract in texts]
    common = background()
    fits, nearness = (
        topic_fits(these, [terms], common)[:, 0].tolist() for these in (texts, entitled)
    )
    caught = [Caught(paper, fit) for paper, fit in zip(papers, fits, strict=True) if fit]
    nearly = [
        Caught(paper, near)
        for paper, fit, near in zip(papers, fits, nearness, strict=True)
        if near and not fit
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
