"""Signals of others that we listen to."""

from datetime import UTC, datetime, timedelta
from typing import Any

from anymail.signals import AnymailTrackingEvent, tracking
from django.db.models import Exists, OuterRef
from django.db.models.signals import pre_delete
from django.dispatch import receiver
from django.utils import timezone

from subscribers.importing.undoing import counts_as_act
from subscribers.models import Consent, Subscriber
from subscribers.wishes.preferences import about_to_change

from .delivery import events, plan
from .models import Click, Vote
from .readers import forgetting

# No mail service reports what happened before there were any, or what will happen.
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)
_TEXTS = ("event_id", "event_type", "message_id", "recipient", "reject_reason", "click_url")


@receiver(tracking)
def record_event(event: AnymailTrackingEvent, esp_name: str, **_: Any) -> None:
    events.record(storable(event, timezone.now()), esp_name)


def storable(event: AnymailTrackingEvent, now: datetime) -> AnymailTrackingEvent:
    """Return the event with values that the database can hold and its pages can show.

    anymail passes on what the request says: any date, any characters, any type.
    """
    for name in _TEXTS:
        value = getattr(event, name)
        setattr(event, name, value if value is None else _plain(value))
    if not isinstance(event.metadata, dict):
        event.metadata = {}
    event.timestamp = _possible(event.timestamp, now)
    return event


def _plain(value: object) -> str:
    """Return text without NUL characters and halves of surrogate pairs, which are not text."""
    return str(value).encode(errors="replace").decode().replace("\0", "")


def _possible(at: object, now: datetime) -> datetime:
    """Return the time of an event, or now if it cannot be true."""
    if not isinstance(at, datetime) or at.tzinfo is None:
        return now
    return at if _EARLIEST <= at <= now + _AHEAD else now


@receiver(about_to_change)
def plan_what_was_due(subscriber_id: int, now: datetime, **_: Any) -> None:
    plan.plan_reader(subscriber_id, now)


@counts_as_act
def voted() -> Exists:
    return Exists(Vote.objects.filter(subscriber=OuterRef("pk")))


@counts_as_act
def clicked() -> Exists:
    by_hand = Click.objects.filter(is_machine=False)
    return Exists(by_hand.filter(digest__subscriber=OuterRef("pk")))


@receiver(pre_delete, sender=Subscriber)
def forget_reader(instance: Subscriber, **_: Any) -> None:
    """However a reader's row goes: erased, refused, or merged with another."""
    earlier = Consent.objects.filter(subscriber=instance).values_list("address_hash", flat=True)
    forgetting.forget(instance.pk, {instance.address_hash, *earlier})
