"""Topics, which readers follow and papers are matched to."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from ninja import Router, Status

from digest.models import Scope
from subscribers.models import Topic

from .access import Bearer, Request, record
from .paging import Cursor, Limit, Page, cursor_of, keys_of, number, paged
from .problems import Problem, check_given, not_found, of_model
from .schemas import Json, Slug, TopicChange, TopicIn, TopicOut

router = Router(tags=["Topics"])
_READ, _WRITE = Bearer(Scope.READ_TOPICS), Bearer(Scope.WRITE_TOPICS)


@router.get("", auth=_READ, response=Page[TopicOut], summary="List topics")
def list_topics(request: Request, limit: Limit = 50, cursor: Cursor = "") -> Json:
    """Topics in the order in which they were made, also those that are not offered any more."""
    rows = Topic.objects.order_by("pk")
    if last := keys_of(cursor, number):
        rows = rows.filter(pk__gt=last[0])
    page, following = paged(rows, limit, lambda row: cursor_of(row.pk))
    return {"items": page, "next": following}


@router.get("/{slug}", auth=_READ, response={200: TopicOut, 404: Problem}, summary="One topic")
def get_topic(request: Request, slug: Slug) -> Topic:
    return _find(slug)


@router.put(
    "/{slug}", auth=_WRITE, response={200: TopicOut, 201: TopicOut}, summary="Create a topic"
)
def put_topic(request: Request, slug: Slug, wanted: TopicIn) -> Status[Topic]:
    """Create the topic, or make an existing one this. Safe to repeat.

    Papers are matched to its name, description and terms. In the admin, *Preview* shows which.
    """
    with transaction.atomic():
        topic = Topic.objects.select_for_update().filter(slug=slug).first()
        is_new = topic is None
        topic = _store(request, topic or Topic(slug=slug), wanted.dict(), is_new=is_new)
    return Status(201 if is_new else 200, topic)


@router.patch(
    "/{slug}", auth=_WRITE, response={200: TopicOut, 404: Problem}, summary="Change a topic"
)
def change_topic(request: Request, slug: Slug, wanted: TopicChange) -> Topic:
    changes = wanted.dict(exclude_unset=True)
    check_given(changes)
    with transaction.atomic():
        topic = Topic.objects.select_for_update().filter(slug=slug).first()
        if topic is None:
            raise not_found("topic")
        return _store(request, topic, changes, is_new=False)


def _store(request: Request, topic: Topic, fields: dict[str, Any], *, is_new: bool) -> Topic:
    changed = [name for name, value in fields.items() if getattr(topic, name) != value]
    for name in changed:
        setattr(topic, name, fields[name])
    try:
        topic.full_clean(validate_unique=is_new)
    except ValidationError as error:
        raise of_model(error) from error
    if changed or is_new:
        topic.save()
    act = "topic.create" if is_new else "topic.change"
    record(request, act, on=topic, did_change=bool(changed or is_new), fields=changed)
    return topic


def _find(slug: str) -> Topic:
    topic = Topic.objects.filter(slug=slug).first()
    if topic is None:
        raise not_found("topic")
    return topic
