"""What goes into each reader's digest, for a whole batch of readers at once.

Reads the batch's interests and ledger in a constant number of queries, ranks the candidates, and
decides which readers have too little to be sent anything.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import NamedTuple

import numpy as np
from django.conf import settings
from django.db.models import Max, Min
from django.db.models.expressions import RawSQL
from django.utils import timezone
from numpy.typing import NDArray

from digest.models import Change, Curation, Digest, Edition
from digest.ranking.batch import Candidates, Chosen, Readers
from digest.ranking.rank import rank
from subscribers.models import Subscriber

from . import trial
from .arrays import InterestArrays, arrays_for
from .candidates import CandidateSet, Window, candidate_set, keep_only
from .interests import Interests, read_interests
from .ledger import Ledger, read_ledger
from .selection import Selections

# How far back a digest reaches, for weekly readers and for readers who missed some digests.
LOOK_BACK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Request:
    """A digest that is to be composed, and its reader's preferences."""

    digest_id: int
    edition_id: int
    subscriber_id: int
    frequency: str
    length: int
    language: str
    is_exploring: bool
    confirmed_at: datetime | None
    has_pictures: bool = False

    @property
    def is_weekly(self) -> bool:
        return self.frequency == Subscriber.Frequency.WEEKLY


class Composed(NamedTuple):
    """A reader's selection, or the reason why there is none.

    `paper_ids`, `reasons`, `contributions` and `chosen_by` are parallel, and empty if
    `skip_reason` is set. `reasons` are codes (``reasons``). `contributions` has a row for each
    paper, with what each `Part` added to its score and the chance of the choice, in thousandths.
    `chosen_by` says in a trial which ranking took each paper (``trial``), and is None outside of
    trials.
    """

    digest_id: int
    window: Window
    paper_ids: tuple[int, ...]
    reasons: tuple[str, ...]
    contributions: tuple[tuple[int, ...], ...]
    skip_reason: str
    is_first: bool = False
    chosen_by: tuple[str, ...] | None = None


def compose(
    requests: Sequence[Request],
    *,
    vote_weight: float,
    least: int,
    challenger: trial.Challenger | None = None,
) -> list[Composed]:
    """Return a selection for each request, in no particular order.

    Selections with fewer than `least` papers are skipped as thin. `vote_weight` is the weight of
    votes in the score (``ranking.rank.contributions``). With a `challenger`, each digest takes
    papers in turn from the challenger's ranking and from the current one. Changes nothing, and is
    safe to repeat: the same rows give the same selections.
    """
    if not requests:
        return []
    dates, version, revision = _read_dates({request.edition_id for request in requests})
    keep_only(version)
    subscriber_ids = [request.subscriber_id for request in requests]
    ledger = read_ledger(subscriber_ids, [r.digest_id for r in requests], dates)
    interests = read_interests(subscriber_ids, timezone.now(), with_clicks=settings.TRACK_CLICKS)
    groups: dict[Window, list[Request]] = defaultdict(list)
    for request in requests:
        window = _window(request, dates[request.edition_id], ledger, version, revision)
        groups[window].append(request)
    of_group = partial(
        compose_group,
        ledger=ledger,
        interests=interests,
        vote_weight=vote_weight,
        least=least,
        challenger=challenger,
    )
    return [composed for window, group in groups.items() for composed in of_group(window, group)]


def as_it_was(
    request: Request,
    *,
    revision: int,
    paper_ids: Sequence[int],
    reasons: Sequence[str],
    contributions: Sequence[Sequence[int]],
) -> Composed:
    """Return the selection of a digest that has been made, from what its row says. Compares and
    ranks nothing, so it is quick wherever it is asked for."""
    dates, version, _newest = _read_dates({request.edition_id})
    keep_only(version)
    ledger = read_ledger([request.subscriber_id], [request.digest_id], dates)
    day = dates[request.edition_id]
    return Composed(
        request.digest_id,
        _window(request, day, ledger, version, revision),
        tuple(paper_ids),
        tuple(reasons),
        tuple(map(tuple, contributions)),
        skip_reason="",
        is_first=_is_first(request, day, ledger),
    )


def _read_dates(edition_ids: set[int]) -> tuple[Mapping[int, date], str, int]:
    """Return the dates of these editions, and of those that their digests may look back on.

    Also returns the version of all papers and topics, and the revision of what operators made of
    them, which cost no query of their own.
    """
    range_of = Edition.objects.filter(pk__in=edition_ids).aggregate(Min("date"), Max("date"))
    first, last = range_of["date__min"], range_of["date__max"]
    editions = Edition.objects.closed().filter(date__gt=first - LOOK_BACK, date__lte=last)
    kept = (RawSQL(Change.VERSION, ()), RawSQL(Curation.REVISION, ()))
    rows = list(editions.values_list("id", "date", *kept))
    _id, _day, version, revision = rows[0] if rows else (0, None, "", 0)
    return {edition_id: day for edition_id, day, *_kept in rows}, version, revision


