"""What the readers of a window are chosen from: its papers, as arrays for ranking.

A reader's digest is chosen from a `Window`, the editions since their last digest. Readers of one
window share everything here, whatever their language.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from digest.models import Edition, EditionPaper
from digest.ranking.rank import Candidates
from subscribers.models import Topic

from .interests import CandidateIndex


@dataclass(frozen=True, slots=True)
class Window:
    """The editions a reader may be served from: those after `since`, up to edition_id's own."""

    edition_id: int
    since: date


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """What the readers of one window are chosen from, in whatever language."""

    edition_date: date
    candidates: Candidates
    shelf: CandidateIndex


@lru_cache(maxsize=32)
def candidate_set(window: Window) -> CandidateSet:
    """The stock of a window. It never changes either, but for what its shelf has looked up."""
    edition = Edition.objects.closed().get(pk=window.edition_id)
    rows = papers_of(edition, window)
    shelf = CandidateIndex.of(edition.pk, [row.paper for row in rows])
    return CandidateSet(edition.date, _arrays(rows, shelf), shelf)


def papers_of(edition: Edition, window: Window) -> list[EditionPaper]:
    return list(
        EditionPaper.objects.filter(
            edition__closed_at__isnull=False,
            edition__date__gt=window.since,
            edition__date__lte=edition.date,
        )
        .select_related("paper", "edition")
        .order_by("-edition__date", "-votes", "paper_id")
    )


def _arrays(rows: Sequence[EditionPaper], shelf: CandidateIndex) -> Candidates:
    # Every topic has a column, also one that nothing fits today: its readers follow something.
    topic_ids = sorted(
        {int(topic) for row in rows for topic in row.fits}
        | set(Topic.objects.values_list("id", flat=True))
    )
    column = {topic: number for number, topic in enumerate(topic_ids)}
    fits = np.zeros((len(rows), len(topic_ids)), dtype=np.float32)
    for number, row in enumerate(rows):
        for topic, fit in row.fits.items():
            fits[number, column[int(topic)]] = fit
    return Candidates(
        paper_ids=np.array([row.paper_id for row in rows], dtype=np.int64),
        votes=np.array([row.votes for row in rows], dtype=np.float32),
        fits=fits,
        topic_ids=tuple(topic_ids),
        overlaps=shelf.overlaps,
    )
