"""Changing a reader's preferences, and saying in words when the next digest comes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from subscribers import sign_offs
from subscribers.database import execute
from subscribers.models import Letter, Subscriber, Subscription, Term

from . import schedule, terms
from .zones import zone_of

# Sent while a reader is locked who has been due, and whose wishes are about to be stored. Whoever
# plans digests makes the rows of all that was due until `now`, by the wishes that are in the
# database still. Arguments: `subscriber_id` and `now`.
about_to_change = Signal()

_A_MONTH = timedelta(days=30)
_LINK_INTERVAL = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Preferences:
    """Everything a reader may set.

    `columns` maps names of `Subscriber` fields to their new values. `emphases` maps ids of topics
    to `Subscription.Emphasis`; topics left out are neutral.
    """

    columns: Mapping[str, Any]
    emphases: Mapping[int, int]
    keywords: Sequence[str]
    muted_keywords: Sequence[str]
    authors: Sequence[str]
    muted_authors: Sequence[str]


# --- saving --------------------------------------------------------------------------------
@transaction.atomic
def save_preferences(subscriber: Subscriber, wanted: Preferences, now: datetime) -> Subscriber:
    """Store the reader's preferences. Returns the reader with a new `next_due_at`.

    `next_due_at` stays empty for readers who are not active. Safe to repeat.
    """
    subscriber = change(subscriber, now, **wanted.columns)
    _replace_emphases(subscriber, wanted.emphases)
    terms.replace(
        subscriber, Term.Kind.KEYWORD, followed=wanted.keywords, muted=wanted.muted_keywords
    )
    terms.replace(subscriber, Term.Kind.AUTHOR, followed=wanted.authors, muted=wanted.muted_authors)
    return subscriber


@transaction.atomic
def change(subscriber: Subscriber, now: datetime, **fields: Any) -> Subscriber:
    """Set these fields of the reader. Returns the reader with a new `next_due_at`."""
    subscriber = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    for name, value in fields.items():
        setattr(subscriber, name, value)
    if "paused_until" in fields:
        _note_pause(subscriber, now)
    reschedule(subscriber, now)
    subscriber.changed_at = now
    subscriber.save(update_fields=[*fields, "next_due_at", "next_due_on", "changed_at"])
    return subscriber


def _note_pause(subscriber: Subscriber, now: datetime) -> None:
    """Note it where a restore does not forget it."""
    until = subscriber.paused_until
    what = sign_offs.PAUSED if until else sign_offs.GOES_ON
    sign_offs.note(subscriber.address_hash, what, now, until.isoformat() if until else "")


def switch_to_weekly(subscriber: Subscriber, now: datetime) -> Subscriber:
    return change(subscriber, now, frequency=Subscriber.Frequency.WEEKLY)


def pause_for_a_month(subscriber: Subscriber, now: datetime) -> Subscriber:
    return change(subscriber, now, paused_until=today_of(subscriber, now) + _A_MONTH)


def end_pause(subscriber: Subscriber, now: datetime) -> Subscriber:
    return change(subscriber, now, paused_until=None)


def _replace_emphases(subscriber: Subscriber, emphases: Mapping[int, int]) -> None:
    """Store an emphasis for these topics, and make all other topics neutral."""
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


def reschedule(subscriber: Subscriber, now: datetime) -> None:
    """Set when the reader's next digest is due, without saving. The reader must be locked.

    It never comes on the local date of the last one, in whatever zone that was. What has been due
    until `now` and is not planned yet is planned first, so that none of these days is lost.
    """
    if subscriber.next_due_at is not None and subscriber.next_due_at <= now:
        # A planner that fails must keep nobody from leaving; Django logs why it failed.
        about_to_change.send_robust(Subscriber, subscriber_id=subscriber.pk, now=now)
        subscriber.refresh_from_db(fields=["last_due_on"])
    subscriber.next_due_at = subscriber.next_due_on = None
    if subscriber.state == Subscriber.State.ACTIVE:
        subscriber.next_due_at, subscriber.next_due_on = schedule.next_due_of(subscriber, now)


# --- a new link ----------------------------------------------------------------------------
@transaction.atomic
def mail_link(subscriber: Subscriber, now: datetime) -> bool:
    """Queue a letter with a fresh preferences link to the reader's own address, once a day at most.

    Readers who have left get one too: they may see and erase the data we still keep. Returns
    whether there is a new letter.
    """
    reader = Subscriber.objects.select_for_update().filter(pk=subscriber.pk).first()
    if reader is None or reader.state == Subscriber.State.PENDING:
        return False
    letters = Letter.objects.filter(subscriber=reader, kind=Letter.Kind.LINK)
    is_recent = letters.filter(created_at__gt=now - _LINK_INTERVAL).exists()
    if is_recent or letters.waiting().exists():
        return False
    Letter.objects.create(
        subscriber=reader, kind=Letter.Kind.LINK, created_at=now, next_attempt_at=now
    )
    return True


def mail_link_to(address_hash: str, now: datetime) -> None:
    """Queue the letter of `mail_link` for whoever has this address, by the same rules.

    One statement, whoever has it and whether anybody does: its time tells a stranger nothing.
    """
    execute(
        _MAIL_LINK,
        {
            "address_hash": address_hash,
            "kind": Letter.Kind.LINK,
            "pending": Subscriber.State.PENDING,
            "now": now,
            "since": now - _LINK_INTERVAL,
        },
    )


_MAIL_LINK = """
INSERT INTO subscribers_letter
    (subscriber_id, kind, "to", created_at, next_attempt_at, attempts)
SELECT reader.id, %(kind)s::varchar, '', %(now)s, %(now)s, 0
FROM subscribers_subscriber reader
WHERE reader.address_hash = %(address_hash)s AND reader.state <> %(pending)s
    AND NOT EXISTS (
        SELECT FROM subscribers_letter had
        WHERE had.subscriber_id = reader.id AND had.kind = %(kind)s::varchar
            AND had.created_at > %(since)s
    )
ON CONFLICT DO NOTHING
"""


# --- in words ------------------------------------------------------------------------------
def today_of(subscriber: Subscriber, now: datetime) -> date:
    """Return today's date in the reader's time zone."""
    return schedule.today_in(subscriber.zone, now)


def next_digest_in_words(subscriber: Subscriber, now: datetime) -> str:
    """Return when the next digest comes, as in "tomorrow, Tuesday, 07:00 Lisbon time", or ""."""
    if subscriber.next_due_at is None:
        return ""
    due = subscriber.next_due_at.astimezone(zone_of(subscriber.zone))
    today = today_of(subscriber, now)
    parts = {"weekday": format_date(due, "l"), "time": f"{due:%H:%M} {_place(subscriber.zone)}"}
    if due.date() == today:
        return _("today, %(weekday)s, %(time)s") % parts
    if due.date() == today + timedelta(days=1):
        return _("tomorrow, %(weekday)s, %(time)s") % parts
    return f"{_day_in_words(due.date(), today)}, {parts['time']}"


def _day_in_words(day: date, today: date) -> str:
    """Return a date such as "Monday, 4 January 2027", without the year if it is this year."""
    if day.year == today.year:
        return format_date(day, pgettext("date format", "l, j F"))
    return format_date(day, pgettext("date format", "l, j F Y"))


def _place(zone: str) -> str:
    """Return the zone as people say it, as in "Lisbon time"."""
    _region, slash, city = zone.rpartition("/")
    return _("%(city)s time") % {"city": city.replace("_", " ")} if slash else zone
