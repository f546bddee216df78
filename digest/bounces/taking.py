"""One mail: whose it is, the event that it stands for, and what is to happen with the mail."""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from itertools import islice

from anymail.inbound import AnymailInboundMessage
from anymail.signals import AnymailTrackingEvent, EventType
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from digest.delivery import events
from digest.delivery.mail_services import traits_of
from digest.delivery.mail_services.bounces import told_by
from digest.delivery.routing import SMTP
from digest.mail import return_path
from digest.mail.return_path import Kind, Mailed
from digest.models import Digest
from subscribers import addresses
from subscribers.leaving.unsubscribe import ADDRESSED, by_mail, is_automatic
from subscribers.models import Letter, Subscriber

from . import mime, reports
from .mime import Part
from .reports import Action, Report, Status

logger = logging.getLogger(__name__)

_MOST_VALUES = 50
_KINDS = {
    Action.DELIVERED: EventType.DELIVERED,
    Action.RELAYED: EventType.SENT,
    Action.DELAYED: EventType.DEFERRED,
    Action.FAILED: EventType.BOUNCED,
}
_ORDER = list(Action)
# RFC 5965 §7.3. The others, such as that of a virus found, say nothing of the reader's wishes.
_COMPLAINTS = {"abuse": EventType.COMPLAINED, "fraud": EventType.COMPLAINED}
_WISHES = {"opt-out": EventType.UNSUBSCRIBED, "opt-out-list": EventType.UNSUBSCRIBED}


class Fate(StrEnum):
    """What became of a mail. All but the last can be removed."""

    STORED = "stored"
    KNOWN = "known already"
    LEFT = "unsubscribed"
    NOTHING = "nothing to do"
    ASIDE = "put aside"


def take(content: bytes, recipient: str = "") -> Fate:
    """Act on one mail, which arrived for this address if that is known. Safe to repeat.

    What it meant is committed when this returns. Raises only if the database is down; what cannot
    be read, for whatever reason, is to be put aside, and keeps no other mail from being read.
    """
    try:
        return _take(content, recipient)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # whatever a strange mail brings about; the words could quote it
        logger.error("A mail to the bounces cannot be read: %s", type(error).__name__)
        return Fate.ASIDE


def _take(content: bytes, recipient: str) -> Fate:
    parts = mime.read(content)
    message = _message(parts[0], recipient)
    if by_mail(message, timezone.now()):
        return Fate.LEFT
    report = reports.read(parts)
    mailed = next(_named(parts[0], recipient, report), None)
    mail = _sent_to(mailed) if mailed else None
    if mailed is None or mail is None:
        return Fate.ASIDE  # nobody's, or somebody's who means it for a person
    if report is None:
        is_answer = is_automatic(message) and not reports.is_attempt(parts)
        return Fate.NOTHING if is_answer else Fate.ASIDE
    reader = _reader_of(mail, mailed)
    event = _event(mailed, reader, report, parts[0]) if reader else None
    if event is None:
        return Fate.NOTHING
    return Fate.STORED if events.record(event, SMTP) else Fate.KNOWN


def _message(mail: Part, recipient: str) -> AnymailInboundMessage:
    """The mail without its text, as anymail's webhooks would bring it."""
    message = AnymailInboundMessage()
    for name, value in mail.headers.raw_items():
        message.set_raw(name, str(value)[: mime.LONGEST_VALUE])
    message.envelope_recipient = recipient or None
    message.envelope_sender = mail.value("Return-Path") or None
    return message


# --- whose it is ---------------------------------------------------------------------------
def _named(mail: Part, recipient: str, report: Report | None) -> Iterator[Mailed]:
    """Our mails that a bounce came back for: by its own address, or by what it returns."""
    to = (value for name, value in mail.headers.raw_items() if name.lower() in ADDRESSED)
    for text in (recipient, *islice(map(str, to), _MOST_VALUES), report.about if report else ""):
        yield from return_path.found_in(text[: mime.LONGEST_TEXT])


def _sent_to(mailed: Mailed) -> Letter | Digest | None:
    """The digest or the letter, with its reader; None if there is none."""
    if mailed.kind is Kind.DIGEST:
        return Digest.objects.select_related("subscriber").filter(uuid=mailed.uuid).first()
    most = 2**63 - 1
    letters = Letter.objects.select_related("subscriber")
    return letters.filter(pk=min(mailed.number, most)).first()


def _reader_of(mail: Letter | Digest, mailed: Mailed) -> Subscriber | None:
    """The reader whom the mail reached where they still are; None if they are erased or gone, if it
    is not we who have signed, or if a letter went to another address than theirs."""
    reader = mail.subscriber
    return reader if reader and mailed.went_to(reader.email) else None


# --- what it says --------------------------------------------------------------------------
def _event(
    mailed: Mailed, reader: Subscriber, report: Report, mail: Part
) -> AnymailTrackingEvent | None:
    """The event, as a webhook would bring it; None if the report says nothing to us."""
    if report.complaint:
        kind = _COMPLAINTS.get(report.complaint) or _WISHES.get(report.complaint)
        found = [_event_of(mailed, reader, kind, mail)] if kind else []
    else:
        found = list(_bounces(mailed, reader, report.statuses, mail))
    # A mail to several mailboxes behind one address has arrived if it has arrived in one of them.
    return min(found, key=_badness, default=None)


def _bounces(
    mailed: Mailed, reader: Subscriber, statuses: Sequence[Status], mail: Part
) -> Iterator[AnymailTrackingEvent]:
    own = [status for status in statuses if _is_among(reader, status.recipients)]
    for status in own or statuses:
        event = _event_of(mailed, reader, _KINDS[status.action], mail)
        event.mta_response = status.reply
        # Another mailbox, to which the reader's server passed the mail on, says nothing for good
        # about the reader's address.
        event.esp_event = {"action": str(status.action), "is_own": str(bool(own)).lower()}
        yield event


def _is_among(reader: Subscriber, names: Iterable[str]) -> bool:
    for name in names:
        try:
            if addresses.hashed(name) == reader.address_hash:
                return True
        except addresses.InvalidAddress:
            continue
    return False


def _event_of(mailed: Mailed, reader: Subscriber, kind: str, mail: Part) -> AnymailTrackingEvent:
    named = (
        {"digest": str(mailed.uuid)}
        if mailed.kind is Kind.DIGEST
        else {"letter": str(mailed.number)}
    )
    said = mail.value("Message-ID") or hashlib.sha256(mail.body).hexdigest()
    key = "|".join([*named, *named.values(), kind, said])
    return AnymailTrackingEvent(
        event_type=kind,
        timestamp=_time(mail.value("Date")),
        event_id=hashlib.sha256(key.encode(errors="replace")).hexdigest(),
        recipient=reader.email,
        metadata=named,
        esp_event={},
    )


def _time(date: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _badness(event: AnymailTrackingEvent) -> tuple[int, bool]:
    places = {kind: _ORDER.index(action) for action, kind in _KINDS.items()}
    is_permanent = told_by(event, traits_of(SMTP).bounces).is_permanent
    return places.get(event.event_type, 0), is_permanent
