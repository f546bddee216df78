"""The papers of a window, indexed for comparison with what readers like, follow and mute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from digest.models import Edition, Paper
from digest.papers.cards import title_of
from digest.papers.matching import features_of_many, features_of_papers
from digest.ranking import taste, weights, wording
from digest.ranking.batch import Floats, Hold
from digest.ranking.features import Features
from digest.ranking.overlap import overlaps
from digest.ranking.space import Index, Space, Vectors
from subscribers.models import Term

from .interests import TermRow
from .keywords import TermIndex

# How many of the newest papers decide how rare a word is.
BACKGROUND = 12_000
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
    newest = papers.order_by("-first_seen_at", "-pk")[:BACKGROUND]
    return Space(features_of_many(newest))


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
    _holds: dict[tuple[str, str], NDArray[np.int8]] = field(default_factory=dict)
    _added: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    _words: dict[str, Floats] = field(default_factory=dict)
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
        unknown = self.unknown(paper_ids)
        if len(self._rows) + len(unknown) > _MOST_KEPT:
            self._forget()
            unknown = set(paper_ids)
        if unknown:
            self._add(sorted(unknown))
        return self._similarity[[self._rows[paper_id] for paper_id in paper_ids]]

    def unknown(self, paper_ids: Sequence[int]) -> set[int]:
        """Return which of these papers were not compared yet."""
        return set(paper_ids) - self._rows.keys()

    def title(self, paper_id: int) -> str:
        """Return the title of a paper that was in the last call of `similarity`."""
        return self._titles[paper_id]

    def holds(self, kind: str, key: str) -> NDArray[np.int8]:
        """Return what each candidate has of the keyword or author, as a `Hold`: int8 (n,)."""
        holds = self._holds.get((kind, key))
        if holds is None:
            if len(self._holds) > _MOST_KEPT:
                self._holds.clear()
            holds = np.zeros(len(self.papers), dtype=np.int8)
            index, is_author = self._term_index(), kind == Term.Kind.AUTHOR
            if not is_author:
                holds[list(index.with_all_words(key))] = Hold.WORDS
            holds[list(index.places(kind, key))] = Hold.AUTHOR if is_author else Hold.KEYWORD
            self._holds[kind, key] = holds
        return holds

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
            scores = weights.HOLDS * (self.holds(term.kind, term.key) >= Hold.KEYWORD)
            if term.kind == Term.Kind.KEYWORD:
                scores = scores + self.closeness([term.text])
            added = self._added[term.kind, term.text] = scores.tolist()
        return added

    def closeness(self, keywords: Sequence[str]) -> Floats:
        """Return how close the candidates are to these keywords together: float32 (n,)."""
        together = np.sum([self._word(word) for word in keywords], axis=0, keepdims=True)
        (added,) = wording.closeness(together, np.array([len(keywords)]))
        return np.asarray(added)

    def compared(self, terms: Sequence[TermRow]) -> tuple[NDArray[np.int8], Floats]:
        """Return the `Hold` of each candidate for each term, and how similar it is to the keyword.

        int8 and float32 (terms, n); 0 for authors in the second.
        """
        shape, none = (len(terms), len(self.papers)), np.zeros(len(self.papers), dtype=np.float32)
        held = np.concatenate([self.holds(term.kind, term.key) for term in terms])
        is_word = Term.Kind.KEYWORD.value
        similar = [self._word(term.text) if term.kind == is_word else none for term in terms]
        return held.reshape(shape), np.concatenate(similar).reshape(shape)

    def _word(self, keyword: str) -> Floats:
        """Return how similar the candidates are to a keyword, compared once for all readers."""
        similar = self._words.get(keyword)
        if similar is None:
            if len(self._words) > _MOST_TERMS_KEPT:
                self._words.clear()
            vectors = self.space.vectors([wording.as_paper(keyword)])
            (similar,) = self.index.similarity(vectors)
            self._words[keyword] = similar
        return similar

    def _forget(self) -> None:
        self._rows.clear()
        self._titles.clear()
        self._similarity = self._similarity[:0]

    def _add(self, paper_ids: Sequence[int]) -> None:
        papers = Paper.objects.in_bulk(paper_ids)
        titles = {paper_id: title_of(paper) for paper_id, paper in papers.items()}
        self.remember(features_of_papers(papers.values()), titles)

    def remember(self, features: Mapping[int, Features], titles: Mapping[int, str]) -> None:
        """Compare the candidates with further papers, given by paper id."""
        others = self.space.vectors(list(features.values()))
        rows = taste.excess_similarity(self.index.similarity(others), self.vectors.common)
        self._similarity = np.concatenate([self._similarity.reshape(-1, rows.shape[1]), rows])
        start = len(self._rows)
        self._rows |= {paper_id: start + number for number, paper_id in enumerate(features)}
        self._titles |= titles
