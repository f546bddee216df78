"""Storing what sources say as papers, each of them once.

In: an `Answer` of a source. Out: new and updated Paper and Sighting rows, and an `Intake` that
counts them. Nothing is ever deleted here, and an answer is stored as a whole or not at all.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from digest.models import Paper, Sighting
from digest.sources import Answer, SourcePaper
from digest.sources.keys import kind, strength
from digest.sources.notices import withdrawn_title
from digest.sources.text import title_key
from subscribers.database import Lock, wait_for_lock

from .identity import Known
from .matching import match

# What any source may add where a paper has nothing yet.
_SHARED_TEXTS = (
    "title",
    "url",
    "abstract",
    "authors",
    "num_authors",
    "published_at",
    "categories",
    "keywords",
    "code_url",
    "project_url",
    "organization",
    "summary",
    "summary_by",
    "thumbnail_url",
)
_TEXTS = (*_SHARED_TEXTS, "source_title")
_FIGURES = ("votes", "comments")
_KEPT_WITH_TEXTS = ("key", "title_key", "changed_at", "set_aside")
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of one answer: how many papers were new, changed or already known, and a
    sentence for each entry that was left out."""

    new: int
    changed: int
    same: int
    problems: tuple[str, ...] = ()

    @property
    def bad(self) -> int:
        return len(self.problems)

    @property
    def papers(self) -> int:
        return self.new + self.changed + self.same

    @property
    def message(self) -> str:
        """The first problems, one per line, for the operator."""
        more = self.bad - _MOST_PROBLEMS
        return "\n".join(
            [*self.problems[:_MOST_PROBLEMS], *([f"And {more} more."] if more > 0 else [])]
        )


def store(source: str, answer: Answer, *, seen_at: datetime) -> Intake:
    """Store the papers of an answer that `source` gave at `seen_at`, in one transaction.

    A paper that is already stored, under its key or from another source under its title, is
    updated; the time it was first seen stays. Votes and comments are recorded with their time
    (a Sighting) unless later ones are known, so storing an old answer again changes nothing. A
    paper that was announced long before it is first seen, or that is withdrawn, is set aside.
    Safe to repeat. The number of queries does not depend on the number of papers.
    """
    given = {paper.key: paper for paper in reversed(answer.papers)}
    with transaction.atomic():
        wait_for_lock(Lock.STORING_PAPERS)
        merge = _Merge(source, seen_at, given.values(), answer.withdrawn)
        for paper in reversed(given.values()):
            merge.put(paper)
        for paper in answer.withdrawn:
            merge.withdraw(paper)
        merge.save()
    match([*merge.new, *merge.rewritten])
    return Intake(
        new=len(merge.new),
        changed=len(merge.changed),
        same=len(merge.known - merge.changed),
        problems=tuple(answer.problems),
    )


class _Merge:
    """Merges one answer into the stored papers. Nothing is written before `save`."""

    def __init__(
        self,
        source: str,
        seen_at: datetime,
        given: Collection[SourcePaper],
        withdrawn: Collection[SourcePaper],
    ) -> None:
        self._source = source
        self._seen_at = seen_at
        self._known = Known([*given, *withdrawn])
        newest = Sighting.objects.filter(paper__in=self._known.papers).values_list("paper")
        self._last_seen_at = dict(newest.annotate(Max("at")).order_by())
        self._sightings: list[Sighting] = []
        self.new: list[Paper] = []
        self.known: set[Paper] = set()
        self.changed: set[Paper] = set()
        self.rewritten: set[Paper] = set()

    def put(self, given: SourcePaper) -> None:
        """Merge `given` into its stored paper, or into a new one."""
        paper = self._known.find(given)
        if paper is None:
            paper = Paper(
                key=given.key,
                first_source=self._source,
                first_seen_at=self._seen_at,
                set_aside=Paper.Aside.OLD if _is_old(given, self._seen_at) else "",
                source_title="",  # until the database sets it, its default is no text
            )
            self.new.append(paper)
        former = paper.key
        is_rewritten = self._take_texts(paper, given)
        is_recounted = self._take_figures(paper, given)
        is_news = self._take_news(paper, given)
        self._known.learn(paper, given, former)
        if paper.pk is None:
            return
        self.known.add(paper)
        if is_rewritten:
            self.rewritten.add(paper)
        if is_rewritten or is_recounted or is_news:
            self.changed.add(paper)

    def withdraw(self, given: SourcePaper) -> None:
        """Set the stored paper aside that `given` says is withdrawn, if there is one."""
        paper = self._known.find(given) or self._known.titled(
            withdrawn_title(given.title) or given.title, self._source
        )
        if paper and paper.set_aside != Paper.Aside.WITHDRAWN:
            paper.set_aside = Paper.Aside.WITHDRAWN
            paper.changed_at = self._seen_at
            if paper.pk is not None:
                self.known.add(paper)
                self.changed.add(paper)

    def save(self) -> None:
        Paper.objects.bulk_create(self.new)
        Paper.objects.bulk_update(self.changed, [*_TEXTS, *_FIGURES, *_KEPT_WITH_TEXTS])
        Sighting.objects.bulk_create(self._sightings)
        self._known.save()

    def _take_news(self, paper: Paper, given: SourcePaper) -> bool:
        """Take a paper that was old for one source as news if another source lists it as such."""
        is_news = given.announced_at is None and paper.first_source != self._source
        if paper.set_aside != Paper.Aside.OLD or not is_news:
            return False
        paper.set_aside = ""
        return True

    def _take_texts(self, paper: Paper, given: SourcePaper) -> bool:
        """Copy the texts of `given`, and return whether that changed the paper.

        The source that listed a paper first decides its texts; others only fill in what is
        empty. Otherwise two sources that write a title differently would change it at every
        look.
        """
        before = [getattr(paper, name) for name in _TEXTS]
        is_deciding = paper.first_source == self._source and kind(paper.key) == kind(given.key)
        for name in _TEXTS if is_deciding else _SHARED_TEXTS:
            value = getattr(given, name)
            value = list(value) if isinstance(value, tuple) else value
            if value and (is_deciding or not getattr(paper, name)):
                setattr(paper, name, value)
        if strength(given.key) > strength(paper.key):
            paper.key, paper.url = given.key, given.url
        is_rewritten = before != [getattr(paper, name) for name in _TEXTS]
        if is_rewritten:
            paper.title_key = title_key(paper.title)
            paper.changed_at = self._seen_at
        return is_rewritten

    def _take_figures(self, paper: Paper, given: SourcePaper) -> bool:
        figures = {name: value for name in _FIGURES if (value := getattr(given, name)) is not None}
        last_seen_at = self._last_seen_at.get(paper.pk)
        if not figures or (last_seen_at and last_seen_at >= self._seen_at):
            return False
        before = [getattr(paper, name) for name in _FIGURES]
        for name, value in figures.items():
            setattr(paper, name, value)
        self._sightings.append(
            Sighting(
                paper=paper,
                source=self._source,
                at=self._seen_at,
                votes=paper.votes,
                comments=paper.comments,
            )
        )
        return before != [getattr(paper, name) for name in _FIGURES]


def _is_old(given: SourcePaper, seen_at: datetime) -> bool:
    """Whether the source made the paper known so long ago that it is no news any more."""
    if given.announced_at is None:
        return False
    return given.announced_at < seen_at - timedelta(days=settings.NEWS_DAYS)
