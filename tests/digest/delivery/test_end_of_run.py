"""A run that fails has ended in all its threads, before others read what it has left."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from uuid import uuid4

import pytest
from aiosmtpd.smtp import Envelope
from celery.exceptions import SoftTimeLimitExceeded
from django.db import OperationalError, connection
from pytest_django import Settings

from digest.delivery import plan, routing, run
from digest.delivery.chunks import Chunk
from digest.delivery.connection import Connection
from digest.delivery.doubt import journal
from digest.delivery.leases import Lease
from digest.delivery.run import deliver
from digest.delivery.sender import Sender
from digest.models import Digest
from subscribers.database import fetch
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink, accept
from tests.workers import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
READERS = 30
CHUNK = 10


@pytest.fixture(autouse=True)
def _small(settings: Settings, tmp_path: Path) -> None:
    settings.STATE_FOLDER = tmp_path
    settings.MAIL_CONNECTIONS = 1
    settings.DELIVERY_BATCH = settings.DELIVERY_CHUNK = CHUNK


@pytest.fixture(autouse=True)
def _due() -> None:
    make_edition()
    for _ in range(READERS):
        make_reader()
    plan.plan_due()


def slowly(envelope: Envelope) -> str:
    time.sleep(0.1)
    return accept(envelope)


def in_the_middle(sink: Sink, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have something happen to the run's own thread while its sender hands over a chunk."""
    sink.on_data = slowly
    turns, claim = count(1), run._claim

    def claiming(mail_service: str, limit: int) -> Lease | None:
        if next(turns) == 2:
            wait_until(lambda: len(sink.messages) >= 2, seconds=30, what="two mails")
            act()
        return claim(mail_service, limit)

    monkeypatch.setattr(run, "_claim", claiming)


def lose_the_session() -> None:
    ((ours,),) = fetch("SELECT pg_backend_pid()")

    def end_it() -> None:
        fetch("SELECT pg_terminate_backend(%s, 10000)", [ours])
        connection.close()

    other = threading.Thread(target=end_it)
    other.start()
    other.join()


def run_out_of_time() -> None:
    """Celery raises this in the middle of anything."""
    raise SoftTimeLimitExceeded


def send_the_rest(*sinks: Sink) -> Counter[str]:
    """Do what comes next in this process. Returns the mails by reader."""
    connection.close()
    with ExitStack() as stack:
        for _ in range(10):  # whatever it opens may be given the number of the journal's file
            stack.enter_context(Path(os.devnull).open("ab"))
        deliver(seconds=60)
        time.sleep(0.1 * CHUNK + 0.5)  # whoever still sends has time to do it
    return Counter(mail.recipients[0] for sink in sinks for mail in list(sink.messages))


def senders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sender"]


@pytest.mark.parametrize("act", [lose_the_session, run_out_of_time])
def test_a_run_that_fails_hands_over_nothing_more(
    sink: Sink, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_middle(sink, act, monkeypatch)

    with pytest.raises((OperationalError, SoftTimeLimitExceeded)):
        deliver(seconds=60)

    left = senders()
    assert Counter(send_the_rest(sink).values()) == {1: READERS}
    assert set(Digest.objects.values_list("state", flat=True)) == {State.SENT}
    assert left == []


@pytest.fixture
def second(sink: Sink, settings: Settings) -> Iterator[Sink]:
    """A second mail service beside the sink."""
    with Sink() as running:
        settings.MAIL_SERVICES = {
            name: {
                "BACKEND": "digest.delivery.mail_services.smtp.EmailBackend",
                "OPTIONS": {"host": "127.0.0.1", "port": at.port},
                "WEIGHT": 1,
            }
            for name, at in (("first", sink), ("second", running))
        }
        yield running


def test_a_sender_that_fails_leaves_none_of_another_service_behind(
    sink: Sink, second: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = iter(["first", "second"])
    monkeypatch.setattr(routing, "choose", lambda **_: next(turns, None))
    take = Sender._take

    def failing(sender: Sender, chunk: Chunk, line: Connection) -> None:
        if sender._gate.mail_service == "first":
            raise OperationalError
        take(sender, chunk, line)

    monkeypatch.setattr(Sender, "_take", failing)
    second.on_data = slowly

    with pytest.raises(OperationalError):
        deliver(seconds=60)

    left = [thread for thread in senders() if thread.is_alive()]
    monkeypatch.undo()
    assert Counter(send_the_rest(sink, second).values()) == {1: READERS}
    assert left == []


def test_what_comes_after_a_journal_is_written_nowhere() -> None:
    """Its file's number may be that of a connection by then."""
    with journal.opened() as kept:
        pass

    with Path(os.devnull).open("ab"), pytest.raises(ValueError, match="closed"):
        kept.leased(uuid4())
