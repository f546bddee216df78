"""What a round starts with: one closed edition, and readers who are all due."""

from collections.abc import Iterable
from datetime import timedelta
from random import Random
from typing import Any

from django.db import connection
from django.utils import timezone

from subscribers import addresses
from subscribers.database import execute
from subscribers.models import Topic
from tests.factories import make_edition, make_paper, make_topic

DOMAINS = ("dest.example", "mail.example", "post.example", "box.example")
# One reader in this many has no mailbox any more, or follows a topic that no paper is about.
GONE_EVERY = 97
UNMATCHED_EVERY = 53
SUBSCRIBER = (
    *("id", "email", "address_hash", "state", "zone", "hour", "frequency", "weekday", "length"),
    *("next_due_at", "links_epoch", "created_at", "confirmed_at"),
)


def clear_database() -> None:
    """Delete every reader, digest, edition, paper, hold and back-off."""
    execute(
        "TRUNCATE subscribers_subscriber, subscribers_suppression, subscribers_topic, "
        "digest_edition, digest_paper, digest_hold, digest_backoff CASCADE"
    )


def add_edition(chance: Random) -> tuple[Topic, Topic]:
    """Close an edition. Returns the topic that all its papers fit, and one that none fits."""
    topic, other = make_topic(), make_topic()
    papers = [make_paper(votes=chance.randrange(80)) for _ in range(chance.randint(12, 60))]
    make_edition(papers, fits={topic.pk: 0.8})
    return topic, other


def add_readers(number: int, topic: Topic, other: Topic) -> None:
    """Create `number` readers who are active and due, with IDs from 1 on."""
    ids = range(1, number + 1)
    with connection.cursor() as cursor:
        _copy(cursor, "subscribers_subscriber", SUBSCRIBER, map(_reader, ids))
        _copy(
            cursor,
            "subscribers_subscription",
            ("subscriber_id", "topic_id"),
            ((pk, (topic if pk % UNMATCHED_EVERY else other).pk) for pk in ids),
        )
        cursor.execute("ANALYZE")


def _reader(pk: int) -> tuple[Any, ...]:
    now = timezone.now()
    name = "reader" if pk % GONE_EVERY else "gone"
    email = f"{name}{pk}@{DOMAINS[pk % len(DOMAINS)]}"
    row = (pk, email, addresses.hashed(email), "active", "UTC", 7, "daily", 0, 10)
    return (*row, now - timedelta(minutes=1), "", now, now)


def _copy(cursor: Any, table: str, columns: Iterable[str], rows: Iterable[Any]) -> None:
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
