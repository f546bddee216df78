"""The papers that the readers of a window can get, prepared once for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from digest.models import Curation, Edition, EditionPaper, Paper
from digest.ranking.batch import Candidates
from subscribers.models import Topic

from .candidate_index import CandidateIndex, library_of, space_of

# Few enough for the shortest digest, so that whoever gets a digest gets all of them.
MOST_PINNED = 3


@dataclass(frozen=True, slots=True)
class Window:
    """The editions from which a digest is chosen: those dated after `since`, up to `edition_id`.

    Readers with the same last digest share a window, whatever their language. What is made for a
    window is kept for all of them. `version` tells apart what was made before and after a paper or
    a topic changed (``models.Change``), and `revision` is the newest of the operators' changes to
    papers that count (``models.Curation``).
    """

    edition_id: int
    since: date
    version: str = ""
    revision: int = 0


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
    topic_ids = _topic_ids(rows)
    papers = [row.paper for row in rows]
    index = CandidateIndex.of(edition.pk, window.version, papers, topic_ids)
    candidates = _arrays(rows, topic_ids, index, pinned_among(rows, window))
    return CandidateSet(edition.date, candidates, index)


def keep_only(version: str) -> None:
    """Forget what was made of papers and topics as they were, if they have changed since."""
    if version != _kept.get("version"):
        _kept["version"] = version
        candidate_set.cache_clear()
        space_of.cache_clear()
        library_of.cache_clear()


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


def pinned_among(rows: Sequence[EditionPaper], window: Window) -> list[int]:
    """Return the indexes of the pinned papers, in the order in which they come first.

    Those of the newest edition come before those of others, and no more than `MOST_PINNED` count,
    so that a week's digest is still its reader's own.
    """
    curated = Curation.objects.of([row.paper_id for row in rows], window.revision)
    pins = {paper_id: row.pin for paper_id, row in curated.items() if row.pin is not None}
    order = sorted(
        (-row.edition.date.toordinal(), pins[row.paper_id], place)
        for place, row in enumerate(rows)
        if row.paper_id in pins and row.paper.set_aside not in Paper.GONE
    )
    return [place for _day, _pin, place in order[:MOST_PINNED]]


def _topic_ids(rows: Sequence[EditionPaper]) -> tuple[int, ...]:
    """Return all topics, also those that no paper fits today: readers may follow them."""
    fitting = {int(topic) for row in rows for topic in row.fits}
    return tuple(sorted(fitting | set(Topic.objects.values_list("id", flat=True))))


def _arrays(
    rows: Sequence[EditionPaper],
    topic_ids: tuple[int, ...],
    index: CandidateIndex,
    pinned: Sequence[int],
) -> Candidates:
    column = {topic: number for number, topic in enumerate(topic_ids)}
    fits = np.zeros((len(rows), len(topic_ids)), dtype=np.float32)
    for number, row in enumerate(rows):
        for topic, fit in row.fits.items():
            fits[number, column[int(topic)]] = fit
    return Candidates(
        paper_ids=np.array([row.paper_id for row in rows], dtype=np.int64),
        votes=np.array([row.votes for row in rows], dtype=np.float32),
        fits=fits,
        topic_ids=topic_ids,
        overlaps=index.overlaps,
        closeness=index.typical.of_topics(fits),
        pinned=np.array(pinned, dtype=np.int64) if pinned else None,
    )
