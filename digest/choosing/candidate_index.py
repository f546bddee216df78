"""The papers of a window, indexed for comparison with what readers like, follow and mute."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from digest.models import Edition, Paper, PaperTopic
from digest.papers.cards import title_of
from digest.papers.matching import features_of_many, features_of_papers
from digest.ranking import taste, typical, weights
from digest.ranking.batch import Floats, Hold
from digest.ranking.features import Features
from digest.ranking.overlap import overlaps
from digest.ranking.space import Index, Space, Vectors
from digest.ranking.typical import Library, Typical, as_paper
from subscribers.models import Term

from .interests import TermRow
from .keywords import TermIndex

# How many of the newest papers decide how rare a word is.
BACKGROUND = 12_000
# How many comparisons an index remembers before it starts afresh. With 60 candidates the 20 000
# rows of liked papers take five megabytes.
_MOST_KEPT = 20_000
_MOST_TERMS_KEPT = 5_000
# More than any closeness: what a paper holds goes before what it is close to. With `HELD` it holds
# the term, and not only its words.
_FIRST = 10.0
HELD = _FIRST * (Hold.KEYWORD - 0.5)


@lru_cache(maxsize=4)
def space_of(edition_id: int, version: str = "") -> Space:
    """Return how rare each word was when the edition closed. All readers of the edition share it.

    `version` is the window's: the texts of papers may change. Raises Edition.DoesNotExist.
    """
    return Space(features_of_many(_newest(edition_id, BACKGROUND)))


@lru_cache(maxsize=4)
def library_of(edition_id: int, version: str, topic_ids: tuple[int, ...]) -> Library:
    """Return the newest papers when the edition closed, and how well they fit these topics."""
    newest = _newest(edition_id, typical.NEWEST)
    rows = {paper: row for row, paper in enumerate(newest.values_list("pk", flat=True))}
    column = {topic: number for number, topic in enumerate(topic_ids)}
    fits = np.zeros((len(rows), len(column)), dtype=np.float32)
    clear = PaperTopic.objects.filter(
        paper__in=list(rows), topic__in=topic_ids, fit__gte=weights.CLEAR_TOPIC
    )
    for paper, topic, fit in clear.values_list("paper_id", "topic_id", "fit"):
        fits[rows[paper], column[topic]] = fit
    return Library(space_of(edition_id, version), list(rows), features_of_many(newest), fits)


def _newest(edition_id: int, number: int) -> QuerySet[Paper]:
    """Return the newest papers when the edition closed. Raises Edition.DoesNotExist."""
    edition = Edition.objects.get(pk=edition_id)
    papers = Paper.objects.filter(first_seen_at__lte=edition.closed_at)
    return papers.order_by("-first_seen_at", "-pk")[:number]


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
    typical: Typical
    overlaps: Floats
    papers: Sequence[Paper]
    places: dict[int, int]
    _rows: dict[int, int] = field(default_factory=dict)
    _titles: dict[int, str] = field(default_factory=dict)
    # How much more similar the candidates are to each liked paper than usual: float32 (papers, n).
    compared: Floats = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    _holds: dict[tuple[str, str], NDArray[np.int8]] = field(default_factory=dict)
    # What each followed term would add to the n scores if it were the only one: float32 (terms, n),
    # and what the candidates have of it, as a `Hold`: int8 (terms, n).
    added: Floats = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    held: NDArray[np.int8] = field(default_factory=lambda: np.zeros((0, 0), dtype=np.int8))
    _terms: dict[tuple[str, str], int] = field(default_factory=dict)
    # How much the candidates have of each term: what they hold, then their closeness.
    strengths: Floats = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    _printed: dict[tuple[int, str], str] = field(default_factory=dict)
    _texts: TermIndex | None = None

    @classmethod
    def of(
        cls, edition_id: int, version: str, papers: Sequence[Paper], topic_ids: tuple[int, ...]
    ) -> "CandidateIndex":
        """Return the index of `papers`, with words as rare as when the edition closed."""
        space = space_of(edition_id, version)
        library = library_of(edition_id, version, topic_ids)
        features = features_of_papers(papers)
        listed = [features[paper.pk] for paper in papers]
        vectors = space.vectors(listed)
        places = {paper.pk: place for place, paper in enumerate(papers)}
        index = Index(vectors)
        compared = library.compared(index, vectors, places)
        return cls(space, vectors, index, compared, overlaps(listed), papers, places)

    def rows(self, paper_ids: Sequence[int]) -> list[int]:
        """Return the row of each of these papers in `compared`, where it is put if it is new.

        New ones cost one query for all of them together.
        """
        with suppress(KeyError):
            return [self._rows[paper_id] for paper_id in paper_ids]
        unknown = self.unknown(paper_ids)
        if len(self._rows) + len(unknown) > _MOST_KEPT:
            self._forget()
            unknown = set(paper_ids)
        self._add(sorted(unknown))
        return [self._rows[paper_id] for paper_id in paper_ids]

    def unknown(self, paper_ids: Sequence[int]) -> set[int]:
        """Return which of these papers were not compared yet."""
        return set(paper_ids) - self._rows.keys()

    def title(self, paper_id: int) -> str:
        """Return the title of a paper that was in the last call of `rows`."""
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
        if self._texts is None:
            self._texts = TermIndex(self.papers)
        return self._texts

    def terms(self, terms: Sequence[TermRow]) -> list[int]:
        """Return the row of each term in `added` and `held`, where it is put if it is new."""
        keys = [(term.kind, term.key) for term in terms]
        with suppress(KeyError):
            return [self._terms[key] for key in keys]
        new = {key: term for key, term in zip(keys, terms, strict=True) if key not in self._terms}
        if len(self._terms) + len(new) > _MOST_TERMS_KEPT:
            self._terms.clear()
            self.added, self.held = self.added[:0], self.held[:0]
            self.strengths = self.strengths[:0]
            new = dict(zip(keys, terms, strict=True))
        self._add_terms(list(new.values()))
        return [self._terms[key] for key in keys]

    def _add_terms(self, terms: Sequence[TermRow]) -> None:
        width = len(self.papers)
        held = np.array([self.holds(term.kind, term.key) for term in terms]).reshape(-1, width)
        added = np.float32(weights.HOLDS) * (held == Hold.KEYWORD)
        is_word = np.array([term.kind == Term.Kind.KEYWORD.value for term in terms])
        words = [term.text for term in terms if term.kind == Term.Kind.KEYWORD.value]
        added[is_word] += np.float32(weights.CLOSE) * self._closeness(words)
        start = len(self._terms)
        self._terms |= {(term.kind, term.key): start + row for row, term in enumerate(terms)}
        self.added = np.concatenate([self.added.reshape(-1, width), added])
        self.held = np.concatenate([self.held.reshape(-1, width), held])
        strengths = np.float32(_FIRST) * held + added
        self.strengths = np.concatenate([self.strengths.reshape(-1, width), strengths])

    def _closeness(self, keywords: Sequence[str]) -> Floats:
        """Return how close the candidates are to each keyword: float32 (keywords, n).

        0 for all of them where none has anything of the keyword itself.
        """
        similar = self.index.similarity(self.space.vectors(list(map(as_paper, keywords))))
        has_any = (similar > 0).any(axis=1, keepdims=True)
        closeness: Floats = np.where(has_any, self.typical.of_words(keywords), 0)
        return closeness

    def _forget(self) -> None:
        self._rows.clear()
        self._titles.clear()
        self.compared = self.compared[:0]

    def _add(self, paper_ids: Sequence[int]) -> None:
        papers = Paper.objects.in_bulk(paper_ids)
        titles = {paper_id: title_of(paper) for paper_id, paper in papers.items()}
        self.remember(features_of_papers(papers.values()), titles)

    def remember(self, features: Mapping[int, Features], titles: Mapping[int, str]) -> None:
        """Compare the candidates with further papers, given by paper id."""
        others = self.space.vectors(list(features.values()))
        rows = taste.excess_similarity(self.index.similarity(others), self.vectors.common)
        self.compared = np.concatenate([self.compared.reshape(-1, rows.shape[1]), rows])
        start = len(self._rows)
        self._rows |= {paper_id: start + number for number, paper_id in enumerate(features)}
        self._titles |= titles
