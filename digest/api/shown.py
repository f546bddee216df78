"""Rows as the API shows them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from digest.desk.words import skip_words
from digest.models import Digest, Scope, Token
from subscribers.models import Subscriber, Subscription, Suppression, Term
from subscribers.wishes import terms

from .schemas import Json

EMPHASES = {
    Subscription.Emphasis.MUTED.value: "never",
    Subscription.Emphasis.LESS.value: "less",
    Subscription.Emphasis.NORMAL.value: "follow",
    Subscription.Emphasis.MORE.value: "more",
}
_PLAIN = (
    *("id", "state", "zone", "hour", "frequency", "weekday", "length", "language"),
    *("is_exploring", "paused_until", "next_due_at", "created_at", "confirmed_at"),
    "unsubscribed_at",
)
_WORDS: Mapping[str, tuple[str, bool]] = {
    "keywords": (Term.Kind.KEYWORD, False),
    "muted_keywords": (Term.Kind.KEYWORD, True),
    "authors": (Term.Kind.AUTHOR, False),
    "muted_authors": (Term.Kind.AUTHOR, True),
}


def readers(rows: Sequence[Subscriber], token: Token) -> list[Json]:
    """Show readers, with two queries however many there are."""
    suppressed = dict(
        Suppression.objects.filter(address_hash__in=[row.address_hash for row in rows]).values_list(
            "address_hash", "reason"
        )
    )
    topics = _topics(row.pk for row in rows)
    sees_addresses = Scope.READ_ADDRESSES in token.scopes
    return [
        {
            **{name: getattr(row, name) for name in _PLAIN},
            "email": row.email if sees_addresses else row.masked_email,
            "suppressed": suppressed.get(row.address_hash),
            "topics": topics.get(row.pk, {}),
        }
        for row in rows
    ]


def reader(row: Subscriber, token: Token) -> Json:
    """Show one reader, with the words that they follow and mute."""
    texts = terms.texts_of(row)
    (shown,) = readers([row], token)
    return shown | {name: list(texts.get(kind, ())) for name, kind in _WORDS.items()}


def _topics(ids: Iterable[int]) -> Mapping[int, Mapping[str, str]]:
    found: dict[int, dict[str, str]] = {}
    theirs = Subscription.objects.filter(subscriber__in=list(ids)).order_by("topic__slug")
    for pk, slug, emphasis in theirs.values_list("subscriber_id", "topic__slug", "emphasis"):
        found.setdefault(pk, {})[slug] = EMPHASES[emphasis]
    return found


def digest(row: Digest) -> Json:
    names = ("state", "due_at", "attempts", "handed_over_at", "mail_service")
    plain: dict[str, Any] = {name: getattr(row, name) for name in names}
    return plain | {
        "id": row.uuid.hex,
        "subscriber": row.subscriber_id,
        "date": row.local_date,
        "edition": row.edition.date if row.edition else None,
        "reason": row.skip_reason,
        "words": skip_words(row.skip_reason) if row.skip_reason else row.error,
        "papers": row.paper_ids,
    }
