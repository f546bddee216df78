"""Addresses that must not be written to, whoever asks, known by their keyed hash only."""

from datetime import datetime

from django.db import transaction

from subscribers import links
from subscribers.models import Consent, Subscriber, Suppression

from .unsubscribe import unsubscribe

# A complaint outweighs what an operator or the address's owner decided, and that a bounce.
_WEIGHTS = {
    Suppression.Reason.BOUNCED.value: 0,
    Suppression.Reason.REFUSED.value: 1,
    Suppression.Reason.MANUAL.value: 1,
    Suppression.Reason.COMPLAINED.value: 2,
}


def is_suppressed(address_hash: str) -> bool:
    """Whether no digest may go to this address."""
    return Suppression.objects.filter(address_hash=address_hash).exists()


def is_forbidden(address_hash: str) -> bool:
    """Whether not even a letter may go there: somebody does not want our mail.

    A bounced address may be asked to confirm again; that is how its reader comes back.
    """
    return (
        Suppression.objects.filter(address_hash=address_hash)
        .exclude(reason=Suppression.Reason.BOUNCED)
        .exists()
    )


@transaction.atomic
def suppress(address_hash: str, reason: Suppression.Reason, now: datetime) -> Suppression:
    """Suppress the address for the weightier of this reason and the one it has already.

    A complaint is an unsubscription as well. Safe to repeat.
    """
    suppression, is_new = Suppression.objects.select_for_update().get_or_create(
        address_hash=address_hash, defaults={"reason": reason, "created_at": now}
    )
    if not is_new and _WEIGHTS[reason] > _WEIGHTS[suppression.reason]:
        suppression.reason = reason
        suppression.save(update_fields=["reason"])
    subscriber = Subscriber.objects.filter(address_hash=address_hash).first()
    if subscriber is not None and reason != Suppression.Reason.BOUNCED:
        links.revoke_confirmations(subscriber)
    if subscriber is not None and reason == Suppression.Reason.COMPLAINED:
        unsubscribe(subscriber, Consent.Act.COMPLAINED, now)
    return suppression


def lift_bounce(address_hash: str) -> None:
    """Forget a bounce, because the address evidently works. Other reasons stay."""
    Suppression.objects.filter(
        address_hash=address_hash, reason=Suppression.Reason.BOUNCED
    ).delete()
