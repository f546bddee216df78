"""Signing up, and confirming that the address is one's own (double opt-in)."""

import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from subscribers import addresses, links, sign_offs
from subscribers.addresses import Address
from subscribers.database import execute
from subscribers.leaving import suppression
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Letter, Link, Subscriber, Suppression, Topic
from subscribers.wishes import following, schedule

from . import wordings

_PENDING_FOR = timedelta(days=7)


@transaction.atomic
def start_signup(
    address: Address,
    topics: Iterable[Topic],
    zone: str,
    now: datetime,
    language: str = "en",
    *,
    author: str = "",
) -> None:
    """Record that somebody entered this address, and queue a letter to it.

    This subscribes nobody and changes nothing a reader has set, even one who has left or has not
    confirmed yet, because anybody can enter any address. What is wanted waits with the letter, and
    takes effect once its reader confirms. An address gets at most one letter of each kind a day,
    and three a month. Safe to run twice at once.

    The SQL statements are the same for every address, so neither the answer nor its timing reveals
    whether it is known. Whether a letter may go out at all (its owner may have complained, or too
    many may be going out) is only checked by `letters.send_waiting`.
    """
    address_hash = addresses.hashed(address.canonical)
    subscriber = _get_or_create(address, address_hash, now)
    wishes = {"topics": [topic.pk for topic in topics], "zone": zone, "language": language}
    follows = {"author": author} if author else {}
    execute(_SET_FIRST_WISHES, {"subscriber": subscriber.pk, **wishes})
    is_suppressed = suppression.is_suppressed(address_hash)
    is_reader = subscriber.state == Subscriber.State.ACTIVE and not is_suppressed
    kind = Letter.Kind.KNOWN if is_reader else Letter.Kind.CONFIRM
    # A reader's letter leads to a page where they can follow the author, and nothing else changes.
    _queue_letter(subscriber, kind, now, (follows or None) if is_reader else wishes | follows)


@transaction.atomic
def ask_again(link: Link, now: datetime) -> None:
    """Queue a new confirmation after this one expired, for the same wishes and limits."""
    if link.subscriber.state != Subscriber.State.ACTIVE:
        _queue_letter(link.subscriber, Letter.Kind.CONFIRM, now, link.wishes)


@transaction.atomic
def confirm(link: Link, now: datetime) -> Subscriber:
    """Make the reader active and due at once, given the link that only their mailbox received.

    Safe to repeat: a second call succeeds and changes nothing. Clears a bounce, because the address
    evidently works, and an old pause, because they have just asked for digests. Raises `BadLink` if
    the sign-up has just been purged or refused.
    """
    # Takes locks in the same order as a complaint does, so that the two cannot deadlock.
    suppression.lift_bounce(link.subscriber.address_hash)
    subscriber = _locked(link)
    if subscriber.state == Subscriber.State.ACTIVE:
        return subscriber
    if link.wishes:
        execute(_SET_WISHES, {"subscriber": subscriber.pk, **link.wishes})
        subscriber.zone, subscriber.language = link.wishes["zone"], link.wishes["language"]
        if author := link.wishes.get("author"):
            following.follow(subscriber, author)
    subscriber.state = Subscriber.State.ACTIVE
    subscriber.confirmed_at = now
    subscriber.unsubscribed_at = None
    subscriber.paused_until = None
    # The next tick sends their first digest; the planner then sets the regular time.
    subscriber.next_due_at = now
    subscriber.next_due_on = schedule.today_in(subscriber.zone, now)
    subscriber.save(
        update_fields=[
            *("state", "confirmed_at", "unsubscribed_at", "paused_until"),
            *("next_due_at", "next_due_on"),
        ]
    )
    _record(subscriber, Consent.Act.CONFIRMED, now)
    sign_offs.note(subscriber.address_hash, sign_offs.BACK, now)
    links.ensure([subscriber], now)
    return subscriber


@transaction.atomic
def refuse(link: Link, now: datetime) -> None:
    """Delete a sign-up that the mailbox's owner did not make, and suppress the address.

    Only the keyed hash of the address stays, as a suppression that an operator can lift. Readers
    and former readers did sign up once, so they are unsubscribed instead of deleted; who has moved
    to another address since is not meant at all. Raises `BadLink` like `confirm`.
    """
    address_hash = link.address_hash
    suppression.suppress(address_hash, Suppression.Reason.REFUSED, now)
    subscriber = _locked(link)
    is_pending = subscriber.state == Subscriber.State.PENDING
    if is_pending:
        subscriber.delete()
    if is_pending or subscriber.address_hash != address_hash:
        Consent.objects.create(address_hash=address_hash, act=Consent.Act.REFUSED, at=now)
    elif not unsubscribe(subscriber, Consent.Act.REFUSED, now):
        _record(subscriber, Consent.Act.REFUSED, now)


def next_regular(subscriber: Subscriber, now: datetime) -> datetime:
    """Return when the second digest is due: not on the day of the first, which comes at once."""
    today = schedule.today_in(subscriber.zone, now)
    return schedule.next_due(now, schedule.timing_of(subscriber), today).at


