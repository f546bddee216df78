"""What goes into each reader's digest: a whole batch of readers at once.

Reads topics and the ledger of papers already sent for the batch, in a constant number of
queries; ranks; and decides for whom there is too little to send.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

import numpy as np
from django.db import connection
from django.db.models import Min
from numpy.typing import NDArray

from subscribers.models import Subscriber, Subscription

from . import reasons
from .models import Digest, Edition
from .press import Window, press_for
from .ranking.rank import Candidates, Ranked, rank

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


@dataclass(frozen=True, slots=True)
class Composed:
    """A reader's selection: parallel paper ids and reason codes, or the reason for none."""

    digest_id: int
    window: Window
    paper_ids: tuple[int, ...]
    reasons: tuple[str, ...]
    skip_reason: str


@dataclass(frozen=True, slots=True)
class _Ledger:
    """What the readers of a batch had in the last days, by subscriber."""

    last_date: Mapping[int, date]
    paper_ids: Mapping[int, frozenset[int]]


def compose(requests: Sequence[Request], *, vote_weight: float, least: int) -> list[Composed]:
    """Selections for `requests`, in no particular order. Changes nothing; safe to repeat."""
    dates = _read_dates({request.edition_id for request in requests})
    ledger = _read_ledger(requests, dates)
    topics = _read_topics(requests)
    groups: dict[Window, list[Request]] = defaultdict(list)
    for request in requests:
        groups[_window(request, dates[request.edition_id], ledger)].append(request)
    compose_group = partial(
        _compose_group, ledger=ledger, topics=topics, vote_weight=vote_weight, least=least
    )
    return [
        composed for window, group in groups.items() for composed in compose_group(window, group)
    ]


def _read_dates(edition_ids: set[int]) -> Mapping[int, date]:
    """The dates of these editions and of those that a digest of theirs may look back on."""
    first = Edition.objects.filter(pk__in=edition_ids).aggregate(first=Min("date"))["first"]
    editions = Edition.objects.closed().filter(date__gt=first - LOOK_BACK)
    return dict(editions.values_list("id", "date"))


def _read_ledger(requests: Sequence[Request], dates: Mapping[int, date]) -> _Ledger:
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
    return _Ledger(last_date, paper_ids)


def _read_topics(requests: Sequence[Request]) -> Mapping[int, list[int]]:
    topics: dict[int, list[int]] = defaultdict(list)
    rows = Subscription.objects.filter(
        subscriber_id__in=[request.subscriber_id for request in requests]
    )
    for subscriber_id, topic_id in rows.values_list("subscriber_id", "topic_id"):
        topics[subscriber_id].append(topic_id)
    return topics


def _window(request: Request, day: date, ledger: _Ledger) -> Window:
    """Everything since the reader's last digest, a week at most.

    A reader who never had one starts with the newest edition, or with the week's for a weekly
    digest.
    """
    earliest = day - LOOK_BACK
    is_weekly = request.frequency == Subscriber.Frequency.WEEKLY
    first = earliest if is_weekly else day - timedelta(days=1)
    since = ledger.last_date.get(request.subscriber_id, first)
    return Window(request.edition_id, max(since, earliest))


def _compose_group(
    window: Window,
    group: Sequence[Request],
    *,
    ledger: _Ledger,
    topics: Mapping[int, list[int]],
    vote_weight: float,
    least: int,
) -> Iterable[Composed]:
    candidates = press_for(window).candidates
    had = _had(group, ledger, candidates)
    chosen = rank(
        candidates,
        _interests(group, topics, candidates),
        had,
        [request.length for request in group],
        vote_weight=vote_weight,
        least=least,
    )
    for row, (request, papers) in enumerate(zip(group, chosen, strict=True)):
        skip_reason = _skip_reason(papers, nothing_new=bool(had[row].all()), least=least)
        kept = [] if skip_reason else papers
        yield Composed(
            digest_id=request.digest_id,
            window=window,
            paper_ids=tuple(paper.paper_id for paper in kept),
            reasons=tuple(reasons.code(paper) for paper in kept),
            skip_reason=skip_reason,
        )


def _skip_reason(papers: Sequence[Ranked], *, nothing_new: bool, least: int) -> str:
    if nothing_new:
        return Digest.SkipReason.NOTHING_NEW
    if not papers:
        return Digest.SkipReason.NO_MATCH
    return Digest.SkipReason.THIN if len(papers) < least else ""


def _interests(
    group: Sequence[Request], topics: Mapping[int, list[int]], candidates: Candidates
) -> NDArray[np.float32]:
    """float32 (readers, topics): 1 where the reader follows the topic."""
    column = {topic: number for number, topic in enumerate(candidates.topic_ids)}
    weights = np.zeros((len(group), len(column)), dtype=np.float32)
    for row, request in enumerate(group):
        followed = [
            column[topic] for topic in topics.get(request.subscriber_id, ()) if topic in column
        ]
        weights[row, followed] = 1
    return weights


def _had(group: Sequence[Request], ledger: _Ledger, candidates: Candidates) -> NDArray[np.bool_]:
    """bool (readers, candidates): True where the reader was sent the paper before."""
    had = np.zeros((len(group), len(candidates.paper_ids)), dtype=np.bool_)
    for row, request in enumerate(group):
        if papers := ledger.paper_ids.get(request.subscriber_id):
            had[row] = np.isin(candidates.paper_ids, list(papers))
    return had
