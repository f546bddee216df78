"""Erasing a reader for good."""

from datetime import datetime

from django.db import transaction

from subscribers import sign_offs
from subscribers.models import Consent, Subscriber


@transaction.atomic
def erase(subscriber: Subscriber, now: datetime) -> None:
    """Delete the reader and everything that belongs to them: preferences, links, letters, votes.

    Digests already sent still count, but no longer point to a reader. Consent rows stay, with the
    keyed hash of the address, as proof that the reader asked for mail and asked us to stop. A
    suppression stays too, so that somebody who complained gets no mail again. Waiting digests are
    skipped at hand-over. Safe to repeat.
    """
    # Everybody locks the reader before the rows that belong to them, so nobody waits in a circle.
    # Locked first of all, the reader can get no new row that the deletion would not see.
    locked = Subscriber.objects.select_for_update().filter(pk=subscriber.pk)
    if reader := locked.only("pk").first():
        # Stored first, so that whoever is told of it is told of whom.
        Consent.objects.create(
            subscriber=reader,
            address_hash=subscriber.address_hash,
            act=Consent.Act.ERASED,
            at=now,
        )
        sign_offs.note(subscriber.address_hash, sign_offs.ERASED, now)
        Subscriber.objects.filter(pk=subscriber.pk).delete()
