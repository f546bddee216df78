"""What the mail services reported."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from django.utils import timezone
from ninja import Query, Router

from digest.models import Event, Scope

from .access import Bearer, Request
from .paging import Cursor, Limit, Page, cursor_of, keys_of, number, paged
from .schemas import EventOut, Json

router = Router(tags=["Events"])
Known = Annotated[
    int, Query(ge=0, le=2**63 - 1, description="The id of the last one that is known.")
]
OfDigest = Annotated[UUID | None, Query(description="A digest's id.")]
_SETTLED = timedelta(seconds=10)


@router.get("", auth=Bearer(Scope.READ_EVENTS), response=Page[EventOut], summary="List events")
def list_events(
    request: Request,
    limit: Limit = 50,
    cursor: Cursor = "",
    after: Known = 0,
    digest: OfDigest = None,
) -> Json:
    """Events in the order in which they came. A program that follows them keeps the id of the last
    one and asks for what came `after` it. An event is listed ten seconds after it came, so that
    none is stored behind one that is listed already."""
    settled = timezone.now() - _SETTLED
    rows = Event.objects.select_related("digest").order_by("pk")
    rows = rows.filter(pk__gt=after, received_at__lt=settled)
    if digest:
        rows = rows.filter(digest__uuid=digest)
    if last := keys_of(cursor, number):
        rows = rows.filter(pk__gt=last[0])
    page, following = paged(rows, limit, lambda row: cursor_of(row.pk))
    return {"items": [_shown(row) for row in page], "next": following}


def _shown(row: Event) -> Json:
    names = ("id", "kind", "mail_service", "reject_reason", "is_permanent", "at", "received_at")
    return {name: getattr(row, name) for name in names} | {
        "digest": row.digest.uuid.hex if row.digest else None
    }
