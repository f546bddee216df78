"""Readers: found, signed up, changed, stopped, erased."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from ninja import Query, Router, Status

from digest.models import Scope
from subscribers import addresses
from subscribers.forms import zones
from subscribers.forms.partial import partial_form, unknown_topics
from subscribers.importing import single, staging
from subscribers.joining import signup
from subscribers.leaving import erasing, suppression
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Subscriber, Suppression, Topic
from subscribers.views.queueing import send_letters_soon
from subscribers.wishes import preferences
from subscribers.wishes.zones import current_name

from . import shown
from .access import Bearer, Request, record
from .paging import Cursor, Limit, Page, cursor_of, keys_of, number, paged
from .problems import ApiError, Problem, check_given, invalid, not_found
from .schemas import (
    Id,
    Json,
    Preferences,
    SignedUp,
    SignUp,
    State,
    SubscriberDetail,
    SubscriberOut,
)

router = Router(tags=["Subscribers"])
_READ, _WRITE = Bearer(Scope.READ_SUBSCRIBERS), Bearer(Scope.WRITE_SUBSCRIBERS)
SearchedAddress = Annotated[
    str, Query(max_length=320, description="In any spelling; `read:addresses` only.")
]
_ACCEPTED = "If we can send email to this address, a confirmation is on its way."


@router.get("", auth=_READ, response=Page[SubscriberOut], summary="List readers")
def list_subscribers(
    request: Request,
    limit: Limit = 50,
    cursor: Cursor = "",
    state: State | None = None,
    email: SearchedAddress = "",
) -> Json:
    """Readers in the order in which they came, also those who have left."""
    rows = Subscriber.objects.order_by("pk")
    if email:
        rows = rows.filter(address_hash=_hash_of(request, email))
    if state:
        rows = rows.filter(state=state)
    if last := keys_of(cursor, number):
        rows = rows.filter(pk__gt=last[0])
    page, following = paged(rows, limit, lambda row: cursor_of(row.pk))
    return {"items": shown.readers(page, request.auth), "next": following}


@router.get("/{pk}", auth=_READ, response={200: SubscriberDetail, 404: Problem}, summary="One")
def get_subscriber(request: Request, pk: Id) -> Json:
    """A reader with everything that they have set."""
    return shown.reader(_find(pk), request.auth)


@router.post("", auth=_WRITE, response={200: SignedUp, 202: SignedUp}, summary="Sign up")
def sign_up(request: Request, wanted: SignUp) -> Status[Json]:
    """Sign somebody up.

    They get a mail with a link to confirm, once a day at most, and nobody else can confirm for
    them. With a `basis`, somebody who has consented elsewhere becomes a reader at once, by the
    rules of an import: whoever has left, was erased or is suppressed does not come back. Safe to
    repeat.
    """
    address = _address(wanted.email)
    topics = list(Topic.objects.filter(slug__in=wanted.topics))
    zone = current_name(wanted.zone)
    _check_signup(wanted, {topic.slug for topic in topics}, zone)
    now = timezone.now()
    if wanted.basis.strip():
        return _add(request, wanted, address, zone, now)
    with transaction.atomic():
        signup.start_signup(address, topics, zone, now, wanted.language)
        record(request, "subscriber.sign_up", on=None)
        transaction.on_commit(send_letters_soon)
    return Status(202, {"message": _ACCEPTED})


@router.patch(
    "/{pk}", auth=_WRITE, response={200: SubscriberDetail, 404: Problem}, summary="Change"
)
def change_preferences(request: Request, pk: Id, wanted: Preferences) -> Json:
    """Change what a reader wants, by the rules of the page on which they do it themselves."""
    subscriber, now = _find(pk), timezone.now()
    changes = wanted.dict(exclude_unset=True)
    check_given(changes, except_for=("paused_until",))
    if unknown := unknown_topics(changes.get("topics") or {}):
        raise invalid({"body.topics": f"There is no topic {', '.join(unknown)}."})
    form = partial_form(subscriber, preferences.today_of(subscriber, now), changes)
    if not form.is_valid():
        raise invalid(
            {f"body.{name}": " ".join(map(str, said)) for name, said in form.errors.items()}
        )
    with transaction.atomic():
        subscriber = preferences.save_preferences(subscriber, form.wanted(), now)
        record(request, "subscriber.change", on=subscriber, fields=sorted(changes))
    return shown.reader(subscriber, request.auth)


@router.post(
    "/{pk}/unsubscribe", auth=_WRITE, response={200: SubscriberDetail, 404: Problem}, summary="Stop"
)
def unsubscribe_reader(request: Request, pk: Id) -> Json:
    """Stop all mail to this reader. They can sign up again themselves. Safe to repeat."""
    return _act(
        request,
        pk,
        "subscriber.unsubscribe",
        lambda row, now: unsubscribe(row, Consent.Act.BY_PROGRAM, now),
    )


@router.post(
    "/{pk}/suppress",
    auth=_WRITE,
    response={200: SubscriberDetail, 404: Problem},
    summary="Suppress",
)
def suppress_reader(request: Request, pk: Id) -> Json:
    """Have no mail go to this address, whoever asks, until an operator lifts it. Safe to repeat."""
    return _act(request, pk, "subscriber.suppress", _suppress)


@router.delete("/{pk}", auth=_WRITE, response={204: None, 404: Problem}, summary="Erase")
def erase_reader(request: Request, pk: Id) -> Status[None]:
    """Delete the reader and all that belongs to them, for good. A second time it is 404."""
    subscriber = _find(pk)
    with transaction.atomic():
        erasing.erase(subscriber, timezone.now())
        record(request, "subscriber.erase", on=("subscribers.subscriber", pk))
    return Status(204, None)


def _act(request: Request, pk: int, act: str, do: Callable[[Subscriber, datetime], bool]) -> Json:
    subscriber = _find(pk)
    with transaction.atomic():
        did_change = do(subscriber, timezone.now())
        record(request, act, on=subscriber, did_change=did_change)
    return shown.reader(_find(pk), request.auth)


def _suppress(subscriber: Subscriber, now: datetime) -> bool:
    was = suppression.is_forbidden(subscriber.address_hash)
    suppression.suppress(subscriber.address_hash, Suppression.Reason.MANUAL, now)
    return not was


def _add(
    request: Request, wanted: SignUp, address: addresses.Address, zone: str, now: datetime
) -> Status[Json]:
    """Add somebody who has consented elsewhere. What came of it only those are told who may see
    addresses."""
    cells = {
        "email": address.deliver_to,
        "state": "active",
        "zone": zone,
        "hour": str(wanted.hour),
        "language": wanted.language,
        "topics": ";".join(wanted.topics),
    }
    with transaction.atomic():
        judged = single.add(cells, wanted.basis, f"token {request.auth.pk}", now)
        added = Subscriber.objects.filter(address_hash=address.hash).first()
        is_new = judged == "added"
        record(request, "subscriber.add", on=added if is_new else None, did_change=is_new)
    if not {Scope.READ_ADDRESSES, Scope.READ_SUBSCRIBERS} <= set(request.auth.scopes):
        return Status(202, {"message": "Whoever may be a reader now is one."})
    what, why = staging.WHAT[judged]
    said = {"message": f"{what}: {why}", "outcome": judged, "id": added.pk if added else None}
    return Status(200, said)


# --- what was sent -------------------------------------------------------------------------
def _find(pk: int) -> Subscriber:
    found: Subscriber | None = Subscriber.objects.filter(pk=pk).first()
    if found is None:
        raise not_found("reader; they may have been erased")
    return found


def _hash_of(request: Request, email: str) -> str:
    if Scope.READ_ADDRESSES not in request.auth.scopes:
        raise ApiError(403, "Searching by address needs the scope read:addresses.")
    return _address(email, "query.email").hash


def _address(email: str, field: str = "body.email") -> addresses.Address:
    try:
        return addresses.parse(email)
    except addresses.InvalidAddress as error:
        raise invalid({field: str(error)}) from error


def _check_signup(wanted: SignUp, known: set[str], zone: str) -> None:
    wrong = {}
    if unknown := sorted(set(wanted.topics) - known):
        wrong["body.topics"] = f"There is no topic {', '.join(unknown[:5])}."
    if zone not in zones():
        wrong["body.zone"] = "There is no such time zone. Use a name such as Europe/Lisbon."
    if wanted.language not in dict(settings.LANGUAGES):
        wrong["body.language"] = f"Use one of {', '.join(dict(settings.LANGUAGES))}."
    if wrong:
        raise invalid(wrong)
