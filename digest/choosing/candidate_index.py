"""The papers of a window, indexed for comparison with what readers like, follow and mute."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from digest.models import Edition, Paper
from digest.papers.cards import title_of
from digest.papers.matching import features_of_papers
from digest.ranking import taste, wording
from digest.ranking.overlap import overlaps
from digest.ranking.rank import Floats
from digest.ranking.space import Index, Space, Vectors
from subscribers.models import Term

from .interests import TERM_WEIGHTS, TermRow
from .keywords import TermIndex

# How many of the newest papers decide how rare a word is.
_BACKGROUND = 3000
# How many comparisons an index remembers before it starts afresh. With 60 candidates the 20 000
# rows of liked papers take five megabytes.
_MOST_KEPT = 20_000
_MOST_TERMS_KEPT = 5_000


@lru_cache(maxsize=4)
def space_of(edition_id: int, version: str = "") -> Space:
    """Return how rare each word was when the edition closed. All readers of the edition share it.

    `version` is the window's: the texts of papers may change. Raises Edition.DoesNotExist.
    """
    edition = Edition.objects.get(pk=edition_id)
    papers = Paper.objects.filter(first_seen_at__lte=edition.closed_at)
    newest = papers.order_by("-first_seen_at", "-pk")[:_BACKGROUND]
    return Space(list(features_of_papers(newest).values()))


@dataclass(slots=True)
class CandidateIndex:
    """The n candidates of a window, ready to be compared with liked papers and with terms.

    `places` maps a paper's id to its index in `papers`. The index remembers every comparison, so
    a paper that one reader voted on is compared once for all readers. Each worker process has an
    index of its own and fills it as readers need it.
    """

    space: Space
    vectors: Vectors
    index: Index
    overlaps: Floats
    papers: Sequence[Paper]
    places: dict[int, int]
    _rows: dict[int, int] = field(default_factory=dict)
    _titles: dict[int, str] = field(default_factory=dict)
    _similarity: Floats = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    _masks: dict[tuple[str, str], NDArray[np.bool_]] = field(default_factory=dict)
    _added: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    _printed: dict[tuple[int, str], str] = field(default_factory=dict)
    _terms: TermIndex | None = None

    @classmethod
    def of(cls, edition_id: int, version: str, papers: Sequence[Paper]) -> "CandidateIndex":
        """Return the index of `papers`, with words as rare as when the edition closed."""
        space = space_of(edition_id, version)
        features = features_of_papers(papers)
        listed = [features[paper.pk] for paper in papers]
        vectors = space.vectors(listed)
        places = {paper.pk: place for place, paper in enumerate(papers)}
        return cls(space, vectors, Index(vectors), overlaps(listed), papers, places)

    def similarity(self, paper_ids: Sequence[int]) -> Floats:
        """Return how similar the candidates are to each of these papers: float32 (papers, n).

        Papers that were not compared before cost one query for all of them together.
        """
        unknown = set(paper_ids) - self._rows.keys()
        if len(self._rows) + len(unknown) > _MOST_KEPT:
            self._forget()
            unknown = set(paper_ids)
        if unknown:
            self._add(sorted(unknown))
        return self._similarity[[self._rows[paper_id] for paper_id in paper_ids]]

    def title(self, paper_id: int) -> str:
        """Return the title of a paper that was in the last call of `similarity`."""
        return self._titles[paper_id]

    def holds(self, kind: str, key: str) -> NDArray[np.bool_]:
        """Return which candidates hold the keyword, or are by the author: bool (n,)."""
        mask = self._masks.get((kind, key))
        if mask is None:
            if len(self._masks) > _MOST_KEPT:
                self._masks.clear()
            mask = np.zeros(len(self.papers), dtype=np.bool_)
            mask[list(self._term_index().places(kind, key))] = True
            self._masks[kind, key] = mask
        return mask

    def printed(self, place: int, author: str) -> str:
        """Return a followed author's name as the candidate at `place` prints it."""
        printed = self._printed.get((place, author))
        if printed is None:
            if len(self._printed) > _MOST_TERMS_KEPT:
                self._printed.clear()
            printed = self._printed[place, author] = self._term_index().printed(place, author)
        return printed

    def _term_index(self) -> TermIndex:
        # Made for the first reader who follows or mutes something.
        if self._terms is None:
            self._terms = TermIndex(self.papers)
        return self._terms

    def added_by(self, term: TermRow) -> list[float]:
        """Return what a followed term would add to each of the n scores if it were the only one."""
        added = self._added.get((term.kind, term.text))
        if added is None:
            if len(self._added) > _MOST_TERMS_KEPT:
                self._added.clear()
            scores = TERM_WEIGHTS[term.kind] * self.holds(term.kind, term.key)
            if term.kind == Term.Kind.KEYWORD:
                scores += self.closeness([[term.text]])[0]
            added = self._added[term.kind, term.text] = scores.tolist()
        return added

    def closeness(self, keywords: Sequence[Sequence[str]]) -> Floats:
        """Return how close the candidates are to all words of each set: float32 (sets, n)."""
        vectors = self.space.vectors([wording.as_paper(words) for words in keywords])
        return wording.closeness(self.index.similarity(vectors))

    def _forget(self) -> None:
        self._rows.clear()
        self._titles.clear()
        self._similarity = self._similarity[:0]

    def _add(self, paper_ids: Sequence[int]) -> None:
        papers = Paper.objects.in_bulk(paper_ids)
        features = features_of_papers(papers.values())
        others = self.space.vectors([features[paper_id] for paper_id in paper_ids])
        rows = taste.excess_similarity(self.index.similarity(others), self.vectors.common)
        self._similarity = np.concatenate([self._similarity.reshape(-1, rows.shape[1]), rows])
        start = len(self._rows)
        self._rows |= {paper_id: start + number for number, paper_id in enumerate(paper_ids)}
        self._titles |= {pk: title_of(paper) for pk, paper in papers.items()}
