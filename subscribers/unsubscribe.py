"""Stopping all mail to a reader."""

from contextlib import suppress
from datetime import datetime

from anymail.inbound import AnymailInboundMessage
from django.conf import settings
from django.db import transaction

from subscribers import links
from subscribers.models import Consent, Link, Subscriber


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


def by_mail(message: AnymailInboundMessage, now: datetime) -> bool:
    """Unsubscribe whoever's token is in the address that this mail went to.

    The token is all that counts: anybody can write any sender into a mail. Answers of machines
    (RFC 3834) are no wish of a reader and are left alone. Returns whether anything changed.
    """
    if message.get("Auto-Submitted", "no").lower() != "no":
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
