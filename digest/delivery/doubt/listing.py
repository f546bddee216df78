"""The digests that nobody knows the fate of, for a person to look at."""

from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from digest.models import Digest


def doubtful(*, within: timedelta) -> QuerySet[Digest]:
    """The digests handed over `within` this time that are in doubt or assumed sent, oldest first.

    Their readers may have got nothing. Those in doubt may still be settled; those assumed sent only
    by an event of the mail service.
    """
    digests = Digest.objects.filter(
        state__in=(Digest.State.UNCERTAIN, Digest.State.ASSUMED), handed_over_at__gt=Now() - within
    )
    return digests.order_by("handed_over_at", "id")
