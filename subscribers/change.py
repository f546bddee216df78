"""Moving a reader to another address, once the mailbox there has said yes."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from subscribers.addresses import Address
from subscribers.models import Consent, Letter, Link, Subscriber

from . import addresses, links
from .leaving import suppression

A_DAY = timedelta(days=1)
CHANGES_A_DAY = 3
# Longer than its link works, an address that did not say yes is no business of ours.
KEPT_FOR = timedelta(days=7)


class Taken(Exception):
    """The new address gets digests of its own. Tell whoever has its mailbox, and nobody else."""


@transaction.atomic
def start(subscriber: Subscriber, address: Address, now: datetime) -> None:
    """Have a letter ask the new address. Until it says yes nothing changes.

    The same happens whoever's address it is, and so the page tells nothing of it: what may go
    there is asked when the letter goes out. Three a day are enough for all slips of the fingers.
    """
    reader = Subscriber.objects.select_for_update().get(pk=subscriber.pk)
    asked = Letter.objects.filter(subscriber=reader, kind=Letter.Kind.CHANGE)
    if asked.filter(created_at__gt=now - A_DAY).count() >= CHANGES_A_DAY:
        return
    # A link that went to an address entered before must not confirm this one.
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
    """The link by which the letter's addressee says yes; None if something else is asked by now."""
    reader = Subscriber.objects.select_for_update().get(pk=letter.subscriber_id)
    if reader.new_email != letter.to:
        return None
    return links.issue(reader, Link.Purpose.CHANGE, links.CHANGE_LIFETIME, now)


@transaction.atomic
def confirm(link: Link, now: datetime) -> Subscriber:
    """Send digests to the new address from now on, and tell the old one.

    A repeat is a success that changes nothing. What the new address left behind by an earlier
    sign-up becomes the reader's. Raises `Taken` if it is an active reader's, and `BadLink` if
    it is forbidden to write there, or the reader was erased or left.
    """
    new_email = link.subscriber.new_email
    if new_email:
        # In the order in which a complaint takes its locks, so that the two never block.
        suppression.lift_bounce(addresses.hashed(new_email))
    reader = Subscriber.objects.select_for_update().active().filter(pk=link.subscriber_id).first()
    if reader is None or reader.new_email != new_email:
        raise links.BadLink
    if not new_email:
        return reader
    new_hash = addresses.hashed(new_email)
    if suppression.is_suppressed(new_hash):
        raise links.BadLink
    _make_room(reader, new_hash)
    _tell(reader, reader.email, now)
    reader.email, reader.address_hash, reader.new_email = new_email, new_hash, ""
    try:
        with transaction.atomic():
            reader.save(update_fields=["email", "address_hash", "new_email"])
    except IntegrityError as error:
        raise Taken from error  # somebody signed up with it in this very moment
    Consent.objects.create(
        subscriber=reader, address_hash=new_hash, act=Consent.Act.CHANGED, at=now
    )
    return reader


@transaction.atomic
def forget(now: datetime, limit: int) -> int:
    """Forget addresses that did not say yes, and old ones that were told.

    Up to `limit` of them. Answers how many; safe to repeat and to run twice at once.
    """
    kinds = [Letter.Kind.CHANGE, Letter.Kind.CHANGED]
    old = Letter.objects.filter(kind__in=kinds, created_at__lte=now - KEPT_FOR)
    ids = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:limit])
    recent = Letter.objects.filter(
        subscriber=OuterRef("pk"), kind=Letter.Kind.CHANGE, created_at__gt=now - KEPT_FOR
    )
    Subscriber.objects.filter(~Exists(recent), letters__in=ids).update(new_email="")
    Letter.objects.filter(pk__in=ids).delete()
    return len(ids)


def is_taken(subscriber: Subscriber, address_hash: str) -> bool:
    """Whether another active reader has this address."""
    others = Subscriber.objects.active().exclude(pk=subscriber.pk)
    return others.filter(address_hash=address_hash).exists()


def _make_room(reader: Subscriber, address_hash: str) -> None:
    """Take over what is left of an earlier sign-up with the address. Raises `Taken`."""
    earlier = (
        Subscriber.objects.select_for_update()
        .filter(address_hash=address_hash)
        .exclude(pk=reader.pk)
        .first()
    )
    if earlier is None:
        return
    if earlier.state == Subscriber.State.ACTIVE:
        raise Taken
    # The way out in its old mails works for ever; now it is this reader's way out.
    Link.objects.filter(subscriber=earlier, purpose=Link.Purpose.UNSUBSCRIBE).update(
        subscriber=reader
    )
    Consent.objects.filter(subscriber=earlier).update(subscriber=reader)
    earlier.delete()


def _tell(reader: Subscriber, old_email: str, now: datetime) -> None:
    """Have a letter tell the old address."""
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
