"""Asking for digests, and proving that the address is one's own (double opt-in)."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from subscribers import addresses, links, schedule, suppression
from subscribers.addresses import Address
from subscribers.models import Consent, Letter, Link, Subscriber, Subscription, Topic

# The version of the words on the sign-up form: change it when what people agree to changes.
WORDING = "signup-1"
LETTER_EVERY = timedelta(hours=24)


@transaction.atomic
def start_signup(
    address: Address, topics: Iterable[Topic], zone: str, now: datetime
) -> Letter | None:
    """Note that somebody entered this address, and return the letter that has to go out, if any.

    Nobody is subscribed by this, and what an active reader set does not change: anybody can
    enter any address. The address gets one letter of a kind a day at most, and none at all if
    its owner complained of us. Safe to run twice at once.
    """
    address_hash = addresses.hashed(address.canonical)
    if suppression.is_forbidden(address_hash):
        return None
    subscriber = _found_or_made(address, address_hash, zone, now)
    is_reached = not suppression.is_suppressed(address_hash)
    if subscriber.state == Subscriber.State.ACTIVE and is_reached:
        return _letter(subscriber, Letter.Kind.KNOWN, now)
    if subscriber.state != Subscriber.State.ACTIVE:
        _replace_wishes(subscriber, topics, zone)
    letter = _letter(subscriber, Letter.Kind.CONFIRM, now)
    if letter is not None:
        _record(subscriber, Consent.Act.ASKED, now)
    return letter


@transaction.atomic
def confirm(link: Link, now: datetime) -> Subscriber:
    """Make the reader active, from the link that only their mailbox had.

    A repeat is a success that changes nothing. A bounce is forgotten, because the address
    evidently works.
    """
    # In the order in which a complaint takes its locks, so that the two never block each other.
    suppression.lift_bounce(link.subscriber.address_hash)
    subscriber = Subscriber.objects.select_for_update().get(pk=link.subscriber_id)
    if subscriber.state == Subscriber.State.ACTIVE:
        return subscriber
    subscriber.state = Subscriber.State.ACTIVE
    subscriber.confirmed_at = now
    subscriber.unsubscribed_at = None
    subscriber.next_due_at = schedule.next_due_of(subscriber, now)
    subscriber.save(update_fields=["state", "confirmed_at", "unsubscribed_at", "next_due_at"])
    _record(subscriber, Consent.Act.CONFIRMED, now)
    links.ensure([subscriber], now)
    return subscriber


def _found_or_made(address: Address, address_hash: str, zone: str, now: datetime) -> Subscriber:
    """The subscriber of this address, locked until the end of the transaction."""
    Subscriber.objects.bulk_create(
        [
            Subscriber(
                email=address.deliver_to, address_hash=address_hash, zone=zone, created_at=now
            )
        ],
        ignore_conflicts=True,  # whoever comes second waits here, then finds the first's row
    )
    return Subscriber.objects.select_for_update().get(address_hash=address_hash)


def _replace_wishes(subscriber: Subscriber, topics: Iterable[Topic], zone: str) -> None:
    Subscriber.objects.filter(pk=subscriber.pk).update(zone=zone)
    replace_topics(subscriber, topics)


def replace_topics(subscriber: Subscriber, topics: Iterable[Topic]) -> None:
    """Make these the topics that the subscriber follows, and no other."""
    wanted = list(topics)
    subscriptions = Subscription.objects.filter(subscriber=subscriber)
    subscriptions.exclude(topic__in=wanted).delete()
    Subscription.objects.bulk_create(
        [Subscription(subscriber=subscriber, topic=topic) for topic in wanted],
        ignore_conflicts=True,
    )


def _letter(subscriber: Subscriber, kind: Letter.Kind, now: datetime) -> Letter | None:
    """A new waiting letter, or None when one went out within the day or waits already."""
    letters = Letter.objects.filter(subscriber=subscriber, kind=kind)
    if letters.filter(created_at__gt=now - LETTER_EVERY).exists() or letters.waiting().exists():
        return None
    return Letter.objects.create(
        subscriber=subscriber, kind=kind, created_at=now, next_attempt_at=now
    )


def _record(subscriber: Subscriber, act: Consent.Act, now: datetime) -> None:
    Consent.objects.create(
        subscriber=subscriber,
        address_hash=subscriber.address_hash,
        act=act,
        wording=WORDING,
        at=now,
    )
