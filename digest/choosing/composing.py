"""What goes into each reader's digest: a whole batch of readers at once.

Reads interests and the ledger of papers already sent for the batch, in a constant number of
queries; ranks; and decides for whom there is too little to send.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Min
from django.utils import timezone
from numpy.typing import NDArray

from digest.choosing.candidates import CandidateSet, Window, candidate_set
from digest.models import Digest, Edition
from digest.ranking.rank import Candidates, Chosen, Kind, Part, Readers, rank
from subscribers.models import Subscriber

from . import interests, reasons, trial
from .interests import Interests, Like

# How far back a digest reaches for a reader who missed some, and for a weekly reader.
LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Request:
    """A digest that is to be composed, and how its reader wants it."""

    digest_id: int
    edition_id: int
    subscriber_id: int
    frequency: str
    length: int
    language: str
    is_exploring: bool
    confirmed_at: datetime | None

    @property
    def is_weekly(self) -> bool:
        return self.frequency == Subscriber.Frequency.WEEKLY


@dataclass(frozen=True, slots=True)
class Composed:
    """A reader's selection: parallel paper ids and reason codes, or the reason for none.

    `contributions` are those of the papers one after the other, in thousandths. `chosen_by` is
    parallel to them in a trial of a ranking (``trial``), and else None.
    """

    digest_id: int
    window: Window
    paper_ids: tuple[int, ...]
    reasons: tuple[str, ...]
    contributions: tuple[int, ...]
    skip_reason: str
    is_first: bool = False
    chosen_by: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the readers of a batch had in the last days, by subscriber."""

    last_date: Mapping[int, date]
    paper_ids: Mapping[int, frozenset[int]]


def compose(
    requests: Sequence[Request],
    *,
    vote_weight: float,
    least: int,
    challenger: trial.Challenger | None = None,
) -> list[Composed]:
    """Selections for `requests`, in no particular order. Changes nothing; safe to repeat.

    With a `challenger` each is drafted from its ranking and the one that stands.
    """
    dates = _read_dates({request.edition_id for request in requests})
    ledger = _read_ledger(requests, dates)
    wishes = interests.read(
        [request.subscriber_id for request in requests],
        timezone.now(),
        with_clicks=settings.TRACK_CLICKS,
    )
    groups: dict[Window, list[Request]] = defaultdict(list)
    for request in requests:
        groups[_window(request, dates[request.edition_id], ledger)].append(request)
    of_group = partial(
        compose_group,
        ledger=ledger,
        wishes=wishes,
        vote_weight=vote_weight,
        least=least,
        challenger=challenger,
    )
    return [composed for window, group in groups.items() for composed in of_group(window, group)]


def _read_dates(edition_ids: set[int]) -> Mapping[int, date]:
    """The dates of these editions and of those that a digest of theirs may look back on."""
    first = Edition.objects.filter(pk__in=edition_ids).aggregate(first=Min("date"))["first"]
    editions = Edition.objects.closed().filter(date__gt=first - LOOK_BACK)
    return dict(editions.values_list("id", "date"))


