"""What the mail service tells us later: each event is stored once, then moves its digest on."""

import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any
from uuid import UUID

from anymail.signals import AnymailTrackingEvent, EventType
from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from digest.models import Digest, Event, Kind, Notice
from subscribers import addresses
from subscribers.database import execute
from subscribers.leaving import suppression
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Subscriber, Suppression

from .mail_services import traits_of
from .mail_services.bounces import told_by

logger = logging.getLogger(__name__)

State = Digest.State

# Services repeat events and send them out of order, so an event only ever moves a digest up this
# ladder: whatever the order, the result is the same. The rungs below SENDING are for digests that
# the service seemed to lack, and had after all.
LADDER = (
    State.READY,
    State.SKIPPED,
    State.SENDING,
    State.UNCERTAIN,
    State.ASSUMED,
    State.SENT,
    State.DEFERRED,
    State.FAILED,
    State.DELIVERED,
    State.BOUNCED,
    State.COMPLAINED,
)
STATE_OF_KIND = {
    EventType.QUEUED: State.SENT,
    EventType.SENT: State.SENT,
    EventType.DEFERRED: State.DEFERRED,
    EventType.REJECTED: State.FAILED,
    EventType.FAILED: State.FAILED,
    EventType.DELIVERED: State.DELIVERED,
    EventType.BOUNCED: State.BOUNCED,
    EventType.COMPLAINED: State.COMPLAINED,
    # Only a mail that has arrived causes these.
    EventType.OPENED: State.DELIVERED,
    EventType.CLICKED: State.DELIVERED,
    EventType.AUTORESPONDED: State.DELIVERED,
    EventType.UNSUBSCRIBED: State.DELIVERED,
}
# What other programs are told of.
_TOLD = {State.BOUNCED: Kind.BOUNCED, State.COMPLAINED: Kind.COMPLAINED}

# This many digests in a row that bounced softly, over this long, mean a mailbox that nobody
# empties.
SOFT_BOUNCES = 5
SOFT_BOUNCES_FOR = timedelta(days=14)
# How many of the reader's newest digests are looked at for that.
_LOOK_BACK = 20
# Our own Message-IDs, of a digest and of a letter.
_OUR_MESSAGE_ID = re.compile(
    r"<?\b(?:d\.(?P<digest>[0-9a-f]{32})|c\.(?P<letter>\d{1,18})\.[0-9a-f]+)@"
)
# How many values of a raw event are searched for one of these.
_VALUES = 300
# No mail service has a clock that is further from ours.
_CLOCK_SKEW = timedelta(days=1)
_FIRST_EVENT = datetime(2020, 1, 1, tzinfo=UTC)


def record(event: AnymailTrackingEvent, mail_service: str) -> bool:
    """Store an event and act on it. Returns False, and does nothing, if it was already known.

    It acts only if the digest it names is ours and went to the address it names, so a forged or
    stray event cannot suppress anybody; otherwise it is kept without a digest. Safe to repeat.
    """
    address_hash = _address_hash(event.recipient)
    told = told_by(event, traits_of(mail_service).bounces)
    named = _named_in(event)
    with transaction.atomic():
        digest = _digest_of(event, named, address_hash)
        is_about_somebody = digest is not None or _is_readers(address_hash)
        row = Event(
            dedupe_key=_dedupe_key(event, mail_service),
            kind=told.kind[:16],
            digest=digest,
            address_hash=address_hash if is_about_somebody else "",
            mail_service=mail_service,
            message_id=_storable(event.message_id, 300) if is_about_somebody else "",
            reject_reason=told.reject_reason[:16],
            is_permanent=told.is_permanent,
            at=_time_of(event),
        )
        is_new = _insert(row)
        if is_new:
            # The reader comes first: whoever erases one locks the reader before their digests.
            _act_on(digest.subscriber if digest else _written_to(named, address_hash), row)
            if digest is not None:
                _move_on(digest, row)
    return is_new


def _insert(event: Event) -> bool:
    """Store the event unless it is known already. Returns whether it was new.

    One statement instead of `get_or_create`'s four: services send hundreds of thousands of events
    within minutes of a send.
    """
    fields = [field for field in Event._meta.concrete_fields if not field.primary_key]
    names = ", ".join(field.attname for field in fields)
    values = [field.get_db_prep_save(field.pre_save(event, True), connection) for field in fields]
    statement = (
        f"INSERT INTO digest_event ({names}) VALUES ({', '.join(['%s'] * len(fields))})"
        " ON CONFLICT (dedupe_key) DO NOTHING"
    )
    return execute(statement, values) == 1


def next_state(state: str, kind: str, *, permanent: bool) -> str:
    """The state after an event: the digest's own or the event's, whichever is higher."""
    told = STATE_OF_KIND.get(kind)
    if kind == EventType.BOUNCED and not permanent:
        told = State.DEFERRED
    if told is None:
        return state
    return max(State(state), State(told), key=LADDER.index)


def state_told(digest_id: int) -> str:
    """The state that the stored events of a digest amount to; READY if they say nothing."""
    state: str = State.READY
    for event in Event.objects.filter(digest=digest_id):
        state = next_state(state, event.kind, permanent=event.is_permanent)
    return state


def _move_on(digest: Digest, event: Event) -> None:
    """Move the digest up to the state that the event tells, unless it is that high already."""
    state = State(next_state(digest.state, event.kind, permanent=event.is_permanent))
    if state != digest.state:
        lower = LADDER[: LADDER.index(state)]
        moved = Digest.objects.filter(pk=digest.pk, state__in=lower)
        if moved.update(state=state, skip_reason="") and state in _TOLD:
            said = {"digest": digest.uuid.hex, "subscriber": digest.subscriber_id}
            Notice.note(_TOLD[state], said, subscriber=digest.subscriber_id)


