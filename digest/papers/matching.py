"""What a paper is about: its features, and how well it fits the words of each topic."""

from collections.abc import Iterable, Sequence

import numpy as np
from django.db import transaction

from digest.models import Paper, PaperTopic
from digest.ranking.features import VERSION, Features, features_of
from digest.ranking.tfidf import TopicTerms, topic_fits
from subscribers.models import Topic

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
        background=background(),
    )
    for paper in papers:
        paper.features = _stored(_features_of(paper))
    with transaction.atomic():
        _lock(papers)
        Paper.objects.bulk_update(papers, ["features"])
        PaperTopic.objects.filter(paper__in=papers).delete()
        PaperTopic.objects.bulk_create(
            PaperTopic(paper=papers[row], topic=topics[column], fit=float(fits[row, column]))
            for row, column in np.argwhere(fits > 0)
        )


def features_of_papers(papers: Iterable[Paper]) -> dict[int, Features]:
    """The features by paper id. Those that a paper lacks, or has of an older version, are made
    and stored. Safe to repeat."""
    found, behind = {}, []
    for paper in papers:
        stored = bytes(paper.features or b"")
        if stored[:1] == _VERSION:
            found[paper.pk] = Features.from_bytes(stored[1:])
        else:
            found[paper.pk] = _features_of(paper)
            paper.features = _stored(found[paper.pk])
            behind.append(paper)
    Paper.objects.bulk_update(behind, ["features"], batch_size=500)
    return found


def _features_of(paper: Paper) -> Features:
    return features_of(
        paper.title,
        paper.abstract,
        categories=paper.categories,
        organization=paper.organization,
        authors=paper.authors,
    )


def _stored(features: Features) -> bytes:
    return _VERSION + features.to_bytes()


_VERSION = bytes([VERSION])


def _terms(topic: Topic) -> TopicTerms:
    return TopicTerms(
        key=topic.slug,
        name=topic.name,
        description=topic.description,
        seed_terms=tuple(topic.seed_terms),
    )


def background() -> list[tuple[str, str]]:
    """Titles and abstracts of the newest papers, which tell how rare a word is."""
    newest = Paper.objects.order_by("-first_seen_at", "-id")
    return list(newest.values_list("title", "abstract")[:BACKGROUND])


def _lock(papers: Sequence[Paper]) -> None:
    """In one order for all, so that two who match the same papers wait and do not collide."""
    rows = Paper.objects.filter(pk__in=[paper.pk for paper in papers])
    list(rows.order_by("pk").select_for_update().values_list("pk"))