def _window(request: Request, day: date, ledger: Ledger, version: str, revision: int) -> Window:
    """Return the editions since the reader's last digest, at most a week's.

    Readers who have not had a digest start with the newest edition, or with the week's editions
    if theirs is weekly.
    """
    earliest = day - LOOK_BACK
    first = earliest if request.is_weekly else day - timedelta(days=1)
    since = ledger.last_date.get(request.subscriber_id, first)
    return Window(request.edition_id, max(since, earliest), version, revision)


def compose_group(
    window: Window,
    group: Sequence[Request],
    *,
    ledger: Ledger,
    interests: Interests,
    vote_weight: float,
    least: int,
    challenger: trial.Challenger | None = None,
) -> Iterator[Composed]:
    """Yield the selections of readers who share a window.

    Makes no query once the window's candidate set is cached and its index knows every paper that
    these readers like.
    """
    available = candidate_set(window)
    sent = ledger.sent([r.subscriber_id for r in group], available.candidates.paper_ids)
    selections, choosers = select(
        group, available, interests, sent, vote_weight=vote_weight, challenger=challenger
    )
    has_had_all: list[bool] = np.all(sent, axis=1).tolist()
    for row, request in enumerate(group):
        picks = selections.picks(row)
        skip_reason = _skip_reason(len(picks), nothing_new=has_had_all[row], least=least)
        if skip_reason:
            picks = []
        yield Composed(
            digest_id=request.digest_id,
            window=window,
            paper_ids=tuple([selections.paper_ids[place] for _, place in picks]),
            reasons=tuple(selections.reasons(row, picks)),
            contributions=selections.contributions(row, picks),
            skip_reason=skip_reason,
            is_first=_is_first(request, available.edition_date, ledger),
            chosen_by=tuple([choosers[row][column] for column, _ in picks]) if choosers else None,
        )


def select(
    group: Sequence[Request],
    available: CandidateSet,
    interests: Interests,
    sent: NDArray[np.bool_],
    *,
    vote_weight: float,
    challenger: trial.Challenger | None = None,
) -> tuple[Selections, list[list[str]] | None]:
    """Return the group's selections, and in a trial which ranking took each paper.

    `sent` bool (readers, papers) bars what they had before. Reads nothing from the database if
    the index knows every paper that these readers like.
    """
    subscriber_ids = [request.subscriber_id for request in group]
    arrays = arrays_for(subscriber_ids, interests, available.candidates, available.index)
    readers = readers_of(group, arrays, sent)
    chosen, choosers = _choose(
        group, available.candidates, readers, vote_weight=vote_weight, challenger=challenger
    )
    return Selections(available, interests, chosen, subscriber_ids), choosers


def readers_of(
    group: Sequence[Request], arrays: InterestArrays, sent: NDArray[np.bool_]
) -> Readers:
    """Return the group as ranking takes it."""
    return Readers(
        arrays.topics,
        arrays.terms,
        arrays.holds,
        arrays.taste,
        arrays.nearest,
        arrays.disliked,
        arrays.votes,
        barred=sent | arrays.muted,
        lengths=np.array([request.length for request in group]),
        is_exploring=np.array([request.is_exploring for request in group]),
        draws=_draws(group),
    )


def _draws(group: Sequence[Request]) -> NDArray[np.float32]:
    """Return a random number from 0 to 1 for each reader: float32 (readers,).

    It depends on the edition and the reader only, so a digest that is composed again is the same.
    """
    seeds = [zlib.crc32(f"{r.edition_id}:{r.subscriber_id}".encode()) for r in group]
    return (np.array(seeds, dtype=np.float64) / 2**32).astype(np.float32)


def _choose(
    group: Sequence[Request],
    candidates: Candidates,
    readers: Readers,
    *,
    vote_weight: float,
    challenger: trial.Challenger | None,
) -> tuple[Chosen, list[list[str]] | None]:
    """Return the chosen papers and, in a trial, which ranking took each (readers x papers)."""
    chosen = rank(candidates, readers, vote_weight=vote_weight)
    if not challenger:
        return chosen, None
    return trial.draft(
        challenger,
        chosen,
        candidates,
        readers,
        [trial.seed_of(request.edition_id, request.subscriber_id) for request in group],
        vote_weight=vote_weight,
    )


def _is_first(request: Request, day: date, ledger: Ledger) -> bool:
    """Return whether this is the reader's first digest.

    The ledger only looks back on the last days, so it is conclusive only for readers who
    confirmed within them.
    """
    is_new = request.confirmed_at is not None and request.confirmed_at.date() > day - LOOK_BACK
    return is_new and request.subscriber_id not in ledger.last_date


def _skip_reason(number: int, *, nothing_new: bool, least: int) -> str:
    """Return why a selection of `number` papers is not sent, or "" if it is."""
    if nothing_new:
        return Digest.SkipReason.NOTHING_NEW
    if not number:
        return Digest.SkipReason.NO_MATCH
    return Digest.SkipReason.THIN if number < least else ""
