"""A reader's votes on papers: more like this, or less."""

from collections.abc import Iterable
from datetime import datetime

from digest.models import Digest, Paper, Vote
from subscribers.models import Subscriber


def vote(
    subscriber: Subscriber, paper: Paper, value: Vote.Value, origin: Vote.Origin, now: datetime
) -> Vote:
    """Store the reader's vote on the paper, replacing any earlier one. Safe to repeat."""
    given, _is_new = Vote.objects.update_or_create(
        subscriber=subscriber, paper=paper, defaults={"value": value, "origin": origin, "at": now}
    )
    return given


def store(votes: Iterable[Vote]) -> None:
    """Store votes on different papers, replacing any earlier ones. Safe to repeat."""
    Vote.objects.bulk_create(
        votes,
        update_conflicts=True,
        unique_fields=["subscriber", "paper"],
        update_fields=["value", "origin", "at"],
    )


def undo(subscriber: Subscriber, paper: Paper) -> None:
    """Delete the reader's vote on the paper, if there is one."""
    Vote.objects.filter(subscriber=subscriber, paper=paper).delete()


def digest_with(subscriber: Subscriber, paper_id: int) -> Digest | None:
    """Return the newest digest in which this reader was sent the paper, if there is one."""
    return (
        Digest.objects.filter(subscriber=subscriber, paper_ids__contains=[paper_id])
        .order_by("-local_date")
        .first()
    )
