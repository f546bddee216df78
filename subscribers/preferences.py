"""Changing what a reader set, and saying when the next digest comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from subscribers import schedule
from subscribers.models import Subscriber, Topic
from subscribers.signup import replace_topics


@dataclass(frozen=True, slots=True)
class Preferences:
    """Everything a reader may set. `paused_until` is the first day with mail, None for no pause."""

    topics: Sequence[Topic]
    hour: int
    zone: str
    frequency: str
    weekday: int
    length: int
    paused_until: date | None


@transaction.atomic
def save_preferences(subscriber: Subscriber, wanted: Preferences, now: datetime) -> Subscriber:
    """Store what the reader wants and return them with their new next digest's time.

    Who is not active gets no next time by it. Safe to repeat.
    """
    subscriber = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    subscriber.hour = wanted.hour
    subscriber.zone = wanted.zone
    subscriber.frequency = wanted.frequency
    subscriber.weekday = wanted.weekday
    subscriber.length = wanted.length
    subscriber.paused_until = wanted.paused_until
    reschedule(subscriber, now)
    subscriber.save()
    replace_topics(subscriber, wanted.topics)
    return subscriber


def reschedule(subscriber: Subscriber, now: datetime) -> None:
    """Set `next_due_at` by what the subscriber set, without saving."""
    is_active = subscriber.state == Subscriber.State.ACTIVE
    subscriber.next_due_at = schedule.next_due_of(subscriber, now) if is_active else None


def next_digest_in_words(subscriber: Subscriber, now: datetime) -> str:
    """When the next digest comes: "tomorrow, Tuesday, 07:00 Lisbon time"; "" if none does."""
    if subscriber.next_due_at is None:
        return ""
    tz = ZoneInfo(subscriber.zone)
    due = subscriber.next_due_at.astimezone(tz)
    today = now.astimezone(tz).date()
    if due.date() == today:
        day = f"today, {due:%A}"
    elif due.date() == today + timedelta(days=1):
        day = f"tomorrow, {due:%A}"
    else:
        day = f"{due:%A}, {due.day} {due:%B}" + (f" {due.year}" if due.year != today.year else "")
    return f"{day}, {due:%H:%M} {_place(subscriber.zone)}"


def _place(zone: str) -> str:
    """The zone as people say it: "Lisbon time"."""
    _region, slash, city = zone.rpartition("/")
    return f"{city.replace('_', ' ')} time" if slash else zone
