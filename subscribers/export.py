"""Everything we know about a reader, for their own download."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q

from subscribers.models import Consent, Link, Subscriber, Subscription, Suppression

# Functions of other apps that add their sections. They register here, because this app must not
# import them.
_Contributor = Callable[[Subscriber], dict[str, Any]]
_contributors: list[_Contributor] = []


def contributes(contributor: _Contributor) -> _Contributor:
    """Decorator: add the sections this function returns to every reader's download."""
    _contributors.append(contributor)
    return contributor


def everything_about(subscriber: Subscriber) -> dict[str, Any]:
    """Return all data kept about the reader as plain values, ready for JSON.

    Link hashes are left out: they mean nothing to the reader and open nothing.
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
            .values("act", "at", "wording", "reason", "imported_with__basis")
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
    for contribute in _contributors:
        known |= contribute(subscriber)
    return known


def _reader(subscriber: Subscriber) -> dict[str, Any]:
    internal = {"id", "links_epoch"}
    return {
        field.name: field.value_from_object(subscriber)
        for field in subscriber._meta.concrete_fields
        if field.name not in internal
    }


def _topics(subscriber: Subscriber) -> list[dict[str, str]]:
    rows = Subscription.objects.filter(subscriber=subscriber).select_related("topic")
    return [
        {"topic": row.topic.label, "emphasis": row.get_emphasis_display()}
        for row in rows.order_by("topic__position", "topic__name")
    ]