def _act_on(subscriber: Subscriber | None, event: Event) -> None:
    if subscriber is None:
        return
    now = timezone.now()
    if event.kind == EventType.COMPLAINED:
        suppression.suppress(subscriber.address_hash, Suppression.Reason.COMPLAINED, now)
    elif event.is_permanent or _bounces_for_long(event, subscriber):
        suppression.suppress(subscriber.address_hash, Suppression.Reason.BOUNCED, now)
    elif event.kind == EventType.UNSUBSCRIBED:
        unsubscribe(subscriber, Consent.Act.UNSUBSCRIBED, now)


def _bounces_for_long(event: Event, subscriber: Subscriber) -> bool:
    """Whether the reader's last digests have all bounced softly for long enough.

    A digest that was delivered after all, or that nothing bad is known about, restarts the count.
    """
    if event.kind != EventType.BOUNCED:
        return False
    bounces = Event.objects.filter(digest=OuterRef("pk"), kind=EventType.BOUNCED)
    digests = Digest.objects.filter(subscriber=subscriber, handed_over_at__isnull=False)
    newest: Any = digests.order_by("-handed_over_at").annotate(has_bounced=Exists(bounces))[
        :_LOOK_BACK
    ]
    in_vain = takewhile(
        lambda d: d.has_bounced and _state_after(event, d) == State.DEFERRED, newest
    )
    times = [digest.handed_over_at for digest in in_vain if digest.handed_over_at is not None]
    return len(times) >= SOFT_BOUNCES and times[0] - times[-1] >= SOFT_BOUNCES_FOR


def _state_after(event: Event, digest: Digest) -> str:
    """The digest's state once the event has been applied, if it is about this one."""
    if digest.pk != event.digest_id:
        return str(digest.state)
    return next_state(digest.state, event.kind, permanent=event.is_permanent)


def _named_in(event: AnymailTrackingEvent) -> Mapping[str, Any]:
    """Our own id of the digest or of the letter that an event is about, under "digest" or "letter".

    It travels in the metadata, where the service has any. Over SMTP it has none, and our Message-ID
    is somewhere in the event.
    """
    metadata = event.metadata if isinstance(event.metadata, Mapping) else {}
    if metadata.get("digest") or metadata.get("letter"):
        return metadata
    for value in (event.message_id, *islice(_values(event.esp_event), _VALUES)):
        if isinstance(value, str) and (found := _OUR_MESSAGE_ID.search(value[:1000])):
            return found.groupdict()
    return {}


def _values(raw: Any, depth: int = 8) -> Iterator[Any]:
    """The single values in a raw event, at any level."""
    if depth and isinstance(raw, Mapping | list):
        for value in raw.values() if isinstance(raw, Mapping) else raw:
            yield from _values(value, depth - 1)
    else:
        yield raw


def _digest_of(
    event: AnymailTrackingEvent, named: Mapping[str, Any], address_hash: str
) -> Digest | None:
    """The digest an event is about. Our id is tried first, because the service's own may not be
    stored yet."""
    digests = Digest.objects.select_related("subscriber")
    found = None
    if uuid := _uuid(named.get("digest")):
        found = digests.filter(uuid=uuid)
    elif message_id := _storable(event.message_id, 300):
        found = digests.filter(message_id=message_id)
    if found is None:
        return None
    return found.filter(subscriber__address_hash=address_hash).first()


def _written_to(named: Mapping[str, Any], address_hash: str) -> Subscriber | None:
    """The reader whose letter the event names, if the letter went to the address it names."""
    number = str(named.get("letter", ""))
    if not re.fullmatch("[0-9]{1,18}", number):
        return None
    return Subscriber.objects.filter(letters=int(number), address_hash=address_hash).first()


def _is_readers(address_hash: str) -> bool:
    """Whether somebody has this address. Of those who were erased nothing new is stored, by which
    they could be found again."""
    return Subscriber.objects.filter(address_hash=address_hash).exists()


def _time_of(event: AnymailTrackingEvent) -> datetime:
    """When it happened, by the service; now, if that cannot be."""
    now = timezone.now()
    at = event.timestamp
    if not isinstance(at, datetime) or timezone.is_naive(at):
        return now
    return at if _FIRST_EVENT <= at <= now + _CLOCK_SKEW else now


def _storable(value: Any, length: int) -> str:
    """As text that PostgreSQL can store: it takes neither NUL nor half a surrogate pair."""
    text = "" if value is None else str(value).replace("\0", "")
    return text.encode(errors="ignore").decode()[:length]


def _address_hash(recipient: str | None) -> str:
    try:
        return addresses.hashed(recipient or "")
    except addresses.InvalidAddress:
        return ""


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(str(value))
    except ValueError:
        return None


def _dedupe_key(event: AnymailTrackingEvent, mail_service: str) -> str:
    if event_id := _storable(event.event_id, 1000):
        key = f"{mail_service}:{event_id}"
        return key if len(key) <= 200 else f"{mail_service}:{_hash(key)}"
    at = event.timestamp
    said = "|".join(
        [
            mail_service,
            event.event_type,
            str(event.message_id or ""),
            str(event.recipient or ""),
            at.isoformat() if at else "",
            str(event.click_url or ""),
        ]
    )
    return f"{mail_service}:{_hash(said)}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
