"""Everything that is known about a reader, for the reader."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q

from subscribers.models import Consent, Link, Subscriber, Subscription, Suppression

# What other apps know, by sections. They register here, for this one does not know them.
Contributor = Callable[[Subscriber], dict[str, Any]]
contributors: list[Contributor] = []


def contributes(contributor: Contributor) -> Contributor:
    """Have what this function answers be in every reader's download."""
    contributors.append(contributor)
    return contributor


def everything_about(subscriber: Subscriber) -> dict[str, Any]:
    """All that is kept of the reader, in plain values that become JSON.

    Of links their hashes are left out: they say nothing, and open nothing.
    """
    known: dict[str, Any] = {
        "reader": _reader(subscriber),
        "topics": _topics(subscriber),
        "terms": list(
            subscriber.terms.order_by("pk").values("kind", "text", "is_muted"),
        ),
        "consents": list(
            Consent.objects.filter(
                Q(subscriber=subscriber) | Q(address_hash=subscriber.address_hash)
            )
            .order_by("pk")
            .values("act", "at", "wording", "reason")
        ),
        "letters": list(
            subscriber.letters.order_by("pk").values("kind", "to", "created_at", "sent_at")
        ),
        "links": list(
            Link.objects.filter(subscriber=subscriber)
            .order_by("pk")
            .values("purpose", "created_at", "expires_at")
        ),
        "suppressions": list(
            Suppression.objects.filter(address_hash=subscriber.address_hash).values(
                "reason", "created_at"
            )
        ),
    }
    for contribute in contributors:
        known |= contribute(subscriber)
    return known


def _reader(subscriber: Subscriber) -> dict[str, Any]:
    left_out = {"id", "links_epoch"}
    return {
        field.name: field.value_from_object(subscriber)
        for field in subscriber._meta.concrete_fields
        if field.name not in left_out
    }


def _topics(subscriber: Subscriber) -> list[dict[str, str]]:
    rows = Subscription.objects.filter(subscriber=subscriber).select_related("topic")
    return [
        {"topic": row.topic.label, "emphasis": row.get_emphasis_display()}
        for row in rows.order_by("topic__position", "topic__name")
    ]
