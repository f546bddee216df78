"""The newest digest as it would be with preferences that are not saved.

It is composed by the code that composes digests, from the newest closed edition and by the
reader's votes, as if the digest of that edition had not been sent. Nothing is stored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from django.conf import settings

from digest.choosing.composing import Request, compose_group
from digest.choosing.interests import Interests, TermRow, read_interests
from digest.choosing.ledger import read_ledger
from digest.models import Digest, Edition
from subscribers.models import Subscriber, Term
from subscribers.wishes import terms
from subscribers.wishes.preferences import Preferences

from .rest import span_of


@dataclass(frozen=True, slots=True)
class Preview:
    """The papers and the codes of their reasons; none without an edition or anything that fits."""

    date: date | None
    paper_ids: Sequence[int]
    reasons: Sequence[str]


def preview_of(reader: Subscriber, wanted: Preferences, now: datetime) -> Preview:
    """Return what the newest edition would give this reader. A constant number of queries."""
    edition = Edition.objects.closed().order_by("-date").first()
    if edition is None:
        return Preview(None, (), ())
    request = Request(
        0,
        edition.pk,
        reader.pk,
        wanted.columns["frequency"],
        wanted.columns["length"],
        wanted.columns["language"],
        wanted.columns["is_exploring"],
        reader.confirmed_at,
    )
    span = span_of(edition, is_weekly=request.is_weekly)
    of_edition = Digest.objects.filter(subscriber=reader, edition=edition)
    digest_ids = list(of_edition.values_list("pk", flat=True))
    (chosen,) = compose_group(
        span.window,
        [request],
        ledger=read_ledger([reader.pk], digest_ids, span.dates),
        interests=_interests(reader, wanted, now),
        vote_weight=settings.RANKING_VOTE_WEIGHT,
        least=1,
    )
    return Preview(edition.date, chosen.paper_ids, chosen.reasons)


def _interests(reader: Subscriber, wanted: Preferences, now: datetime) -> Interests:
    """Return the reader's votes, and in place of their topics and words those that are wanted."""
    stored = read_interests([reader.pk], now, with_clicks=settings.TRACK_CLICKS)
    topics, rows = list(wanted.emphases.items()), list(_terms(wanted))
    return replace(
        stored,
        topics={reader.pk: topics} if topics else {},
        terms={reader.pk: rows} if rows else {},
    )


def _terms(wanted: Preferences) -> Iterator[TermRow]:
    for kind, followed, muted in (
        (Term.Kind.KEYWORD, wanted.keywords, wanted.muted_keywords),
        (Term.Kind.AUTHOR, wanted.authors, wanted.muted_authors),
    ):
        for texts, is_muted in ((followed, False), (muted, True)):
            yield from (TermRow(kind.value, terms.key(text), text, is_muted) for text in texts)
