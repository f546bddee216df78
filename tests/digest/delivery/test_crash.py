"""The send guarantee against real workers that are killed and a broker that forgets."""

from collections import Counter
from pathlib import Path

import pytest

from digest.models import Digest
from subscribers.models import Subscriber
from tests.factories import build_reader, make_edition
from tests.smtp_sink import Sink
from tests.workers import flush_redis, kill, wait_until, worker

READERS = 1000
CHUNK = 5
POOL = 2
CONNECTIONS = 2

State = Digest.State


def mails_by_reader(sink: Sink) -> Counter[str]:
    return Counter(message.recipients[0] for message in list(sink.messages))


def digests_left() -> int:
    return Digest.objects.filter(state__in=[State.READY, State.SENDING]).count()


def is_everybody_settled() -> bool:
    return Digest.objects.count() == READERS and digests_left() == 0


def readers_in(*states: str) -> set[str]:
    return set(Subscriber.objects.filter(digests__state__in=states).values_list("email", flat=True))


@pytest.mark.django_db(transaction=True)
def test_killed_workers_and_a_flushed_redis_lose_nobody_and_double_nobody(
    sink: Sink, tmp_path: Path
) -> None:
    make_edition()
    Subscriber.objects.bulk_create(build_reader() for _ in range(READERS))
    flush_redis()

    with worker(tmp_path) as first:
        wait_until(lambda: len(sink.messages) > 100, seconds=60, what="the first hundred mails")
        kill(first)
    with worker(tmp_path) as second:
        wait_until(lambda: len(sink.messages) > 300, seconds=60, what="three hundred mails")
        flush_redis()
        wait_until(lambda: len(sink.messages) > 400, seconds=60, what="four hundred mails")
        kill(second)
    assert digests_left() > 0, "the kills came in the middle"
    with worker(tmp_path):
        wait_until(is_everybody_settled, seconds=90, what="every digest to be settled")

    mails = mails_by_reader(sink)
    uncertain = readers_in(State.UNCERTAIN)
    assert [address for address, number in mails.items() if number > 1] == []
    assert readers_in(State.SENT) <= set(mails)
    assert readers_in(State.SENT) | uncertain == readers_in(*State.values)
    assert set(mails) | uncertain == readers_in(*State.values)
    assert len(uncertain) <= 2 * POOL * CONNECTIONS * CHUNK
