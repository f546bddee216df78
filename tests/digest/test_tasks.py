"""The tick and the chains of sending tasks, with real queues and real workers."""

import re
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from celery import Celery
from django.conf import settings
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from deploy import processes
from deploy.celery import app
from deploy.processes import Programs
from digest import tasks
from digest.delivery.limits import places
from digest.desk.today import broker
from digest.models import Digest, Heartbeat
from digest.papers import looking
from subscribers.models import Letter, Subscriber
from subscribers.tasks import send_letters
from tests.factories import build_reader, make_digest, make_edition, make_reader
from tests.smtp_sink import Sink
from tests.workers import environment, flush_redis, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def queued(queue: str) -> int:
    """How many tasks wait in this queue."""
    with Celery(broker=settings.REDIS_URL, set_as_current=False).connection() as broker:
        return int(broker.default_channel.client.llen(queue))


@pytest.fixture(autouse=True)
def _empty_queues(settings: Settings) -> Iterator[None]:
    settings.SOURCES = []
    flush_redis()
    yield
    flush_redis()


def readers(number: int) -> None:
    make_edition()
    Subscriber.objects.bulk_create(build_reader() for _ in range(number))


@contextmanager
def workers_of_make_run(folder: Path, **more: str) -> Iterator[None]:
    """The workers that `make run` starts, without its clock."""
    programs = Programs(folder, environment=environment(**more))
    programs.start("worker", "celery", *processes.worker_arguments("digests", "chores"))
    programs.start("clock worker", "celery", *processes.worker_arguments("ticks", "letters"))
    try:
        yield
    finally:
        programs.stop()


def sent_to(sink: Sink) -> set[str]:
    return {address for message in sink.messages for address in message.recipients}


# --- the tick ------------------------------------------------------------------------------
@pytest.mark.parametrize("broken", [step.__name__ for step in tasks.TICK])
def test_a_step_that_fails_leaves_the_others_and_is_reported(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    done: list[str] = []

    def stand_in(name: str) -> Callable[[], Any]:
        def step() -> None:
            if name == broken:
                raise LookupError("a mistake of ours")
            done.append(name)

        step.__name__ = name
        return step

    names = [step.__name__ for step in tasks.TICK]
    monkeypatch.setattr(tasks, "TICK", tuple(stand_in(name) for name in names))

    with pytest.raises(RuntimeError, match=broken):
        tasks.tick()

    assert done == [name for name in names if name != broken]
    assert f"step {broken} failed: LookupError" in caplog.text


def test_a_source_that_cannot_be_asked_for_does_not_keep_anybody_from_their_digest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any) -> None:
        raise LookupError("a mistake of ours")

    readers(3)
    monkeypatch.setattr(looking, "sources_due", fail)

    with pytest.raises(RuntimeError, match="look_at_sources"):
        tasks.tick()

    assert queued("digests") > 0


@pytest.mark.parametrize("state", [Digest.State.SENDING, Digest.State.READY])
def test_what_a_dead_worker_held_is_looked_after_though_nothing_else_is_ready(state: str) -> None:
    lease = timezone.now() + timedelta(minutes=5)
    held = {"lease_token": uuid4(), "lease_until": lease, "next_attempt_at": lease}
    make_digest(make_edition(), make_reader(next_due_at=lease), state=state, **held)

    tasks.start_senders()

    assert queued("digests") == settings.SENDERS


# --- places --------------------------------------------------------------------------------
def test_ticks_do_not_add_up_to_more_chains_than_places(sink: Sink, settings: Settings) -> None:
    settings.SENDERS = 2
    readers(3)
    for _ in range(60):
        tasks.start_senders()

    started = []
    for place in range(2):
        for number in range(1, 61):
            with places.take(place, number) as is_ours:
                started += [place] if is_ours else []

    assert started == [0, 1]


def test_a_place_that_works_is_not_rung_and_a_second_task_for_it_ends_at_once(
    settings: Settings,
) -> None:
    settings.SENDERS = 2
    readers(3)
    from_another_session = places.ring(0)
    with places.take(0, from_another_session) as is_ours:
        assert is_ours
        taken = in_another_session(lambda: places.is_taken(0))
        again = in_another_session(lambda: enters(0, from_another_session))
        in_another_session(tasks.start_senders)

    assert (taken, again) == (True, False)
    assert queued("digests") == 1, "only the other place was rung"


def enters(place: int, number: int) -> bool:
    with places.take(place, number) as is_ours:
        return is_ours


def in_another_session(act: Callable[[], Any]) -> Any:
    def work() -> Any:
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def test_a_place_is_free_again_when_its_worker_stands_still() -> None:
    """As when its host is lost: the database's session with it lives on."""
    number = places.ring(0)
    code = (
        "import django, time; django.setup()\n"
        "from datetime import timedelta\n"
        "from digest.delivery.limits import places\n"
        "from subscribers import database\n"
        "database._LATCH = timedelta(seconds=1)\n"
        f"with places.take(0, {number}) as is_ours:\n"
        "    print(is_ours, flush=True); time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment(), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"True\n"
    try:
        taken = places.is_taken(0)
        process.send_signal(signal.SIGSTOP)
        wait_until(lambda: not places.is_taken(0), seconds=10, what="the place")
    finally:
        process.kill()
        process.communicate()

    assert taken


def test_what_takes_long_has_queues_that_hold_up_neither_a_letter_nor_a_tick() -> None:
    ours = [name for name in app.tasks if name.startswith(("digest.", "subscribers."))]
    by_queue = defaultdict(set)
    for name in ours:
        by_queue[app.amqp.router.route({}, name)["queue"].name].add(name)

    assert set(by_queue) == set(processes.QUEUES)
    assert by_queue["ticks"] == {"digest.tick"}
    assert by_queue["letters"] == {"subscribers.send_letters"}
    assert by_queue["digests"] == {"digest.send"}


def test_ticks_and_letters_go_at_once_while_sending_at_a_low_rate(
    sink: Sink, tmp_path: Path
) -> None:
    readers(2000)
    newcomer = make_reader(state=Subscriber.State.PENDING, next_due_at=None)
    limits = {"MAIL_PER_SECOND": "5", "SENDERS": "4"}
    with workers_of_make_run(tmp_path, LOG_LEVEL="INFO", **limits):
        tasks.tick.delay()
        wait_until(lambda: len(sink.messages) > 5, seconds=60, what="the first mails")
        for _ in range(60):
            tasks.tick.delay()
        start = time.monotonic()
        wait_until(lambda: queued("ticks") == 0, seconds=30, what="an hour's ticks")
        seconds = time.monotonic() - start
        Letter.objects.create(subscriber=newcomer, kind=Letter.Kind.CONFIRM)
        send_letters.delay()
        wait_until(lambda: newcomer.email in sent_to(sink), seconds=20, what="the letter")
        # What the ticks left behind is gone through at once, except for one task a place.
        wait_until(lambda: queued("digests") <= 4, seconds=45, what="the tasks of old rings")
        alive = [worker for worker in broker.look().workers if worker.is_alive]
        unserved = broker.look().unserved()
        ticked = Heartbeat.objects.filter(name=Heartbeat.TICK).exists()

    # The desk sees them, and that they ended by themselves.
    assert (len(alive), unserved, ticked) == (2, [], True)
    assert broker.look().workers == []
    assert re.search(
        r"digest.tasks [1-9]\d* sent.*, \d+ s\n", (tmp_path / "worker.log").read_text()
    )
    assert seconds < 15
    assert len(sink.messages) < 2000, "they were still sending"
