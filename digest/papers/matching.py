"""What a paper is about: its features, how well it fits each topic, what it is found by."""

from collections.abc import Iterable, Sequence

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from digest.models import Change, Paper, PaperTopic
from digest.ranking.features import VERSION, Features, features_of
from digest.ranking.learnt import weights_of
from digest.ranking.tfidf import TopicTerms, topic_fits
from subscribers.models import Topic

# Papers that show which words are common: two months of Daily Papers, read in half a second.
BACKGROUND = 1000


def match(papers: Sequence[Paper]) -> None:
    """Recompute the features and topics of `papers`, and what they can be found by, and store them.

    Safe to repeat and to run twice at once.
    """
    if not papers:
        return
    Change.forget_old()
    topics = list(Topic.objects.order_by("pk"))
    fits = topic_fits(
        [(paper.title, paper.abstract) for paper in papers],
        [terms_of(topic) for topic in topics],
        background=background(),
    )
    for paper in papers:
        paper.features = _stored(_features_of(paper))
        paper.make_searchable()
    with transaction.atomic():
        _lock(papers)
        Paper.objects.bulk_update(papers, ["features", "search", "names"], batch_size=500)
        PaperTopic.objects.filter(paper__in=papers).delete()
        PaperTopic.objects.bulk_create(
            PaperTopic(paper=papers[row], topic=topics[column], fit=float(fits[row, column]))
            for row, column in np.argwhere(fits > 0)
        )


def features_of_papers(papers: Iterable[Paper], *, stores: bool = True) -> dict[int, Features]:
    """Return the features by paper id. Missing and outdated ones are computed, and stored unless
    `stores` is false. Safe to repeat."""
    found, outdated = {}, []
    for paper in papers:
        stored = bytes(paper.features or b"")
        if stored[:1] == _VERSION:
            found[paper.pk] = Features.from_bytes(stored[1:])
        else:
            found[paper.pk] = _features_of(paper)
            paper.features = _stored(found[paper.pk])
            outdated.append(paper)
    if stores:
        Paper.objects.bulk_update(outdated, ["features"], batch_size=500)
    return found


def features_of_many(papers: QuerySet[Paper], *, stores: bool = True) -> list[Features]:
    """Return the features of thousands of papers, reading the texts only of outdated ones."""
    rows = [(pk, bytes(stored or b"")) for pk, stored in papers.values_list("pk", "features")]
    outdated = [pk for pk, stored in rows if stored[:1] != _VERSION]
    late = Paper.objects.filter(pk__in=outdated) if outdated else Paper.objects.none()
    again = features_of_papers(late, stores=stores)
    return [again[pk] if pk in again else Features.from_bytes(stored[1:]) for pk, stored in rows]


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


def terms_of(topic: Topic) -> TopicTerms:
    """Return what papers are matched to `topic` by."""
    is_learnt = topic.matched_by == Topic.MatchedBy.LEARNT
    return TopicTerms(
        key=topic.slug,
        name=topic.name,
        description=topic.description,
        seed_terms=tuple(topic.seed_terms),
        weights=weights_of(topic.slug) if is_learnt else None,
        is_rest=topic.matched_by == Topic.MatchedBy.REST,
    )


def background() -> list[tuple[str, str]]:
    """Return titles and abstracts of the newest papers, which show how rare a word is."""
    newest = Paper.objects.order_by("-first_seen_at", "-id")
    return list(newest.values_list("title", "abstract")[:BACKGROUND])


def _lock(papers: Sequence[Paper]) -> None:
    """Lock the rows in a fixed order, so that two who match the same papers do not deadlock."""
    rows = Paper.objects.filter(pk__in=[paper.pk for paper in papers])
    list(rows.order_by("pk").select_for_update().values_list("pk"))
