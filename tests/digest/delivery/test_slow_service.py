"""A mail service that takes long for each message, or a process that stood still meanwhile."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import pytest
from aiosmtpd.smtp import Envelope
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from digest.choosing.candidates import Window
from digest.choosing.composing import Composed
from digest.delivery import handover, leases, plan, sender
from digest.delivery.limits import deadline
from digest.delivery.run import deliver
from digest.models import DayCount, Digest, Hold
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Subscriber
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
# How long the server takes for each message.
SLOW = 0.15


@pytest.fixture(autouse=True)
def _one_connection(settings: Settings) -> None:
    settings.MAIL_CONNECTIONS = 1


def slowly(_: Envelope) -> str:
    time.sleep(SLOW)
    return "250 OK"


def elsewhere(act: Callable[[], object]) -> None:
    """Let another process do this, and wait for it. A server's own thread must not use Django."""

    def run() -> None:
        act()
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def states() -> list[tuple[str, int]]:
    return list(Digest.objects.order_by("pk").values_list("state", "attempts"))


def test_a_chunk_ends_by_time_and_its_rest_is_given_back(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "CHUNK_SECONDS", 3 * SLOW)
    sink.on_data = slowly
    make_edition()
    for _ in range(8):
        make_reader()

    deliver(seconds=60)

    sent = len(sink.messages)
    assert 2 <= sent <= 4
    assert states() == [(State.SENT, 1)] * sent + [(State.READY, 0)] * (8 - sent)
    while Digest.objects.filter(state=State.READY).exists():
        deliver(seconds=60)
    assert states() == [(State.SENT, 1)] * 8
    assert len({mail.recipients[0] for mail in sink.messages}) == len(sink.messages) == 8


