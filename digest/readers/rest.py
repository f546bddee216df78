"""What a digest left out, in its reader's own order: all papers that it was chosen from.

The order is that of the ranking which chose the digest, by what the reader has said until now and
the figures with which the editions closed. Nothing is stored, and looking again gives the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db.models.expressions import RawSQL

from digest.choosing.arrays import arrays_for
from digest.choosing.candidates import CandidateSet, Window, candidate_set, keep_only
from digest.choosing.composing import LOOK_BACK, Request, compose_group
from digest.choosing.interests import Interests, read_interests
from digest.choosing.ledger import Ledger, read_ledger
from digest.models import Change, Curation, Digest, Edition
from subscribers.models import Subscriber


@dataclass(frozen=True, slots=True)
class Rest:
    """The other papers in the reader's order, and the reason for each of the first ones.

    `hidden` is how many were left out because the reader muted what they are about, or had them.
    """

    paper_ids: Sequence[int]
    reasons: Sequence[str]
    hidden: int


@dataclass(frozen=True, slots=True)
class Span:
    """The closed editions that a digest is chosen from: its window, and their dates by id."""

    window: Window
    dates: Mapping[int, date]


def span_of(edition: Edition, *, is_weekly: bool) -> Span:
    """Return the editions of the day, or of the week, in one query."""
    since = edition.date - (LOOK_BACK if is_weekly else timedelta(days=1))
    editions = Edition.objects.closed().filter(date__gt=since, date__lte=edition.date)
    kept = (RawSQL(Change.VERSION, ()), RawSQL(Curation.REVISION, ()))
    rows = list(editions.values_list("id", "date", *kept))
    _id, _day, version, revision = rows[0]
    keep_only(version)
    window = Window(edition.pk, since, version, revision)
    return Span(window, {edition_id: day for edition_id, day, *_kept in rows})


def rest_of(digest: Digest, reader: Subscriber, now: datetime) -> Rest:
    """Return the papers that the digest could have had. A constant number of queries."""
    assert digest.edition is not None
    span = span_of(digest.edition, is_weekly=reader.frequency == Subscriber.Frequency.WEEKLY)
    available = candidate_set(span.window)
    ledger = read_ledger([reader.pk], [], span.dates)
    had = ledger.paper_ids.get(reader.pk, frozenset()) | frozenset(digest.paper_ids)
    ledger = replace(ledger, paper_ids={reader.pk: had})
    interests = read_interests([reader.pk], now, with_clicks=settings.TRACK_CLICKS)
    request = Request(
        digest.pk,
        span.window.edition_id,
        reader.pk,
        reader.frequency,
        len(available.candidates.paper_ids),
        reader.language,
        is_exploring=False,
        confirmed_at=reader.confirmed_at,
    )
    (chosen,) = compose_group(
        span.window,
        [request],
        ledger=ledger,
        interests=interests,
        vote_weight=settings.RANKING_VOTE_WEIGHT,
        least=1,
    )
    others, hidden = _not_chosen(available, chosen.paper_ids, reader.pk, ledger, interests)
    return Rest([*chosen.paper_ids, *others], chosen.reasons, hidden)


def _not_chosen(
    available: CandidateSet,
    chosen: Sequence[int],
    reader_id: int,
    ledger: Ledger,
    interests: Interests,
) -> tuple[list[int], int]:
    """Return the papers that ranking passes over, most voted first, and how many are hidden.

    It passes over what says the same as a paper before it, and what the reader wants less of.
    """
    candidates = available.candidates
    muted = arrays_for([reader_id], interests, candidates, available.index).muted[0]
    sent = ledger.sent([reader_id], candidates.paper_ids)[0]
    is_left = ~np.isin(candidates.paper_ids, chosen) & ~sent
    left = np.flatnonzero(is_left & ~muted)
    order = left[np.argsort(-candidates.votes[left], kind="stable")]
    return candidates.paper_ids[order].tolist(), int((is_left & muted).sum())
