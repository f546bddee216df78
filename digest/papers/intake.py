"""Intake: what sources say becomes papers that we keep, each of them once.

`look` and `look_back` ask a source and store its answer; `store` takes one answer, wherever
it comes from. Nothing is ever removed here, and an answer is stored as a whole or not at all.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from digest.models import Look, Paper, Sighting
from digest.sources import (
    Answer,
    Download,
    Get,
    NotYet,
    Source,
    SourceError,
    SourcePaper,
    download,
    get_source,
)
from digest.sources.arxiv import SECONDS_BETWEEN_REQUESTS, is_ours
from digest.sources.http import AGENT
from digest.sources.keys import kind
from digest.sources.text import title_key
from subscribers.database import Lock, wait_for_lock

from .matching import match

logger = logging.getLogger(__name__)

# A day of the past is read again this long after it was read well; today's and yesterday's
# lists still fill, and are read each time.
_REREAD = timedelta(hours=20)

# Fewer letters ("Editorial", "A short survey") are no proof that two papers are one.
_TELLING_TITLE = 20

# Which of two keys a paper keeps: the one that most sources will name.
_STRENGTH = {"sample": 0, "url": 1, "doi": 2, "arxiv": 3}

_TEXTS = (
    "title",
    "url",
    "abstract",
    "authors",
    "num_authors",
    "published_at",
    "categories",
    "keywords",
    "code_url",
    "organization",
)
_FIGURES = ("votes", "comments")
_KEPT_WITH_TEXTS = ("key", "title_key", "changed_at")
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Intake:
    """What came of one answer: how many papers were new, changed and known, and a sentence
    for each entry that was left out."""

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
        more = self.bad - _MOST_PROBLEMS
        return "\n".join(
            [*self.problems[:_MOST_PROBLEMS], *([f"And {more} more."] if more > 0 else [])]
        )


# --- looking -------------------------------------------------------------------------------
def source_named(name: str) -> Source:
    """The source as the settings have it. Raises SourceError if there is none."""
    return get_source(name, arxiv_categories=settings.ARXIV_CATEGORIES, feeds=settings.FEEDS)


def sources_due(every: timedelta) -> list[str]:
    """The sources that nobody has looked at for as long as `every`."""
    recent = Look.objects.filter(at__gt=timezone.now() - every).values_list("source", flat=True)
    seen = set(recent.distinct())
    return [name for name in settings.SOURCES if name not in seen]


def polite_download(url: str) -> Download:
    """GET `url` as this site, and no more often than its owner allows."""
    with _turn(url):
        return download(url, agent=f"{AGENT} (+{settings.SITE_URL})")


def look(name: str, day: date | None = None, *, get: Get = polite_download) -> Look:
    """Ask a source for the papers of `day`, or for its latest, and store them.

    Answers the row that says what came of it; a source that fails is an outcome and no
    exception, and changes no paper. Safe to repeat.
    """
    at = timezone.now()
    try:
        source = source_named(name)
        intake = store(name, source.fetch(day, get), seen_at=at)
    except NotYet as error:
        is_over = day is not None and day < at.date()
        outcome = Look.Outcome.FAILED if is_over else Look.Outcome.QUIET
        return _written(Look(source=name, day=day, at=at, outcome=outcome, message=str(error)))
    except SourceError as error:
        return _written(
            Look(source=name, day=day, at=at, outcome=Look.Outcome.FAILED, message=str(error))
        )
    return _written(
        Look(
            source=name,
            day=day,
            at=at,
            outcome=_outcome(source, day, intake, at),
            new=intake.new,
            changed=intake.changed,
            same=intake.same,
            bad=intake.bad,
            message=intake.message,
        )
    )


def look_back(name: str, days: int = 7, *, get: Get = polite_download) -> list[Look]:
    """Look at the latest, and again at the days before: what an outage kept from us comes in
    late instead of never, and figures stay fresh.

    Ends at the first failure, because a source that is down is down for all days.
    """
    try:
        asked = source_named(name).recent(timezone.now().date(), days)
    except SourceError:
        return [look(name, get=get)]  # which fails in the same way, and says so
    looks: list[Look] = []
    for day in _due(name, asked):
        looks.append(look(name, day, get=get))
        if looks[-1].outcome == Look.Outcome.FAILED:
            break
    return looks


def _due(name: str, asked: list[date | None]) -> list[date | None]:
    now = timezone.now()
    well_read = (Look.Outcome.OK, Look.Outcome.QUIET, Look.Outcome.STALE)
    looks = Look.objects.filter(source=name, outcome__in=well_read, at__gt=now - _REREAD)
    read = set(looks.values_list("day", flat=True))
    yesterday = now.date() - timedelta(days=1)
    return [day for day in asked if day is None or day >= yesterday or day not in read]


def _outcome(source: Source, day: date | None, intake: Intake, at: datetime) -> Look.Outcome:
    """A batch of which we know every paper, on a day that should have a new one, is the last
    day's batch once more: a source can be late without saying so. It is not if the new ones
    came in by an earlier look today."""
    if not intake.papers:
        return Look.Outcome.QUIET
    is_new_batch_awaited = source.is_daily and day in (None, at.date()) and at.weekday() < 5
    if intake.new or not is_new_batch_awaited:
        return Look.Outcome.OK
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    looks = Look.objects.filter(source=source.name, at__gte=midnight, day=day, new__gt=0)
    return Look.Outcome.OK if looks.exists() else Look.Outcome.STALE


def _written(look: Look) -> Look:
    look.save()
    level = logging.WARNING if look.outcome == Look.Outcome.FAILED else logging.INFO
    logger.log(
        level,
        "%s %s: %s. %d new, %d changed, %d known, %d left out. %s",
        look.source,
        look.day or "latest",
        look.get_outcome_display(),
        look.new,
        look.changed,
        look.same,
        look.bad,
        look.message.partition("\n")[0],
    )
    return look


@contextmanager
def _turn(url: str) -> Iterator[None]:
    """Wait until `url` may be asked.

    arXiv wants three seconds between requests, and one connection, over all our machines.
    The database is what all of them share, and its lock ends with whoever holds it. So a
    request is made under the lock, after a pause: no time has to be stored anywhere, and a
    worker that is killed leaves nothing behind.
    """
    if not is_ours(url):
        yield
        return
    with transaction.atomic():
        wait_for_lock(Lock.ASKING_ARXIV)
        time.sleep(SECONDS_BETWEEN_REQUESTS)
        yield


# --- storing -------------------------------------------------------------------------------
def store(source: str, answer: Answer, *, seen_at: datetime) -> Intake:
    """Keep the papers of an answer that `source` gave at `seen_at`, in one transaction.

    A paper that is there already, under its key or from another source under its title, is
    brought up to date; when it was seen first stays. The figures are written down with their
    time (a Sighting) unless later ones are known, so an old answer read twice changes
    nothing. Safe to repeat. The number of queries does not depend on the number of papers.
    """
    given = {paper.key: paper for paper in reversed(answer.papers)}
    with transaction.atomic():
        wait_for_lock(Lock.STORING_PAPERS)
        shelf = _Shelf(source, seen_at, given)
        for paper in reversed(given.values()):
            shelf.put(paper)
        shelf.save()
    match([*shelf.new, *shelf.rewritten])
    return Intake(
        new=len(shelf.new),
        changed=len(shelf.changed),
        same=len(shelf.known - shelf.changed),
        problems=tuple(answer.problems),
    )


class _Shelf:
    """The stored papers that an answer may speak of, and what it changes in them."""

    def __init__(self, source: str, seen_at: datetime, given: Mapping[str, SourcePaper]) -> None:
        self._source = source
        self._seen_at = seen_at
        titles = {title_key(paper.title) for paper in given.values()}
        stored = list(
            Paper.objects.filter(Q(key__in=given) | Q(title_key__in=titles))
            .order_by("pk")
            .select_for_update()
        )
        self._by_key: dict[str, Paper] = {}
        self._by_title: dict[str, list[Paper]] = {}
        for paper in stored:
            self._by_key[paper.key] = paper
            self._by_title.setdefault(paper.title_key, []).append(paper)
        newest = Sighting.objects.filter(paper__in=stored).values_list("paper")
        self._last_seen_at = dict(newest.annotate(Max("at")).order_by())
        self._sightings: list[Sighting] = []
        self.new: list[Paper] = []
        self.known: set[Paper] = set()
        self.changed: set[Paper] = set()
        self.rewritten: set[Paper] = set()

    def put(self, given: SourcePaper) -> None:
        """Take over what `given` says, into its paper or a new one."""
        titled = self._by_title.setdefault(title_key(given.title), [])
        paper = self._by_key.get(given.key) or next(
            (other for other in titled if _is_same_work(given, other)), None
        )
        if paper is None:
            paper = Paper(key=given.key, first_source=self._source, first_seen_at=self._seen_at)
            titled.append(paper)
            self.new.append(paper)
        is_rewritten = self._take_texts(paper, given)
        is_recounted = self._take_figures(paper, given)
        self._by_key[paper.key] = paper
        if paper.pk is None:
            return
        self.known.add(paper)
        if is_rewritten:
            self.rewritten.add(paper)
        if is_rewritten or is_recounted:
            self.changed.add(paper)

    def save(self) -> None:
        Paper.objects.bulk_create(self.new)
        Paper.objects.bulk_update(self.changed, [*_TEXTS, *_FIGURES, *_KEPT_WITH_TEXTS])
        Sighting.objects.bulk_create(self._sightings)

    def _take_texts(self, paper: Paper, given: SourcePaper) -> bool:
        """The source that named a paper first has the word; others fill what is empty.

        Two sources that write a title differently would else change it at every look.
        """
        before = [getattr(paper, name) for name in _TEXTS]
        has_the_word = paper.first_source == self._source and paper.key == given.key
        for name in _TEXTS:
            value = getattr(given, name)
            value = list(value) if isinstance(value, tuple) else value
            if value and (has_the_word or not getattr(paper, name)):
                setattr(paper, name, value)
        if _strength(given.key) > _strength(paper.key):
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


def _is_same_work(given: SourcePaper, paper: Paper) -> bool:
    """Whether two papers of the same title are one: rather no than wrongly yes.

    The title must be a telling one, the ids of two kinds, and the authors must not speak
    against it.
    """
    names = _surnames(given.authors)
    others = _surnames(paper.authors)
    return (
        len(title_key(given.title)) >= _TELLING_TITLE
        and kind(given.key) != kind(paper.key)
        and (not names or not others or not names.isdisjoint(others))
    )


def _surnames(authors: Iterable[str]) -> set[str]:
    """The last names in "Ada Lovelace", "A. Lovelace" and "Lovelace, Ada"."""
    return {
        title_key(name.partition(",")[0] if "," in name else name.rpartition(" ")[2])
        for name in authors
    }


def _strength(key: str) -> int:
    return _STRENGTH.get(key.partition(":")[0], 0)
