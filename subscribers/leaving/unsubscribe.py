"""Stopping all mail to a reader, and taking that back."""

from contextlib import suppress
from datetime import datetime, timedelta

from anymail.inbound import AnymailInboundMessage
from django.conf import settings
from django.db import transaction

from subscribers import links
from subscribers.models import Consent, Link, Subscriber, Suppression
from subscribers.wishes import preferences

# So long a reader who left can come back by one press.
UNDO_FOR = timedelta(days=7)
# What a reader did, as against what their mailbox provider reported or an operator was told.
LEFT_BY_CHOICE = frozenset({Consent.Act.UNSUBSCRIBED, Consent.Act.ONE_CLICK, Consent.Act.BY_MAIL})


@transaction.atomic
def unsubscribe(subscriber: Subscriber, act: Consent.Act, now: datetime) -> bool:
    """Stop all mail to this reader, from now on. Returns whether anything changed.

    Safe to repeat: only the first time leaves a consent row. Digests that wait to be sent are
    skipped at hand-over, where the state is looked at again.
    """
    changed = (
        Subscriber.objects.filter(pk=subscriber.pk)
        .exclude(state=Subscriber.State.UNSUBSCRIBED)
        .update(state=Subscriber.State.UNSUBSCRIBED, next_due_at=None, unsubscribed_at=now)
    )
    if changed:
        Consent.objects.create(
            subscriber=subscriber, address_hash=subscriber.address_hash, act=act, at=now
        )
        links.revoke_confirmations(subscriber)
    return bool(changed)


# --- afterwards ----------------------------------------------------------------------------
def can_resume(subscriber: Subscriber, now: datetime) -> bool:
    """Whether one press may bring the reader back: they were one, and left lately by choice.

    A complaint and a bounce are not theirs to take back here. Who only had a sign-up that they
    never confirmed has nothing to come back to.
    """
    left_at = subscriber.unsubscribed_at
    if subscriber.state != Subscriber.State.UNSUBSCRIBED or not subscriber.confirmed_at:
        return False
    if left_at is None or left_at <= now - UNDO_FOR:
        return False
    if Suppression.objects.filter(address_hash=subscriber.address_hash).exists():
        return False
    last = leaving_of(subscriber)
    return last is not None and last.act in LEFT_BY_CHOICE


@transaction.atomic
def resume(subscriber: Subscriber, now: datetime) -> bool:
    """Take the unsubscribing back, if that `can_resume`. Returns whether anything changed."""
    reader = Subscriber.objects.select_for_update().filter(pk=subscriber.pk).first()
    if reader is None or not can_resume(reader, now):
        return False
    preferences.change(reader, now, state=Subscriber.State.ACTIVE, unsubscribed_at=None)
    Consent.objects.create(
        subscriber=reader, address_hash=reader.address_hash, act=Consent.Act.RESUMED, at=now
    )
    return True


def leaving_of(subscriber: Subscriber) -> Consent | None:
    """The consent row of the reader's last act, if they have left by it."""
    if subscriber.state != Subscriber.State.UNSUBSCRIBED:
        return None
    return Consent.objects.filter(subscriber=subscriber).order_by("-at", "-pk").first()


def give_reason(subscriber: Subscriber, reason: Consent.Reason) -> None:
    """Keep why the reader left, once: nobody who finds the link later can change it."""
    leaving = leaving_of(subscriber)
    if leaving is not None:
        Consent.objects.filter(pk=leaving.pk, reason="").update(reason=reason)


# --- by mail -------------------------------------------------------------------------------
def by_mail(message: AnymailInboundMessage, now: datetime) -> bool:
    """Unsubscribe whoever's token is in the address that this mail went to.

    The token is all that counts: anybody can write any sender into a mail. Answers of machines
    are no wish of a reader and are left alone. Returns whether anything changed.
    """
    if _is_by_a_machine(message):
        return False
    mailbox, _, domain = settings.MAIL_UNSUBSCRIBE.lower().rpartition("@")
    received_at = [message.envelope_recipient, *(to.addr_spec for to in message.to)]
    for address in filter(None, received_at):
        local, _, at = address.rpartition("@")
        name, _, token = local.partition("+")
        if mailbox and (name.lower(), at.lower()) == (mailbox, domain):
            with suppress(links.BadLink):
                link = links.find(token, Link.Purpose.UNSUBSCRIBE, now)
                return unsubscribe(link.subscriber, Consent.Act.BY_MAIL, now)
    return False


def _is_by_a_machine(message: AnymailInboundMessage) -> bool:
    """Whether an answering machine or a mail server wrote it: RFC 3834, RFC 3464, and what
    older programs put into their answers."""
    return (
        message.get("Auto-Submitted", "no").strip().lower() != "no"
        or message.get("Precedence", "").strip().lower() == "auto_reply"
        or message.envelope_sender in {"", "<>"}  # a bounce must not be answered by a bounce
        or any(part.get_content_type() == "message/delivery-status" for part in message.walk())
        or any(name in message for name in ("X-Autoreply", "X-Autorespond"))
    )
