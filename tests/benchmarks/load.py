"""Readers by the hundred thousand, loaded with COPY so that it takes less time than sending."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from django.db import connection
from django.utils import timezone

from digest.models import Digest, Edition, Paper
from subscribers import links
from subscribers.models import Subscriber, Topic
from tests.factories import abstract_of, make_edition, make_paper, starter_topics

CANDIDATES = 60


def fresh_edition(chance: Random) -> Edition:
    """Create the only edition, with sixty papers, each on two of the starter topics."""
    topics = starter_topics()
    Digest.objects.all().delete()
    Edition.objects.all().delete()
    Paper.objects.all().delete()
    papers = [
        make_paper(
            title=f"On the {number}th of sixty questions about learning from less",
            abstract=abstract_of(number, sentences=5),
            votes=chance.randrange(80),
        )
        for number in range(CANDIDATES)
    ]
    edition = make_edition(papers)
    for candidate in edition.candidates.all():
        fits = {str(topic.pk): chance.uniform(0.1, 1) for topic in chance.sample(topics, 2)}
        candidate.fits = fits
        candidate.save(update_fields=["fits"])
    return edition


def fresh_readers(number: int, chance: Random) -> None:
    """Replace all readers with `number` active ones who are due and follow three topics each."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE subscribers_subscriber CASCADE")
        _copy(cursor, Subscriber._meta.db_table, _SUBSCRIBER, _readers(number))
        topics = list(Topic.objects.values_list("pk", flat=True))
        _copy(
            cursor,
            "subscribers_subscription",
            ("subscriber_id", "topic_id"),
            (
                (reader, topic)
                for reader in range(1, number + 1)
                for topic in chance.sample(topics, 3)
            ),
        )
        cursor.execute("ANALYZE")


_SUBSCRIBER = [
    *("id", "email", "address_hash", "state", "zone", "hour", "frequency", "weekday", "length"),
    *("next_due_at", "links_epoch", "created_at", "confirmed_at"),
]


def _readers(number: int) -> Iterator[tuple[Any, ...]]:
    now = timezone.now()
    due = now - timedelta(minutes=1)
    for pk in range(1, number + 1):
        email = f"reader{pk}@dest.example"
        address_hash = hashlib.sha256(email.encode()).hexdigest()
        row = (pk, email, address_hash, "active", "Europe/Lisbon", 7, "daily", 0, 10)
        # As if they had received a digest this month, because links are stored once a month.
        yield (*row, due, links.epoch(now), now, now)


def _copy(cursor: Any, table: str, columns: Any, rows: Iterator[tuple[Any, ...]]) -> None:
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
