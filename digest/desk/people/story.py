"""Everything that has happened to a reader, newest first, from all tables.

One statement finds what comes next, whatever it is, and one more for each kind of row fetches what
is to be said of it. So a page costs the same number of queries for any reader.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from digest.choosing import reasons
from digest.delivery.outcomes.outcome import without_addresses
from digest.desk.words import WHY_LEFT
from digest.models import AuditEntry, Click, Digest, Edition, Event, Paper, Vote
from digest.papers.cards import title_of
from subscribers.database import fetch
from subscribers.joining.wordings import WORDINGS
from subscribers.models import Consent, Letter, Subscriber, Suppression, Topic

from .answers import BAD, GOOD, NONE, WAITING, Clock, Outlook, verdict
from .words import CONSENTS, EVENTS, LETTERS, ORIGINS, SUPPRESSIONS, VOTES

PAGE = 30
READER = Subscriber._meta.label_lower


class Place(NamedTuple):
    """A moment's place in the story."""

    at: datetime
    kind: str
    pk: int


END = Place(datetime(9000, 1, 1, tzinfo=UTC), "", 0)


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened. `notes` say more about it; `papers` are titles with reasons, and
    `day` is the day of the edition in which the mail can be seen."""

    place: Place
    kind: str
    words: str
    notes: Sequence[str] = ()
    papers: Sequence[tuple[str, str]] = ()
    day: str = ""
    heading: str = ""

    @property
    def at(self) -> datetime:
        return self.place.at


@dataclass(frozen=True, slots=True)
class Teller:
    """Who is told about, on whose clock, and whether addresses may be seen."""

    reader: Subscriber
    clock: Clock
    outlook: Outlook
    shows_addresses: bool
    names: Mapping[int, str] = field(default_factory=Topic.labels)

    def masked(self, text: str) -> str:
        return text if self.shows_addresses else without_addresses(text)


def moments(teller: Teller, before: Place = END) -> tuple[list[Moment], bool]:
    """Return a page of what came `before` a place, and whether there is more."""
    reader = teller.reader
    said = {
        "reader": reader.pk,
        "key": str(reader.pk),
        "hash": reader.address_hash,
        **before._asdict(),
        "limit": PAGE + 1,
    }
    places = [Place(*row) for row in fetch(_NEXT, said)]
    found = _told(teller, places[:PAGE])
    return [found[place] for place in places[:PAGE] if place in found], len(places) > PAGE


_NEXT = """
SELECT at, kind, id FROM (
    SELECT due_at AS at, 'digest' AS kind, id
    FROM digest_digest WHERE subscriber_id = %(reader)s
    UNION ALL SELECT e.at, 'event', e.id
    FROM digest_digest d JOIN digest_event e ON e.digest_id = d.id
    WHERE d.subscriber_id = %(reader)s
    UNION ALL SELECT at, 'consent', id
    FROM subscribers_consent WHERE subscriber_id = %(reader)s OR address_hash = %(hash)s
    UNION ALL SELECT created_at, 'letter', id
    FROM subscribers_letter WHERE subscriber_id = %(reader)s
    UNION ALL SELECT created_at, 'suppression', id
    FROM subscribers_suppression WHERE address_hash = %(hash)s
    UNION ALL SELECT at, 'vote', id FROM digest_vote WHERE subscriber_id = %(reader)s
    UNION ALL SELECT c.at, 'click', c.id
    FROM digest_digest d JOIN digest_click c ON c.digest_id = d.id
    WHERE d.subscriber_id = %(reader)s
    UNION ALL SELECT changed_at, 'wishes', id
    FROM subscribers_subscriber WHERE id = %(reader)s AND changed_at IS NOT NULL
    UNION ALL SELECT at, 'audit', id
    FROM digest_auditentry WHERE kind = 'subscribers.subscriber' AND key = %(key)s
) moment
WHERE (at, kind, id) < (%(at)s, %(kind)s, %(pk)s)
ORDER BY at DESC, kind DESC, id DESC
LIMIT %(limit)s
"""


def latest(reader: Subscriber) -> tuple[Digest | None, Event | None]:
    """Return the reader's latest digest, and the latest event about it."""
    digest = Digest.objects.filter(subscriber=reader).order_by("-local_date").first()
    event = Event.objects.filter(digest=digest).order_by("-at").first() if digest else None
    return digest, event


def _told(teller: Teller, places: Sequence[Place]) -> dict[Place, Moment]:
    keys: dict[str, dict[int, Place]] = defaultdict(dict)
    for place in places:
        keys[place.kind][place.pk] = place
    return {
        moment.place: moment
        for kind, tell in _TELLERS.items()
        if kind in keys
        for moment in tell(teller, keys[kind])
    }


# --- each kind of row ----------------------------------------------------------------------
def _digests(teller: Teller, places: Mapping[int, Place]) -> Iterable[Moment]:
    rows = Digest.objects.filter(pk__in=places)
    digests = list(rows)
    days = dict(
        Edition.objects.filter(pk__in={row.edition_id for row in digests}).values_list("pk", "date")
    )
    papers = _papers({pk for row in digests for pk in row.paper_ids})
    events = _latest_events(places)
    for row in digests:
        found = verdict(row, teller.clock, teller.outlook, events.get(row.pk))
        day = days.get(row.edition_id or 0)
        yield Moment(
            places[row.pk],
            found.kind,
            teller.masked(found.words),
            papers=[
                (papers.get(pk, "–"), reasons.words(code, teller.names))
                for pk, code in zip(row.paper_ids, row.reasons, strict=True)
            ],
            day=f"{day:%Y-%m-%d}" if day and row.paper_ids else "",
            heading=_("Digest of %(day)s") % {"day": teller.clock.day(row.local_date)},
        )


