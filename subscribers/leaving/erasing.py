"""Forgetting a reader, for ever."""

from datetime import datetime

from django.db import transaction

from subscribers.models import Consent, Subscriber


@transaction.atomic
def erase(subscriber: Subscriber, now: datetime) -> None:
    """Delete the reader and all that hangs on them: wishes, links, letters, votes.

    What was sent is counted on, but belongs to nobody. The consents stay with the address's
    keyed hash, as the proof that we were asked and told to stop; a suppression stays, too, so
    that nobody who complained is written to. Digests that wait to be sent are skipped at
    hand-over. Safe to repeat.
    """
    gone, _by_model = Subscriber.objects.filter(pk=subscriber.pk).delete()
    if gone:
        Consent.objects.create(address_hash=subscriber.address_hash, act=Consent.Act.ERASED, at=now)