def test_the_rest_of_a_chunk_uses_up_no_quota(
    sink: Sink, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_PER_DAY = {"": 100}
    monkeypatch.setattr(sender, "CHUNK_SECONDS", 3 * SLOW)
    sink.on_data = slowly
    make_edition()
    for _ in range(8):
        make_reader()

    deliver(seconds=60)

    assert DayCount.objects.get().number == len(sink.messages) < 8


def test_a_stop_is_heard_between_two_messages(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    monkeypatch.setattr(deadline, "STOP", stop)

    def stopping(envelope: Envelope) -> str:
        if len(sink.messages) == 2:
            stop.set()
        return "250 OK"

    sink.on_data = stopping
    make_edition()
    for _ in range(8):
        make_reader()

    deliver(seconds=60)

    assert len(sink.messages) == 3
    assert states() == [(State.SENT, 1)] * 3 + [(State.READY, 0)] * 5


@pytest.mark.parametrize(
    "leave",
    [
        lambda reader, now: unsubscribe(reader, Consent.Act.ONE_CLICK, now),
        lambda reader, now: reader.delete(),
        lambda reader, now: Subscriber.objects.filter(pk=reader.pk).update(
            paused_until=now.date() + timedelta(days=3)
        ),
    ],
)
def test_whoever_leaves_gets_nothing_after_the_mark_has_aged(
    sink: Sink,
    monkeypatch: pytest.MonkeyPatch,
    leave: Callable[[Subscriber, object], object],
) -> None:
    monkeypatch.setattr(sender, "FRESH_SECONDS", 2 * SLOW)
    left_at: list[float] = []
    received_at: list[float] = []
    make_edition()
    readers = [make_reader() for _ in range(10)]

    def leaving() -> None:
        for reader in readers:
            leave(reader, timezone.now())
        left_at.append(time.monotonic())

    def receiving(envelope: Envelope) -> str:
        received_at.append(time.monotonic())
        if len(received_at) == 2:
            elsewhere(leaving)
        return slowly(envelope)

    sink.on_data = receiving

    deliver(seconds=60)

    bound = 2 * SLOW + 2 * SLOW  # the age of a mark, and a message that was under way
    assert all(at <= left_at[0] + bound for at in received_at)
    assert len(sink.messages) < 8
    assert {state for state, _ in states()} == {State.SENT, State.SKIPPED}


@contextmanager
def standing_still(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """Clocks of which only the second, the wall's, goes on while the machine is suspended."""
    passed = [0.0]
    monkeypatch.setattr(deadline, "_clocks", lambda: (1.0, 1.0 + passed[0], 1.0))
    yield passed


def test_a_machine_that_was_suspended_hands_nothing_over_that_another_has_taken(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_edition()
    for _ in range(5):
        make_reader()

    with standing_still(monkeypatch) as passed:

        def suspending(_: Envelope) -> str:
            if len(sink.messages) == 1:
                # An hour later others have found the digests in doubt, and settled them.
                passed[0] = 3600.0
                in_doubt = Digest.objects.filter(state=State.SENDING)
                elsewhere(lambda: in_doubt.update(state=State.SENT, lease_token=uuid4()))
            return "250 OK"

        sink.on_data = suspending
        deliver(seconds=60)

    assert len(sink.messages) == 2


def test_a_machine_that_was_suspended_leaves_nothing_in_doubt_that_it_has_not_begun(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_edition()
    for _ in range(5):
        make_reader()

    with standing_still(monkeypatch) as passed:

        def suspending(_: Envelope) -> str:
            if len(sink.messages) == 1:
                passed[0] = 3600.0
                chunk = Digest.objects.filter(state=State.SENDING)
                elsewhere(lambda: chunk.update(lease_until=timezone.now() - timedelta(minutes=1)))
                elsewhere(lambda: handover.sweep(doubt=timedelta(hours=2)))
            return "250 OK"

        sink.on_data = suspending
        deliver(seconds=60)

    assert sorted(states()) == [(State.READY, 0)] * 3 + [(State.SENT, 1)] * 2
    deliver(seconds=60)
    assert len(sink.messages) == 5
    assert states() == [(State.SENT, 1)] * 5


def test_a_mail_service_held_in_the_middle_of_a_chunk_gets_no_more_of_it(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "FRESH_SECONDS", 0.0)
    make_edition()
    for _ in range(5):
        make_reader()

    def holding(_: Envelope) -> str:
        if len(sink.messages) == 1:
            elsewhere(lambda: Hold.objects.create(reason="An operator pressed the button."))
        return "250 OK"

    sink.on_data = holding
    deliver(seconds=60)

    assert len(sink.messages) == 2
    assert sorted(states()) == [(State.READY, 0)] * 3 + [(State.SENT, 1)] * 2


def test_a_share_of_the_quota_is_used_although_nothing_is_left_for_others(
    sink: Sink, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "FRESH_SECONDS", 0.0)
    settings.MAIL_PER_DAY = {"": 10}
    settings.DELIVERY_CHUNK = 2
    make_edition()
    for _ in range(6):
        make_reader()

    def others_find_nothing(_: Envelope) -> str:
        if len(sink.messages) == 1:
            elsewhere(lambda: Hold.objects.create(reason="Nothing left.", is_quota=True))
        return "250 OK"

    sink.on_data = others_find_nothing
    deliver(seconds=60)

    assert states() == [(State.SENT, 1)] * 6


def test_a_mark_does_not_wait_for_a_lock_and_then_go_by_what_was_before() -> None:
    edition = make_edition()
    reader = make_reader()
    plan.plan_due()
    lease = leases.claim(5, lease=timedelta(minutes=5), mail_service="smtp")
    (claimed,) = lease.claimed
    window = Window(edition.pk, edition.date)
    composed = Composed(claimed.digest_id, window, (1,), ("votes:1",), ((0, 0, 0, 1),), "")
    is_locked, may_go_on = threading.Event(), threading.Event()

    def leaving() -> None:
        with transaction.atomic():
            Digest.objects.select_for_update().get(pk=claimed.digest_id)
            is_locked.set()
            may_go_on.wait(1.0)
            Subscriber.objects.filter(pk=reader.pk).update(state=Subscriber.State.UNSUBSCRIBED)
        connection.close()

    thread = threading.Thread(target=leaving)
    thread.start()
    is_locked.wait()
    threading.Timer(0.3, may_go_on.set).start()
    addresses = handover.mark_sending(
        lease.token,
        [composed],
        lease=timedelta(minutes=5),
        late=timedelta(hours=12),
        mail_service="smtp",
    )
    thread.join()

    assert addresses == {}
