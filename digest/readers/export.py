"""Adds what this app knows about a reader, from digests to clicks, to the download of it."""

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from digest.choosing import reasons
from digest.models import AuditEntry, Click, Digest, Event, Paper, Saved, Vote
from subscribers.export import contributes
from subscribers.models import Subscriber, Topic


@contributes
def known_about(subscriber: Subscriber) -> dict[str, Any]:
    """Return what we know about the reader, in the same number of queries for any reader."""
    digests = list(
        Digest.objects.filter(subscriber=subscriber).select_related("edition").order_by("pk")
    )
    papers = Paper.objects.in_bulk({pk for digest in digests for pk in digest.paper_ids})
    names = dict(Topic.objects.values_list("id", "name"))
    return {
        "digests": [_digest(digest, papers, names) for digest in digests],
        "events": list(
            Event.objects.filter(
                # Those without a digest are about letters.
                Q(digest__subscriber=subscriber) | Q(address_hash=subscriber.address_hash)
            )
            .order_by("pk")
            .values("kind", "at", "mail_service", "reject_reason", "detail")
        ),
        "votes": list(
            Vote.objects.filter(subscriber=subscriber)
            .order_by("pk")
            .values("paper__title", "paper__url", "value", "origin", "at")
        ),
        "saved": list(
            Saved.objects.filter(subscriber=subscriber)
            .order_by("pk")
            .values("paper__title", "paper__url", "note", "at")
        ),
        "clicks": list(
            Click.objects.filter(digest__subscriber=subscriber)
            .order_by("pk")
            .values("paper__title", "paper__url", "at", "is_machine")
        ),
        # What operators did about the reader; who it was is not the reader's data.
        "operators": list(
            AuditEntry.objects.filter(kind=subscriber._meta.label_lower, key=str(subscriber.pk))
            .order_by("pk")
            .values("at", "act", "result")
        ),
    }


def _digest(
    digest: Digest, papers: Mapping[int, Paper], names: Mapping[int, str]
) -> dict[str, Any]:
    return {
        "date": digest.local_date,
        "edition": digest.edition.date if digest.edition else None,
        "state": digest.state,
        "skip_reason": digest.skip_reason,
        "due_at": digest.due_at,
        "handed_over_at": digest.handed_over_at,
        "mail_service": digest.mail_service,
        "papers": [
            {
                "title": papers[pk].title,
                "url": papers[pk].url,
                "reason": reasons.words(code, names),
            }
            for pk, code in zip(digest.paper_ids, digest.reasons, strict=True)
            if pk in papers
        ],
    }