def _latest_events(pks: Iterable[int]) -> dict[int | None, Event]:
    rows = Event.objects.filter(digest__in=pks).order_by("digest", "-at").distinct("digest")
    return {row.digest_id: row for row in rows}


def _papers(pks: Iterable[int]) -> dict[int, str]:
    rows = Paper.objects.only("title", "key").in_bulk(list(pks))
    return {pk: title_of(paper) for pk, paper in rows.items()}


def _events(teller: Teller, places: Mapping[int, Place]) -> Iterable[Moment]:
    for row in Event.objects.filter(pk__in=places):
        words = str(EVENTS.get(row.kind, row.kind))
        notes = [row.reject_reason, teller.masked(row.detail), row.mail_service]
        is_bad = row.kind in {"bounced", "failed", "rejected", "complained"}
        yield Moment(places[row.pk], BAD if is_bad else NONE, words, list(filter(None, notes)))


def _consents(teller: Teller, places: Mapping[int, Place]) -> Iterable[Moment]:
    for row in Consent.objects.filter(pk__in=places).select_related("imported_with"):
        notes = [WORDINGS.get(row.wording, row.wording)]
        if row.reason:
            notes.append(str(WHY_LEFT.get(row.reason, row.reason)))
        if row.imported_with:
            notes.append(teller.masked(row.imported_with.basis))
        words = str(CONSENTS.get(row.act, row.act))
        yield Moment(places[row.pk], GOOD, words, list(filter(None, notes)))


def _letters(teller: Teller, places: Mapping[int, Place]) -> Iterable[Moment]:
    for row in Letter.objects.filter(pk__in=places).defer("wishes"):
        kind, note = (
            WAITING,
            _("waits to be sent; tried %(number)d times") % {"number": row.attempts},
        )
        if row.sent_at:
            kind, note = (NONE, _("sent at %(time)s") % {"time": teller.clock.at(row.sent_at)})
        elif row.given_up_at:
            at = teller.clock.at(row.given_up_at)
            kind, note = BAD, _("given up at %(time)s") % {"time": at}
        notes = [note, teller.masked(row.to)]
        yield Moment(places[row.pk], kind, str(LETTERS[row.kind]), list(filter(None, notes)))


def _suppressions(teller: Teller, places: Mapping[int, Place]) -> Iterable[Moment]:
    for row in Suppression.objects.filter(pk__in=places):
        why = str(SUPPRESSIONS.get(row.reason, row.reason))
        yield Moment(places[row.pk], BAD, _("The address was suppressed"), [why])


def _votes(teller: Teller, places: Mapping[int, Place]) -> Iterable[Moment]:
    for row in _with_paper(Vote.objects.filter(pk__in=places)):
        notes = [title_of(row.paper), str(ORIGINS.get(row.origin, ""))]
        yield Moment(places[row.pk], NONE, str(VOTES[row.value]), list(filter(None, notes)))


def _clicks(teller: Teller, places: Mapping[int, Place]) -> Iterable[Moment]:
    for row in _with_paper(Click.objects.filter(pk__in=places)):
        words = _("A program followed a link") if row.is_machine else _("Opened a paper")
        yield Moment(places[row.pk], NONE, words, [title_of(row.paper)])


def _with_paper(rows: Any) -> Any:
    return rows.select_related("paper").only(
        *(field.name for field in rows.model._meta.concrete_fields), "paper__title", "paper__key"
    )


def _wishes(teller: Teller, places: Mapping[int, Place]) -> Iterable[Moment]:
    for place in places.values():
        yield Moment(place, NONE, _("Preferences were last changed, to what stands above"))


def _acts(teller: Teller, places: Mapping[int, Place]) -> Iterable[Moment]:
    for row in AuditEntry.objects.filter(pk__in=places):
        said = {"act": row.act, "who": row.by_name or "–", "result": row.result}
        yield Moment(places[row.pk], NONE, _("Operator %(who)s: %(act)s (%(result)s)") % said)


_TELLERS = {
    "digest": _digests,
    "event": _events,
    "consent": _consents,
    "letter": _letters,
    "suppression": _suppressions,
    "vote": _votes,
    "click": _clicks,
    "wishes": _wishes,
    "audit": _acts,
}


# --- an address that is no reader's --------------------------------------------------------
def of_address(address_hash: str) -> list[tuple[datetime, str]]:
    """What is known of an address that belongs to no reader: when, and what, newest first."""
    known: list[tuple[datetime, str]] = []
    for row in Consent.objects.filter(address_hash=address_hash).order_by("-at")[:PAGE]:
        known.append((row.at, str(CONSENTS.get(row.act, row.act))))
    for suppression in Suppression.objects.filter(address_hash=address_hash):
        why = SUPPRESSIONS.get(suppression.reason, suppression.reason)
        words = _("The address was suppressed: %(why)s") % {"why": why}
        known.append((suppression.created_at, words))
    return sorted(known, reverse=True)
