"""Moving a reader to another address, once somebody who reads that mailbox has confirmed it."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from subscribers import addresses, links, sign_offs
from subscribers.addresses import Address
from subscribers.leaving import suppression
from subscribers.models import Consent, Letter, Link, Subscriber

_A_DAY = timedelta(days=1)
CHANGES_A_DAY = 3
# Unconfirmed addresses are deleted after this time, well after their links have expired.
_KEPT_FOR = timedelta(days=7)


class AddressTaken(Exception):
    """The new address belongs to an active reader. Say so only to somebody who reads its mail."""


@transaction.atomic
def start(subscriber: Subscriber, address: Address, now: datetime) -> None:
    """Queue a letter that asks the new address to confirm. Nothing changes until it does.

    The steps are the same whoever the address belongs to, so that the page reveals nothing. Whether
    mail may go there is checked when the letter goes out. Three requests a day allow for typos.
    """
    reader = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    asked = Letter.objects.filter(subscriber=reader, kind=Letter.Kind.CHANGE)
    if asked.filter(created_at__gt=now - _A_DAY).count() >= CHANGES_A_DAY:
        return
    # A link sent to an address entered earlier must not confirm this one.
    Link.objects.filter(subscriber=reader, purpose=Link.Purpose.CHANGE).delete()
    asked.waiting().update(given_up_at=now)
    reader.new_email = address.deliver_to
    reader.save(update_fields=["new_email"])
    Letter.objects.create(
        subscriber=reader,
        kind=Letter.Kind.CHANGE,
        to=address.deliver_to,
        created_at=now,
        next_attempt_at=now,
    )


@transaction.atomic
def link_for(letter: Letter, now: datetime) -> str | None:
    """Return a new confirmation link for this letter, or None if the reader has since moved on."""
    reader = Subscriber.objects.select_for_update().get(pk=letter.subscriber_id)
    if reader.new_email != letter.to:
        return None
    return links.issue(reader, Link.Purpose.CHANGE, links.CHANGE_LIFETIME, now)


@transaction.atomic
def confirm(link: Link, now: datetime) -> Subscriber:
    """Switch the reader to the new address, queue a letter to the old one, and return the reader.

    Safe to repeat: a second call succeeds and changes nothing. Remains of an earlier sign-up with
    the new address are taken over. Raises `AddressTaken` if an active reader has the address, and
    `BadLink` if it is suppressed or the reader has left or been erased.
    """
    new_email = link.subscriber.new_email
    if new_email:
        # Takes locks in the same order as a complaint does, so that the two cannot deadlock.
        suppression.lift_bounce(addresses.hashed(new_email))
    reader = Subscriber.objects.select_for_update().active().filter(pk=link.subscriber_id).first()
    if reader is None or reader.new_email != new_email:
        raise links.BadLink
    if not new_email:
        return reader
    new_hash = addresses.hashed(new_email)
    if suppression.is_suppressed(new_hash):
        raise links.BadLink
    # The way out of the former mailbox, which its letter names.
    links.ensure([reader], now)
    _take_over_earlier(reader, new_hash)
    _notify_old_address(reader, reader.email, now)
    sign_offs.note(reader.address_hash, sign_offs.MOVED, now)
    sign_offs.note(new_hash, sign_offs.BACK, now)
    reader.email, reader.address_hash, reader.new_email = new_email, new_hash, ""
    # Whoever reads the old mailbox may stop the mail, and nothing else.
    links.revoke_all_but_leaving(reader, keep=link)
    try:
        with transaction.atomic():
            reader.save(
                update_fields=[
                    *("email", "address_hash", "new_email"),
                    *("links_generation", "links_epoch"),
                ]
            )
    except IntegrityError as error:
        raise AddressTaken from error  # somebody signed up with it just now
    links.ensure([reader], now)
    Consent.objects.create(
        subscriber=reader, address_hash=new_hash, act=Consent.Act.CHANGED, at=now
    )
    return reader


@transaction.atomic
def forget_stale(now: datetime, limit: int) -> int:
    """Delete old letters about address changes, and the unconfirmed addresses they went to.

    Deletes up to `limit` letters and returns how many. Safe to repeat and to run twice at once.
    """
    kinds = [Letter.Kind.CHANGE, Letter.Kind.CHANGED]
    old = Letter.objects.filter(kind__in=kinds, created_at__lte=now - _KEPT_FOR)
    ids = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
    recent = Letter.objects.filter(
        subscriber=OuterRef("pk"), kind=Letter.Kind.CHANGE, created_at__gt=now - _KEPT_FOR
    )
    Subscriber.objects.filter(~Exists(recent), letters__in=ids).update(new_email="")
    Letter.objects.filter(pk__in=ids).delete()
    return len(ids)


def is_taken(subscriber: Subscriber, address_hash: str) -> bool:
    """Return whether another active reader has this address."""
    others = Subscriber.objects.active().exclude(pk=subscriber.pk)
    return others.filter(address_hash=address_hash).exists()


def _take_over_earlier(reader: Subscriber, address_hash: str) -> None:
    """Take over the remains of an earlier sign-up with the address. Raises `AddressTaken`."""
    earlier = (
        Subscriber.objects.select_for_update()
        .filter(address_hash=address_hash)
        .exclude(pk=reader.pk)
        .first()
    )
    if earlier is None:
        return
    if earlier.state == Subscriber.State.ACTIVE:
        raise AddressTaken
    # The ways out in mails to that sign-up go on working. From now on they stop this reader.
    leaving = [Link.Purpose.UNSUBSCRIBE, Link.Purpose.REFUSE]
    Link.objects.filter(subscriber=earlier, purpose__in=leaving).update(subscriber=reader)
    Consent.objects.filter(subscriber=earlier).update(subscriber=reader)
    earlier.delete()


def _notify_old_address(reader: Subscriber, old_email: str, now: datetime) -> None:
    """Queue a letter that tells the old address about the change."""
    Letter.objects.waiting().filter(subscriber=reader, kind=Letter.Kind.CHANGED).update(
        given_up_at=now
    )
    Letter.objects.create(
        subscriber=reader,
        kind=Letter.Kind.CHANGED,
        to=old_email,
        created_at=now,
        next_attempt_at=now,
    )
