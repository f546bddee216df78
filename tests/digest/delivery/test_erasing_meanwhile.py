"""Readers who are erased while others work on their rows, on connections of their own.

Each case stops one side halfway, by a lock that it has to wait for, and lets the other side begin.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from anymail.signals import AnymailTrackingEvent, EventType
from django.db import connection, transaction
from django.utils import timezone

from digest.delivery import events, plan
from digest.delivery.run import deliver
from digest.models import Digest, Event
from subscribers import links
from subscribers.database import fetch
from subscribers.leaving import erasing, suppression
from subscribers.models import Consent, Link, Subscriber, Suppression
from tests.factories import make_digest, make_edition, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
PATIENCE = 20


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


def closing(act: Callable[..., Any], *arguments: Any) -> Any:
    """Act on a connection of this thread's own, and close it."""
    try:
        return act(*arguments)
    finally:
        connection.close()


def begin(threads: ThreadPoolExecutor, act: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """Let another thread act until it waits for a lock."""
    waiting = number_waiting()
    future = threads.submit(closing, act, *arguments)
    deadline = time.monotonic() + PATIENCE
    while number_waiting() == waiting and not future.done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return future


def number_waiting() -> int:
    ((number,),) = fetch("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return int(number)


@contextmanager
def another_transaction() -> Iterator[None]:
    """Locks that are taken here keep the others waiting until the end; nothing is changed."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def erase(reader: Subscriber) -> None:
    erasing.erase(reader, timezone.now())


def complaint(digest: Digest, reader: Subscriber) -> AnymailTrackingEvent:
    return AnymailTrackingEvent(
        event_type=EventType.COMPLAINED,
        recipient=reader.email,
        metadata={"digest": str(digest.uuid)},
        timestamp=timezone.now(),
    )


def is_erased(reader: Subscriber) -> bool:
    acts = Consent.objects.filter(address_hash=reader.address_hash).values_list("act", flat=True)
    return Consent.Act.ERASED in acts and not Subscriber.objects.filter(pk=reader.pk).exists()


def test_a_reader_can_be_erased_while_their_digest_is_being_planned(
    threads: ThreadPoolExecutor,
) -> None:
    make_edition()
    reader = make_reader()

    with transaction.atomic():
        assert plan.plan_due() == 1
        erasure = begin(threads, erase, reader)
    erasure.result(PATIENCE)

    assert is_erased(reader)
    assert Digest.objects.get().subscriber is None


def test_planning_and_erasing_do_not_wait_for_each_other_forever(
    threads: ThreadPoolExecutor,
) -> None:
    """Planning supersedes yesterday's digest after it has locked the reader."""
    edition = make_edition()
    reader = make_reader()
    old = make_digest(edition, reader, local_date=timezone.now().date() - timedelta(days=2))

    with another_transaction():
        # Planning waits for this row, which has the same reader and date.
        Digest.objects.create(subscriber=reader, local_date=plan_date(reader))
        planning = begin(threads, plan.plan_due)
        erasure = begin(threads, erase, reader)
    planning.result(PATIENCE)
    erasure.result(PATIENCE)

    assert is_erased(reader)
    old.refresh_from_db()
    assert (old.state, old.subscriber) == (State.SKIPPED, None)


def plan_date(reader: Subscriber) -> Any:
    """The local date for which the reader is planned now."""
    with another_transaction():
        plan.plan_due()
        newest = Digest.objects.filter(subscriber=reader).latest("local_date").local_date
    return newest


def test_a_reader_who_is_being_erased_holds_up_no_early_planning(
    threads: ThreadPoolExecutor,
) -> None:
    make_edition()
    gone, stays = make_reader(), make_reader()

    with transaction.atomic():
        erase(gone)
        planning = begin(threads, plan.plan_early)
    assert planning.result(PATIENCE) == 1

    assert Digest.objects.get().subscriber == stays


def test_planning_early_keeps_a_reader_until_their_row_is_there(
    threads: ThreadPoolExecutor,
) -> None:
    make_edition()
    reader = make_reader()

    with transaction.atomic():
        assert plan.plan_early() == 1
        erasure = begin(threads, erase, reader)
    erasure.result(PATIENCE)

    assert is_erased(reader)


@pytest.mark.parametrize("is_event_first", [True, False])
def test_a_complaint_and_an_erasure_at_once_both_count(
    threads: ThreadPoolExecutor, is_event_first: bool
) -> None:
    reader = make_reader()
    digest = make_digest(make_edition(), reader, state=State.SENT)
    links.issue(reader, Link.Purpose.CONFIRM, timedelta(hours=1), timezone.now())
    acts: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
        (events.record, (complaint(digest, reader), "Postmark")),
        (erase, (reader,)),
    ]

    with another_transaction():
        suppress_elsewhere(reader)
        begun = [begin(threads, act, *args) for act, args in acts[:: 1 if is_event_first else -1]]
    for future in begun:
        future.result(PATIENCE)

    assert is_erased(reader)
    assert Event.objects.count() == 1


def suppress_elsewhere(reader: Subscriber) -> None:
    Suppression.objects.create(address_hash=reader.address_hash, reason=Suppression.Reason.MANUAL)


@pytest.mark.parametrize("lock", [Subscriber, Link])
def test_a_suppression_and_an_erasure_at_once_both_count(
    threads: ThreadPoolExecutor, lock: type[Subscriber | Link]
) -> None:
    reader = make_reader()
    links.issue(reader, Link.Purpose.CONFIRM, timedelta(hours=1), timezone.now())
    reason, now = Suppression.Reason.COMPLAINED, timezone.now()

    with another_transaction():
        list(lock._default_manager.select_for_update().all())
        begun = [
            begin(threads, suppression.suppress, reader.address_hash, reason, now),
            begin(threads, erase, reader),
        ]
    for future in begun:
        future.result(PATIENCE)

    assert is_erased(reader)
    assert suppression.is_forbidden(reader.address_hash)


def test_readers_are_erased_while_a_send_goes_on(sink: Sink, threads: ThreadPoolExecutor) -> None:
    """All at once and many times: nobody fails, and whoever got a mail has a row that says so."""
    make_edition()
    readers = [make_reader() for _ in range(120)]

    sending = [threads.submit(closing, deliver_all) for _ in range(2)]
    erasures = [threads.submit(closing, erase_all, readers[start::3]) for start in range(2)]
    for future in (*sending, *erasures):
        future.result(60)
    deliver_all()

    assert Subscriber.objects.count() == 40
    assert Digest.objects.filter(state=State.SENT).count() == len(sink.messages)
    settled = {State.SENT, State.SKIPPED}
    assert set(Digest.objects.values_list("state", flat=True)) <= settled


def deliver_all() -> None:
    deliver(seconds=30)


def erase_all(readers: list[Subscriber]) -> None:
    for reader in readers:
        erase(reader)
