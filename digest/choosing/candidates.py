"""The papers that the readers of a window can get, prepared once for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from digest.models import Edition, EditionPaper
from digest.ranking.batch import Candidates
from subscribers.models import Topic

from .candidate_index import CandidateIndex, space_of


@dataclass(frozen=True, slots=True)
class Window:
    """The editions from which a digest is chosen: those dated after `since`, up to `edition_id`.

    Readers with the same last digest share a window, whatever their language. What is made for a
    window is kept for all of them. `version` tells apart what was made before and after a paper or
    a topic changed (``models.Change``).
    """

    edition_id: int
    since: date
    version: str = ""


@dataclass(frozen=True, slots=True)
class CandidateSet:
    """A window's papers: `candidates` for ranking, `index` for comparing them with interests.

    `edition_date` is the date of the window's own, newest edition.
    """

    edition_date: date
    candidates: Candidates
    index: CandidateIndex


@lru_cache(maxsize=32)
def candidate_set(window: Window) -> CandidateSet:
    """Return the candidates of a window. Raises Edition.DoesNotExist if it is not closed.

    Safe to cache: if a paper or a topic changes, so does the window's version. Only the index
    grows, as it remembers its comparisons.
    """
    edition = Edition.objects.closed().get(pk=window.edition_id)
    rows = papers_of(edition, window)
    index = CandidateIndex.of(edition.pk, window.version, [row.paper for row in rows])
    return CandidateSet(edition.date, _arrays(rows, index), index)


def keep_only(version: str) -> None:
    """Forget what was made of papers and topics as they were, if they have changed since."""
    if version != _kept.get("version"):
        _kept["version"] = version
        candidate_set.cache_clear()
        space_of.cache_clear()


_kept: dict[str, str] = {}


def papers_of(edition: Edition, window: Window) -> list[EditionPaper]:
    """Return the papers of a window: the newest edition first, then the most voted."""
    return list(
        EditionPaper.objects.filter(
            edition__closed_at__isnull=False,
            edition__date__gt=window.since,
            edition__date__lte=edition.date,
        )
        .select_related("paper", "edition")
        .order_by("-edition__date", "-votes", "paper_id")
    )


def _arrays(rows: Sequence[EditionPaper], index: CandidateIndex) -> Candidates:
    # Every topic gets a column, even if no paper fits it today: readers may follow it.
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
        overlaps=index.overlaps,
    )
