"""The papers of an edition as the desk lists them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db.models import Case, Q, QuerySet, Value, When
from django.utils import timezone

from digest.models import Curation, Edition, EditionPaper, Forecast, Paper, PaperTopic
from digest.papers import editions
from digest.papers.cards import PaperCard, describe
from digest.papers.sentences import kept, summaries_of
from subscribers.models import Topic

from .steering import pinned

# How many papers a page of the desk shows.
PAGE = 30
# Papers that wait for an edition, and those dropped before one, are looked for among the newest, so
# that a large archive costs nothing.
LISTED, DROPPED_LISTED = timedelta(days=30), timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Issue:
    """The edition of a day: a closed one, or the one that closes next, which may have no row."""

    day: date
    edition: Edition | None
    is_closed: bool

    @property
    def key(self) -> int | None:
        """The edition's id; None if its papers wait for it."""
        return self.edition.pk if self.edition and self.is_closed else None


@dataclass(frozen=True, slots=True)
class Entry:
    """A candidate: its paper, what a reader would see of it, and what is known of it.

    `readers` is how many of the forecast's sample would get it, None without a forecast, and
    `estimate` how many that are of all who are due. `pin` is its place among the pinned.
    """

    paper: Paper
    card: PaperCard
    curation: Curation | None
    topics: Sequence[tuple[str, int]]
    readers: int | None
    estimate: int
    pin: int | None

    @property
    def is_dropped(self) -> bool:
        return self.paper.set_aside == Paper.Aside.DROPPED


def next_issue(now: datetime) -> Issue:
    """The edition that closes next."""
    day = editions.next_day(now, settings.EDITION_CLOSES_HOUR)
    return Issue(day, Edition.objects.open().first(), is_closed=False)


def issue_of(day: date, now: datetime) -> Issue | None:
    """The edition of a day; None if there is none."""
    closed = Edition.objects.closed().filter(date=day).first()
    if closed:
        return Issue(day, closed, is_closed=True)
    following = next_issue(now)
    return following if following.day == day else None


def newest_closed() -> Edition | None:
    found: Edition | None = Edition.objects.closed().order_by("-date").first()
    return found


def entries(
    issue: Issue, forecast: Forecast | None, *, words: str = "", page: int = 1
) -> tuple[list[Entry], bool]:
    """Return a page of the issue's candidates, and whether there are more.

    The pinned come first, then the most voted; the dropped come last. All `words` must be in the
    title.
    """
    pins = {one.paper_id or 0: number for number, one in enumerate(pinned(issue.key), start=1)}
    found = _papers(issue)
    for word in words.split()[:8]:
        found = found.filter(title__icontains=word)
    whens = [When(pk=pk, then=Value(number)) for pk, number in pins.items()]
    first = [Case(*whens, default=Value(1000))] if whens else []
    start = (page - 1) * PAGE
    ordered = found.order_by(*first, "set_aside", "-votes", "-comments", "pk")
    papers = list(ordered.defer("search", "names", "features")[start : start + PAGE + 1])
    return _entries(issue, papers[:PAGE], pins, forecast), len(papers) > PAGE


def number_of(issue: Issue) -> int:
    """How many papers the issue has that somebody can get."""
    return _papers(issue).filter(set_aside="").count()


def paper_of(issue: Issue, pk: int) -> Paper | None:
    """The issue's paper with this id; None if it has none."""
    return _papers(issue).filter(pk=pk).first()


def _papers(issue: Issue) -> QuerySet[Paper]:
    shown = Q(set_aside="") | Q(set_aside=Paper.Aside.DROPPED)
    if issue.key is not None:
        return Paper.objects.filter(shown, candidate__edition=issue.key)
    now = timezone.now()
    recent = Q(set_aside="") | Q(first_seen_at__gt=now - DROPPED_LISTED)
    newest = Paper.objects.filter(first_seen_at__gt=now - LISTED)
    return newest.filter(shown, recent, candidate=None)


def _entries(
    issue: Issue, papers: Sequence[Paper], pins: Mapping[int, int], forecast: Forecast | None
) -> list[Entry]:
    ids = [paper.pk for paper in papers]
    curated, names = Curation.objects.of(ids), Topic.labels()
    candidates = _candidates(issue, papers)
    readers = forecast.papers if forecast and forecast.made_at else None
    scale = forecast.due / forecast.sample if forecast and forecast.sample else 0
    return [
        Entry(
            paper,
            describe(candidates[paper.pk], curated.get(paper.pk)),
            curated.get(paper.pk),
            _topics(candidates[paper.pk], names),
            None if readers is None else readers.get(str(paper.pk), 0),
            round((readers or {}).get(str(paper.pk), 0) * scale),
            pins.get(paper.pk),
        )
        for paper in papers
    ]


def _candidates(issue: Issue, papers: Sequence[Paper]) -> Mapping[int, EditionPaper]:
    """The candidates of these papers by paper id, as they are or would be now."""
    if issue.key is not None:
        return EditionPaper.objects.by_paper([paper.pk for paper in papers])
    fits: dict[int, dict[str, float]] = {paper.pk: {} for paper in papers}
    for pair in PaperTopic.objects.filter(paper__in=papers):
        fits[pair.paper_id][str(pair.topic_id)] = pair.fit
    said = summaries_of(papers)
    return {
        paper.pk: EditionPaper(
            paper=paper,
            votes=paper.votes,
            comments=paper.comments,
            fits=fits[paper.pk],
            sentences=kept(paper, said.get(paper.pk, {})),
        )
        for paper in papers
    }


def _topics(candidate: EditionPaper, names: Mapping[int, str]) -> list[tuple[str, int]]:
    """The topics that the paper fits, the best first, with the fit in per cent."""
    fits = sorted(candidate.fits.items(), key=lambda item: -item[1])
    return [(names[int(pk)], round(100 * fit)) for pk, fit in fits if int(pk) in names]
