"""A real day's papers, a thousand readers, a real SMTP conversation: the ledgers agree."""

import gzip
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from digest.delivery import plan
from digest.delivery.run import deliver
from digest.models import Digest, Edition
from digest.papers import editions, intake
from digest.ranking.weights import CLEAR_TOPIC
from digest.sources import get_source
from subscribers.models import Subscriber, Subscription, Topic
from tests.contract import check_digest
from tests.factories import build_reader, starter_topics
from tests.smtp_sink import Sink

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"
LISTED = SHARED / "hf_daily_papers.jsonl.gz"
DAY = "2026-04-15"
READERS = 1000

State = Digest.State


def as_the_api_says(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the collection in the shape of the API that it was collected from."""
    return {
        "title": row["title"],
        "publishedAt": row["published"],
        "numComments": row["comments"],
        "paper": {
            "id": row["id"],
            "title": row["title"],
            "summary": row["abstract"],
            "authors": [{"name": name} for name in row["authors"]],
            "publishedAt": row["published"],
            "upvotes": row["upvotes"],
        },
    }


def store_the_day() -> int:
    with gzip.open(LISTED, "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if row["list_date"] == DAY]
    body = json.dumps([as_the_api_says(row) for row in rows]).encode()
    answer = get_source("huggingface").parse(body)
    return intake.store("huggingface", answer, seen_at=timezone.now()).new


def sign_up_a_thousand(topics: list[Topic]) -> None:
    chance = random.Random(20261122)
    readers = [
        build_reader(length=chance.randint(3, 20), hour=chance.randrange(24))
        for _ in range(READERS)
    ]
    Subscriber.objects.bulk_create(readers)
    Subscription.objects.bulk_create(
        Subscription(subscriber=reader, topic=topic)
        for reader in readers
        for topic in chance.sample(topics, chance.randint(1, 5))
    )


@pytest.mark.skipif(not LISTED.exists(), reason="the collection of real papers is not here")
@pytest.mark.django_db(transaction=True)
def test_a_real_day_reaches_a_thousand_readers_once_each(sink: Sink) -> None:
    topics = starter_topics()
    assert store_the_day() > 10
    edition = editions.close(timezone.now().date(), now=timezone.now())
    assert isinstance(edition, Edition)
    sign_up_a_thousand(topics)

    assert plan.plan_due() == READERS
    deliver(seconds=600)

    mails = Counter(message.recipients[0] for message in sink.messages)
    sent = Digest.objects.filter(state=State.SENT).select_related("subscriber")
    assert mails == Counter(digest.subscriber.email for digest in sent if digest.subscriber)
    assert set(mails.values()) == {1}
    states = Counter(Digest.objects.values_list("state", flat=True))
    assert set(states) <= {State.SENT, State.SKIPPED}
    assert states.total() == READERS
    assert states[State.SENT] > READERS // 2
    for received in sink.messages:
        message = check_digest(received.content)
        assert message["To"].addresses[0].addr_spec == received.recipients[0]


@pytest.mark.skipif(not LISTED.exists(), reason="the collection of real papers is not here")
@pytest.mark.django_db(transaction=True)
def test_every_reason_is_true(sink: Sink) -> None:
    topics = starter_topics()
    store_the_day()
    editions.close(timezone.now().date(), now=timezone.now())
    sign_up_a_thousand(topics)
    plan.plan_due()
    deliver(seconds=600)

    followed = set(Subscription.objects.values_list("subscriber_id", "topic_id"))
    fits = {c.paper_id: c.fits for c in Edition.objects.get().candidates.all()}
    for digest in Digest.objects.filter(state=State.SENT):
        for paper_id, reason in zip(digest.paper_ids, digest.reasons, strict=True):
            kind, _, value = reason.partition(":")
            if kind == "topic":
                assert (digest.subscriber_id, int(value)) in followed
                assert fits[paper_id][value] >= CLEAR_TOPIC
            else:
                mine = {str(topic) for reader, topic in followed if reader == digest.subscriber_id}
                clear = [t for t in mine if fits[paper_id].get(t, 0) >= CLEAR_TOPIC]
                # What everyone reads has a place of its own, whatever it is about.
                assert kind == "votes" or not clear, (reason, clear)
