"""Changing what a reader set, and saying when the next digest comes."""

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from subscribers.models import Letter, Subscriber, Subscription, Term

from . import schedule, terms

A_MONTH = timedelta(days=30)
ONE_LINK_IN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Preferences:
    """Everything a reader may set.

    `emphases` maps the ids of topics to `Subscription.Emphasis`; a topic that is missing is
    nothing to the reader. `paused_until` is the first day with mail, None for no pause.
    """

    emphases: Mapping[int, int]
    keywords: Sequence[str]
    muted_keywords: Sequence[str]
    authors: Sequence[str]
    muted_authors: Sequence[str]
    hour: int
    zone: str
    frequency: str
    weekday: int
    length: int
    paused_until: date | None
    language: str
    is_exploring: bool


# --- saving --------------------------------------------------------------------------------
@transaction.atomic
def save_preferences(subscriber: Subscriber, wanted: Preferences, now: datetime) -> Subscriber:
    """Store what the reader wants and return them with their new next digest's time.

    Who is not active gets no next time by it. Safe to repeat.
    """
    subscriber = change(
        subscriber,
        now,
        hour=wanted.hour,
        zone=wanted.zone,
        frequency=wanted.frequency,
        weekday=wanted.weekday,
        length=wanted.length,
        paused_until=wanted.paused_until,
        language=wanted.language,
        is_exploring=wanted.is_exploring,
    )
    replace_emphases(subscriber, wanted.emphases)
    terms.replace(
        subscriber, Term.Kind.KEYWORD, followed=wanted.keywords, muted=wanted.muted_keywords
    )
    terms.replace(subscriber, Term.Kind.AUTHOR, followed=wanted.authors, muted=wanted.muted_authors)
    return subscriber


@transaction.atomic
def change(subscriber: Subscriber, now: datetime, **fields: Any) -> Subscriber:
    """Set these fields of a reader, and return them with their new next digest's time."""
    subscriber = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    before = copy(subscriber)
    for name, value in fields.items():
        setattr(subscriber, name, value)
    reschedule(subscriber, before, now)
    subscriber.save(update_fields=[*fields, "next_due_at"])
    return subscriber


def come_weekly(subscriber: Subscriber, now: datetime) -> Subscriber:
    return change(subscriber, now, frequency=Subscriber.Frequency.WEEKLY)


def pause_for_a_month(subscriber: Subscriber, now: datetime) -> Subscriber:
    return change(subscriber, now, paused_until=today_of(subscriber, now) + A_MONTH)


def end_pause(subscriber: Subscriber, now: datetime) -> Subscriber:
    return change(subscriber, now, paused_until=None)


def replace_emphases(subscriber: Subscriber, emphases: Mapping[int, int]) -> None:
    """Make these the topics that the subscriber has a word on, and no other."""
    subscriptions = Subscription.objects.filter(subscriber=subscriber)
    subscriptions.exclude(topic__in=emphases).delete()
    Subscription.objects.bulk_create(
        [
            Subscription(subscriber=subscriber, topic_id=topic_id, emphasis=emphasis)
            for topic_id, emphasis in emphases.items()
        ],
        update_conflicts=True,
        unique_fields=["subscriber", "topic"],
        update_fields=["emphasis"],
    )


def reschedule(subscriber: Subscriber, before: Subscriber, now: datetime) -> None:
    """Set `next_due_at` by what the subscriber set now, without saving.

    It is never on the day of the last digest, as the calendar in their new zone has it.
    """
    subscriber.next_due_at = None
    if subscriber.state == Subscriber.State.ACTIVE:
        after = max([now, *_days_with_a_digest(subscriber.zone, before, now)])
        subscriber.next_due_at = schedule.next_due_of(subscriber, after)


def _days_with_a_digest(zone: str, before: Subscriber, now: datetime) -> Iterator[datetime]:
    """The last instants of the days on which nothing more may come, for who moves to `zone`.

    What they had set `before` tells when they had a digest. It may have been changed today
    already; then nothing more was to come today, and so nothing does.
    """
    ends = []
    if last := schedule.last_due_of(before, now):
        ends.append(schedule.end_of_day(last, zone))
    today = schedule.end_of_day(now, before.zone)
    if before.next_due_at is not None and before.next_due_at >= today:
        ends += [today, schedule.end_of_day(now, zone)]
    return (end - timedelta(seconds=1) for end in ends)


# --- a new link ----------------------------------------------------------------------------
@transaction.atomic
def mail_link(subscriber: Subscriber, now: datetime) -> None:
    """Have a fresh link to the preferences go to the reader's own address, once a day at most.

    Also to who left: they may see and erase what is still kept of them.
    """
    reader = Subscriber.objects.select_for_update().filter(pk=subscriber.pk).first()
    if reader is None or reader.state == Subscriber.State.PENDING:
        return
    lately = Letter.objects.filter(
        subscriber=reader, kind=Letter.Kind.LINK, created_at__gt=now - ONE_LINK_IN
    )
    if not lately.exists():
        Letter.objects.bulk_create(
            [Letter(subscriber=reader, kind=Letter.Kind.LINK, created_at=now, next_attempt_at=now)],
            ignore_conflicts=True,  # an older one may still wait for its mail service
        )


# --- in words ------------------------------------------------------------------------------
def today_of(subscriber: Subscriber, now: datetime) -> date:
    """The date on the reader's wall."""
    return now.astimezone(ZoneInfo(subscriber.zone)).date()


def next_digest_in_words(subscriber: Subscriber, now: datetime) -> str:
    """When the next digest comes: "tomorrow, Tuesday, 07:00 Lisbon time"; "" if none does."""
    if subscriber.next_due_at is None:
        return ""
    due = subscriber.next_due_at.astimezone(ZoneInfo(subscriber.zone))
    today = today_of(subscriber, now)
    parts = {"weekday": format_date(due, "l"), "time": f"{due:%H:%M} {_place(subscriber.zone)}"}
    if due.date() == today:
        return _("today, %(weekday)s, %(time)s") % parts
    if due.date() == today + timedelta(days=1):
        return _("tomorrow, %(weekday)s, %(time)s") % parts
    return f"{day_in_words(due.date(), today)}, {parts['time']}"


def day_in_words(day: date, today: date) -> str:
    """A day some way off: "Monday, 4 January 2027", without a year that goes without saying."""
    if day.year == today.year:
        return format_date(day, pgettext("date format", "l, j F"))
    return format_date(day, pgettext("date format", "l, j F Y"))


def _place(zone: str) -> str:
    """The zone as people say it: "Lisbon time"."""
    _region, slash, city = zone.rpartition("/")
    return _("%(city)s time") % {"city": city.replace("_", " ")} if slash else zone