@transaction.atomic
def mail_again(subscriber: Subscriber, now: datetime) -> bool:
    """Queue the confirmation once more, for what was asked for last, as an operator wants it.

    Nobody has asked again, so there is no new consent. The limits of `start_signup` hold. Returns
    whether there is a new letter.
    """
    reader = Subscriber.objects.select_for_update().filter(pk=subscriber.pk).first()
    if reader is None or reader.state == Subscriber.State.ACTIVE:
        return False
    kind = Letter.Kind.CONFIRM
    letters = Letter.objects.filter(subscriber=reader, kind=kind).order_by("-created_at")
    earlier = list(letters.filter(created_at__gt=now - timedelta(days=30))[:3])
    is_recent = any(one.created_at > now - timedelta(days=1) for one in earlier)
    if is_recent or len(earlier) == 3 or letters.waiting().exists():
        return False
    last = letters.first()
    Letter.objects.create(
        subscriber=reader,
        kind=kind,
        created_at=now,
        next_attempt_at=now,
        wishes=last.wishes if last else None,
    )
    return True


# --- tidying up ----------------------------------------------------------------------------
def purge(now: datetime, limit: int) -> int:
    """Delete up to `limit` sign-ups that nobody confirmed within a week. Returns how many.

    Safe to repeat and to run twice at once.
    """
    recent = Letter.objects.filter(subscriber=OuterRef("pk"), created_at__gt=now - _PENDING_FOR)
    stale = Subscriber.objects.filter(
        ~Exists(recent), state=Subscriber.State.PENDING, created_at__lte=now - _PENDING_FOR
    )
    with transaction.atomic():
        # Locked, so that nobody can confirm a sign-up while it is being deleted.
        ids = list(stale.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
        Subscriber.objects.filter(pk__in=ids).delete()
    return len(ids)


# --- the rows ------------------------------------------------------------------------------
def _get_or_create(address: Address, address_hash: str, now: datetime) -> Subscriber:
    """Return the subscriber with this address, locked until the end of the transaction."""
    Subscriber.objects.bulk_create(
        [Subscriber(email=address.deliver_to, address_hash=address_hash, created_at=now)],
        ignore_conflicts=True,  # a second sign-up waits here and then finds the first one's row
    )
    return Subscriber.objects.select_for_update().get(address_hash=address_hash)


def _locked(link: Link) -> Subscriber:
    subscriber = Subscriber.objects.select_for_update().filter(pk=link.subscriber_id).first()
    if subscriber is None:
        raise links.BadLink
    return subscriber


# Topics, zone and language, with one statement for any reader.
_SET_WISHES = """
WITH reader AS (
    UPDATE subscribers_subscriber SET zone = %(zone)s, language = %(language)s
    WHERE id = %(subscriber)s
    RETURNING id
), dropped AS (
    DELETE FROM subscribers_subscription AS s USING reader
    WHERE s.subscriber_id = reader.id AND s.topic_id <> ALL(%(topics)s::bigint[])
)
INSERT INTO subscribers_subscription (subscriber_id, topic_id)
SELECT reader.id, topic.id FROM reader, subscribers_topic AS topic
WHERE topic.id = ANY(%(topics)s::bigint[])
ON CONFLICT (subscriber_id, topic_id) DO UPDATE SET emphasis = 0
"""
# A row that this very sign-up made, for the pages that its reader sees before they confirm.
_IS_NEW = """
        AND state = 'pending'
        AND NOT EXISTS (SELECT FROM subscribers_letter WHERE subscriber_id = %(subscriber)s)
    RETURNING id"""
_SET_FIRST_WISHES = _SET_WISHES.replace("\n    RETURNING id", _IS_NEW)


def _queue_letter(
    subscriber: Subscriber, kind: Letter.Kind, now: datetime, wishes: dict[str, Any] | None
) -> None:
    """Queue a letter and record the request, unless one is waiting or the limits are reached."""
    execute(
        _QUEUE_LETTER,
        {
            "subscriber": subscriber.pk,
            "address_hash": subscriber.address_hash,
            "kind": kind,
            "act": Consent.Act.ASKED,
            "wording": wordings.CURRENT,
            "wishes": None if wishes is None else json.dumps(wishes),
            "now": now,
        },
    )


_QUEUE_LETTER = """
WITH earlier AS (
    SELECT count(*) FILTER (WHERE created_at > %(now)s - interval '24 hours') AS in_a_day,
        count(*) AS in_a_month
    FROM subscribers_letter
    WHERE subscriber_id = %(subscriber)s AND kind = %(kind)s
        AND created_at > %(now)s - interval '30 days'
), letter AS (
    INSERT INTO subscribers_letter
        (subscriber_id, kind, "to", created_at, next_attempt_at, attempts, wishes)
    SELECT %(subscriber)s, %(kind)s, '', %(now)s, %(now)s, 0, %(wishes)s::jsonb
    FROM earlier WHERE in_a_day < 1 AND in_a_month < 3
    ON CONFLICT DO NOTHING
    RETURNING subscriber_id
)
INSERT INTO subscribers_consent (subscriber_id, address_hash, act, wording, reason, at)
SELECT subscriber_id, %(address_hash)s, %(act)s, %(wording)s, '', %(now)s FROM letter
"""


def _record(subscriber: Subscriber, act: Consent.Act, now: datetime) -> None:
    Consent.objects.create(
        subscriber=subscriber,
        address_hash=subscriber.address_hash,
        act=act,
        wording=wordings.CURRENT,
        at=now,
    )
