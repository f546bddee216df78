"""Taking out of the digests of a reader who goes whatever is about that reader."""

from collections.abc import Collection

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Q

from digest.models import Click, Digest, Event
from subscribers.models import Subscriber


def forget(subscriber_id: int, address_hashes: Collection[str]) -> None:
    """Leave of the reader's digests only that they were sent, when, and what became of them.

    What operators did to the reader in the admin is forgotten, too.
    `address_hashes` are those of all addresses the reader has had. Call it while the reader is
    locked and still there. Safe to repeat.
    """
    digests = Digest.objects.filter(subscriber=subscriber_id)
    Click.objects.filter(digest__in=digests).delete()
    events = Event.objects.filter(Q(digest__in=digests) | Q(address_hash__in=address_hashes))
    events.update(address_hash="", message_id="", detail="")
    of_readers = ContentType.objects.get_for_model(Subscriber)
    LogEntry.objects.filter(content_type=of_readers, object_id=str(subscriber_id)).delete()
    digests.update(
        paper_ids=[], reasons=[], contributions=[], chosen_by=None, error="", message_id=""
    )
