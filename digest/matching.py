"""Which topics a paper is about: how well it fits the words of each topic."""

from collections.abc import Sequence

import numpy as np
from django.db import transaction

from subscribers.models import Topic

from .models import Paper, PaperTopic
from .ranking.tfidf import TopicTerms, topic_fits

# Enough to know which words are common: two months of Daily Papers, read in half a second.
BACKGROUND = 1000


def match(papers: Sequence[Paper]) -> None:
    """Write the topics of `papers` anew. Safe to repeat, and to run twice at once."""
    if not papers:
        return
    topics = list(Topic.objects.order_by("pk"))
    fits = topic_fits(
        [(paper.title, paper.abstract) for paper in papers],
        [_terms(topic) for topic in topics],
        background=_background(),
    )
    with transaction.atomic():
        _lock(papers)
        PaperTopic.objects.filter(paper__in=papers).delete()
        PaperTopic.objects.bulk_create(
            PaperTopic(paper=papers[row], topic=topics[column], fit=float(fits[row, column]))
            for row, column in np.argwhere(fits > 0)
        )


def _terms(topic: Topic) -> TopicTerms:
    return TopicTerms(
        key=topic.slug,
        name=topic.name,
        description=topic.description,
        seed_terms=tuple(topic.seed_terms),
    )


def _background() -> list[tuple[str, str]]:
    newest = Paper.objects.order_by("-first_seen_at", "-id")
    return list(newest.values_list("title", "abstract")[:BACKGROUND])


def _lock(papers: Sequence[Paper]) -> None:
    """In one order for all, so that two who match the same papers wait and do not collide."""
    rows = Paper.objects.filter(pk__in=[paper.pk for paper in papers])
    list(rows.order_by("pk").select_for_update().values_list("pk"))
