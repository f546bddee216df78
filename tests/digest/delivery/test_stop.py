"""Workers that are asked to stop in the middle of a run leave nothing in doubt."""

import time
from collections import Counter
from pathlib import Path

import pytest
from aiosmtpd.smtp import Envelope

from digest.models import Digest
from subscribers.models import Subscriber
from tests.factories import build_reader, make_edition
from tests.smtp_sink import Sink, accept
from tests.workers import flush_redis, wait_until, worker

READERS = 2000
# What a service manager waits before it kills.
PATIENCE = 30

State = Digest.State


def states() -> Counter[str]:
    return Counter(Digest.objects.values_list("state", flat=True))


def slowly(envelope: Envelope) -> str:
    """So slow that a run lasts longer than the workers do."""
    time.sleep(0.02)
    return accept(envelope)


@pytest.mark.django_db(transaction=True)
def test_every_worker_that_is_asked_to_stop_ends_in_time_with_nothing_in_doubt(
    sink: Sink, tmp_path: Path
) -> None:
    make_edition()
    Subscriber.objects.bulk_create(build_reader() for _ in range(READERS))
    flush_redis()
    sink.on_data = slowly

    with worker(tmp_path) as first, worker(tmp_path) as second:
        wait_until(lambda: len(sink.messages) > 200, seconds=60, what="two hundred mails")
        for process in (first, second):
            process.terminate()
        for process in (first, second):
            process.wait(PATIENCE)
    stopped, sent = states(), len(sink.messages)
    sink.on_data = accept
    with worker(tmp_path):
        wait_until(lambda: len(sink.messages) >= READERS, seconds=60, what="the others")
        wait_until(lambda: states() == {State.SENT: READERS}, seconds=30, what="their rows")

    assert sent < READERS, "they were stopped in the middle"
    assert (stopped[State.SENT], stopped[State.SENDING], stopped[State.UNCERTAIN]) == (sent, 0, 0)
    assert Counter(m.recipients[0] for m in sink.messages).most_common(1)[0][1] == 1