def _read_ledger(requests: Sequence[Request], dates: Mapping[int, date]) -> Ledger:
    """A paper is a candidate of one edition, so older digests cannot hold one of the window's.

    Looks each pair of edition and reader up by its unique key. Left to itself PostgreSQL reads
    the whole table instead while it grows, because its figures are of yesterday (OFFSET 0 keeps
    it from taking the inner query apart).
    """
    last_date: dict[int, date] = {}
    paper_ids: dict[int, frozenset[int]] = defaultdict(frozenset)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT reader.id, edition.id, had.paper_ids
            FROM unnest(%s::bigint[]) reader(id), unnest(%s::bigint[]) edition(id), LATERAL (
                SELECT paper_ids FROM digest_digest
                WHERE edition_id = edition.id AND subscriber_id = reader.id AND state = ANY(%s)
                OFFSET 0
            ) had
            """,
            [
                [request.subscriber_id for request in requests],
                list(dates),
                [state.value for state in Digest.SURELY_SENT],
            ],
        )
        for subscriber_id, edition_id, papers in cursor.fetchall():
            day = dates[edition_id]
            last_date[subscriber_id] = max(day, last_date.get(subscriber_id, day))
            paper_ids[subscriber_id] |= frozenset(papers)
    return Ledger(last_date, paper_ids)


def _window(request: Request, day: date, ledger: Ledger) -> Window:
    """Everything since the reader's last digest, a week at most.

    A reader who never had one starts with the newest edition, or with the week's for a weekly
    digest.
    """
    earliest = day - LOOK_BACK
    first = earliest if request.is_weekly else day - timedelta(days=1)
    since = ledger.last_date.get(request.subscriber_id, first)
    return Window(request.edition_id, max(since, earliest))


def compose_group(
    window: Window,
    group: Sequence[Request],
    *,
    ledger: Ledger,
    wishes: Interests,
    vote_weight: float,
    least: int,
    challenger: trial.Challenger | None = None,
) -> Iterable[Composed]:
    """The selections of readers who share a window, without a query once its stock is there."""
    stock = candidate_set(window)
    had = _had(group, ledger, stock.candidates)
    subscriber_ids = [request.subscriber_id for request in group]
    laid = interests.arrays_for(subscriber_ids, wishes, stock.candidates, stock.shelf)
    readers = Readers(
        laid.topics,
        laid.terms,
        laid.taste,
        barred=had | laid.muted,
        lengths=np.array([request.length for request in group]),
        is_exploring=np.array([request.is_exploring for request in group]),
        dice=_dice(group),
    )
    chosen = rank(stock.candidates, readers, vote_weight=vote_weight, least=least)
    choosers = None
    if challenger:
        chosen, choosers = trial.draft(
            challenger,
            chosen,
            stock.candidates,
            readers,
            [trial.seed_of(request.edition_id, request.subscriber_id) for request in group],
            vote_weight=vote_weight,
            least=least,
        )
    telling = _Telling(stock, wishes, chosen)
    has_had_all = [bool(row.all()) for row in had]
    for row, request in enumerate(group):
        papers = telling.papers(row)
        skip_reason = _skip_reason(papers, nothing_new=has_had_all[row], least=least)
        if skip_reason:
            papers = []
        yield Composed(
            digest_id=request.digest_id,
            window=window,
            paper_ids=tuple([telling.paper_ids[place] for _, place in papers]),
            reasons=tuple(telling.reasons(row, request.subscriber_id, papers)),
            contributions=telling.contributions(row, papers),
            skip_reason=skip_reason,
            is_first=_is_first(request, stock.edition_date, ledger),
            chosen_by=tuple([choosers[row][at] for at, _ in papers]) if choosers else None,
        )


class _Telling:
    """What was chosen, as it is stored: ids, reasons and contributions."""

    def __init__(self, stock: CandidateSet, wishes: Interests, chosen: Chosen) -> None:
        self.paper_ids: list[int] = stock.candidates.paper_ids.tolist()
        self._votes: list[int] = stock.candidates.votes.astype(np.int64).tolist()
        self._topic_ids = stock.candidates.topic_ids
        self._stock, self._wishes = stock, wishes
        # By reader, made when the first reason asks for it and good for all of their papers.
        self._strongest_likes: dict[int, list[Like]] = {}
        self._places = chosen.places.tolist()
        self._kinds = chosen.kinds.tolist()
        self._topics = chosen.topics.tolist()
        thousandths = np.clip(np.rint(chosen.parts * 1000), -32768, 32767).astype(np.int16)
        self._parts = thousandths.reshape(len(self._places), -1).tolist()

    def papers(self, row: int) -> list[tuple[int, int]]:
        """The reader's selection: pairs of a column and the candidate's place."""
        return [(column, place) for column, place in enumerate(self._places[row]) if place >= 0]

    def contributions(self, row: int, papers: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        if len(papers) == len(self._places[row]):
            return tuple(self._parts[row])
        width = len(Part)
        parts = self._parts[row]
        return tuple(
            part for column, _ in papers for part in parts[column * width : (column + 1) * width]
        )

    def reasons(
        self, row: int, subscriber_id: int, papers: Sequence[tuple[int, int]]
    ) -> Iterator[str]:
        kinds, topics = self._kinds[row], self._topics[row]
        for column, place in papers:
            kind = kinds[column]
            if kind == Kind.TOPIC:
                yield reasons.of_topic(self._topic_ids[topics[column]])
            elif kind == Kind.VOTES:
                yield reasons.of_votes(self._votes[place])
            elif kind == Kind.EXPLORING:
                yield reasons.EXPLORING
            else:
                yield self._own(kind, subscriber_id, place)

    def _own(self, kind: int, subscriber_id: int, place: int) -> str:
        """A reason in the reader's own words, or by what they liked."""
        shelf = self._stock.shelf
        if kind == Kind.TERM:
            terms = self._wishes.terms[subscriber_id]
            term, is_held = interests.strongest_term(terms, shelf, place)
            return reasons.of_term(term.kind if is_held else reasons.NEAR, term.text)
        if subscriber_id not in self._strongest_likes:
            likes = self._wishes.likes[subscriber_id]
            self._strongest_likes[subscriber_id] = interests.strongest_likes(likes, shelf)
        like = self._strongest_likes[subscriber_id][place]
        return reasons.of_like(like.code, like.paper_id, shelf.title(like.paper_id))


def _dice(group: Sequence[Request]) -> NDArray[np.float32]:
    """float32 (readers,): chance that comes out the same when a digest is composed again."""
    seeds = [zlib.crc32(f"{r.edition_id}:{r.subscriber_id}".encode()) for r in group]
    return (np.array(seeds, dtype=np.float64) / 2**32).astype(np.float32)


def _is_first(request: Request, day: date, ledger: Ledger) -> bool:
    """Whether the reader never had a digest: they confirmed within the days that the ledger
    looks back on, and it holds none."""
    is_new = request.confirmed_at is not None and request.confirmed_at.date() > day - LOOK_BACK
    return is_new and request.subscriber_id not in ledger.last_date


def _skip_reason(papers: Sequence[object], *, nothing_new: bool, least: int) -> str:
    if nothing_new:
        return Digest.SkipReason.NOTHING_NEW
    if not papers:
        return Digest.SkipReason.NO_MATCH
    return Digest.SkipReason.THIN if len(papers) < least else ""


def _had(group: Sequence[Request], ledger: Ledger, candidates: Candidates) -> NDArray[np.bool_]:
    """bool (readers, candidates): True where the reader was sent the paper before."""
    had = np.zeros((len(group), len(candidates.paper_ids)), dtype=np.bool_)
    for row, request in enumerate(group):
        if papers := ledger.paper_ids.get(request.subscriber_id):
            had[row] = np.isin(candidates.paper_ids, list(papers))
    return had
