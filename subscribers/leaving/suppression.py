"""Addresses that get no mail, whoever asks. Only their keyed hashes are stored."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from subscribers import links, sign_offs
from subscribers.models import Consent, Subscriber, Suppression

from .unsubscribe import unsubscribe

# A complaint outweighs a decision by an operator or the address's owner, which outweighs a bounce.
_WEIGHTS = {
    Suppression.Reason.BOUNCED.value: 0,
    Suppression.Reason.REFUSED.value: 1,
    Suppression.Reason.MANUAL.value: 1,
    Suppression.Reason.COMPLAINED.value: 2,
}


def is_suppressed(address_hash: str) -> bool:
    """Return whether digests to this address are forbidden."""
    return Suppression.objects.filter(address_hash=address_hash).exists()


def is_forbidden(address_hash: str) -> bool:
    """Return whether even letters are forbidden, because somebody does not want our mail.

    Letters may go to a bounced address: confirming again is how its reader comes back.
    """
    return (
        Suppression.objects.filter(address_hash=address_hash)
        .exclude(reason=Suppression.Reason.BOUNCED)
        .exists()
    )


@transaction.atomic
def suppress(address_hash: str, reason: Suppression.Reason, now: datetime) -> Suppression:
    """Suppress the address and return the row. The weightier of the old and new reasons is kept.

    Unless it bounced, the address's confirmation links stop working. A complaint also unsubscribes
    the reader. Safe to repeat.
    """
    suppression, is_new = Suppression.objects.select_for_update().get_or_create(
        address_hash=address_hash, defaults={"reason": reason, "created_at": now}
    )
    if not is_new and _WEIGHTS[reason] > _WEIGHTS[suppression.reason]:
        suppression.reason, is_new = reason, True
        suppression.save(update_fields=["reason"])
    if suppression.imported_with_id is not None:
        suppression.imported_with = None
        suppression.save(update_fields=["imported_with"])
    if is_new:
        sign_offs.note(address_hash, sign_offs.SUPPRESSED, now, reason)
    if reason != Suppression.Reason.BOUNCED:
        _stop(address_hash, reason, now)
    return suppression


def _stop(address_hash: str, reason: Suppression.Reason, now: datetime) -> None:
    """Do to the reader with this address, if there is one, what somebody's wish asks for."""
    # Locked before the links, as in ``erasing``.
    locked = Subscriber.objects.select_for_update(no_key=True)
    subscriber = locked.filter(address_hash=address_hash).first()
    if subscriber is None:
        return
    links.revoke_confirmations(subscriber)
    if reason == Suppression.Reason.COMPLAINED:
        unsubscribe(subscriber, Consent.Act.COMPLAINED, now)


def lift_bounce(address_hash: str) -> None:
    """Remove a suppression for a bounce, because the address works. Other reasons stay."""
    bounced = Suppression.objects.filter(reason=Suppression.Reason.BOUNCED)
    lift(bounced.filter(address_hash=address_hash))


@transaction.atomic
def lift(suppressions: QuerySet[Suppression]) -> int:
    """Remove these suppressions. Returns how many there were."""
    found = dict(suppressions.select_for_update().values_list("pk", "address_hash"))
    sign_offs.note_all(found.values(), sign_offs.LIFTED, timezone.now())
    return Suppression.objects.filter(pk__in=found).delete()[0]
