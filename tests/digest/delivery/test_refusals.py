"""Refusals, over real conversations: what they cost the readers, and what they stop."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from digest.delivery import plan
from digest.delivery.limits.refusals import retry_failed
from digest.delivery.run import deliver
from digest.models import BackOff, Digest, Edition, Hold
from subscribers.leaving.suppression import is_suppressed
from subscribers.models import Subscriber, Suppression
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink

from .test_connection import mails_by_reader, send_to, states, try_again

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State


def attempts() -> set[int]:
    return set(Digest.objects.values_list("attempts", flat=True))


@pytest.fixture(autouse=True)
def _some(settings: Settings) -> None:
    settings.BREAKER_SAME_REFUSAL = 8


# --- one answer ----------------------------------------------------------------------------
def test_an_unknown_user_fails_and_is_suppressed(sink: Sink) -> None:
    sink.on_rcpt = lambda address: f"550 5.1.1 <{address}>: Recipient rejected: User unknown"

    (reader,) = send_to(1)

    assert states() == {State.FAILED: 1}
    assert is_suppressed(reader.address_hash)


@pytest.mark.parametrize(
    "answer",
    [
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
        "550 5.5.0 Requested action not taken: mailbox unavailable",
    ],
)
def test_a_doubtful_answer_counts_once_it_repeats_while_others_get_through(
    sink: Sink, answer: str
) -> None:
    sink.on_rcpt = lambda address: answer if "bad" in address else "250 OK"
    make_edition()
    bad, good = make_reader(email="bad@dest.example"), make_reader(email="good@dest.example")
    plan.plan_due()
    deliver(seconds=60)
    assert (states(), Suppression.objects.count()) == ({State.FAILED: 1, State.SENT: 1}, 0)

    another_day()

    assert is_suppressed(bad.address_hash)
    assert not is_suppressed(good.address_hash)


def test_a_doubtful_answer_that_the_whole_domain_gets_suppresses_nobody(sink: Sink) -> None:
    sink.on_rcpt = lambda _: "550 5.4.1 Recipient address rejected: Access denied"
    send_to(2)

    another_day()

    assert Suppression.objects.count() == 0


def another_day() -> None:
    Digest.objects.update(
        local_date=timezone.now().date() - timedelta(days=3),
        handed_over_at=Now() - timedelta(days=1),
    )
    Edition.objects.update(date=timezone.now().date() - timedelta(days=3))
    make_edition()
    Subscriber.objects.update(next_due_at=Now(), next_due_on=None)
    plan.plan_due()
    deliver(seconds=60)


@pytest.mark.parametrize(
    "answer",
    [
        "550 5.1.8 <digest@news.example.org>: Sender address rejected: Domain not found",
        "550 5.1.7 <digest@news.example.org>: Sender address rejected: undeliverable address",
        "550 relay not permitted",
        "554 5.7.1 <reader@dest.example>: Relay access denied",
        "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)",
        "550 5.7.606 Access denied, banned sending IP [192.0.2.1]",
    ],
)
def test_a_refusal_of_us_holds_the_service_and_costs_nobody_anything(
    sink: Sink, answer: str
) -> None:
    sink.on_rcpt = lambda _: answer
    readers = send_to(12)

    assert (states(), attempts(), Suppression.objects.count()) == ({State.READY: 12}, {0}, 0)
    assert set(Hold.objects.values_list("until", flat=True)) == {None}

    sink.on_rcpt = lambda _: "250 OK"
    try_again()
    assert mails_by_reader(sink) == {reader.email: 1 for reader in readers}


def test_a_message_that_is_too_large_fails_alone(sink: Sink) -> None:
    answers = iter(["552 5.3.4 Message size exceeds fixed limit"])
    sink.on_mail = lambda _: next(answers, "250 OK")

    send_to(3)

    assert (states(), Hold.objects.count()) == ({State.FAILED: 1, State.SENT: 2}, 0)


# --- everybody gets the same ---------------------------------------------------------------
@pytest.mark.parametrize(
    ("at", "answer"),
    [
        ("data", "554 5.7.1 Message rejected as spam"),
        ("rcpt", "550 5.1.1 <{}>: Recipient address rejected: User unknown"),
        ("rcpt", "550 5.7.1 We would rather not (session {}-1a2b)"),
        ("data", "550 I am a teapot"),
    ],
)
def test_what_everybody_gets_is_about_us(sink: Sink, at: str, answer: str) -> None:
    if at == "data":
        sink.on_data = lambda _: answer
    else:
        sink.on_rcpt = answer.format
    readers = send_to(30)

    hold = Hold.objects.get()
    assert hold.until is None
    assert "readers were all refused in the same words: SMTP 55" in hold.reason
    assert (states(), attempts(), Suppression.objects.count()) == ({State.READY: 30}, {0}, 0)

    sink.on_rcpt, sink.on_data = (lambda _: "250 OK"), (lambda _: "250 OK")
    try_again()
    assert mails_by_reader(sink) == {reader.email: 1 for reader in readers}


def test_it_is_seen_over_many_small_runs_and_what_they_suppressed_is_undone(sink: Sink) -> None:
    sink.on_rcpt = lambda _: "550 5.1.1 User unknown"
    make_edition()
    for _ in range(8):
        make_reader()
        plan.plan_due()
        deliver(seconds=60)

    assert Hold.objects.filter(until=None).count() == 1
    assert (states(), Suppression.objects.count()) == ({State.READY: 8}, 0)


def test_one_who_gets_through_shows_that_the_others_are_meant(sink: Sink) -> None:
    sink.on_rcpt = lambda address: "250 OK" if "good" in address else "550 5.1.1 User unknown"
    make_edition()
    for number in range(14):
        make_reader(email=f"{'bad' if number % 7 else 'good'}{number}@dest.example")
    plan.plan_due()

    deliver(seconds=60)

    assert (states(), Hold.objects.count()) == ({State.FAILED: 12, State.SENT: 2}, 0)
    assert Suppression.objects.count() == 12


# --- a provider that wants to be left alone -------------------------------------------------
class Closing:
    """A server that says `answer` to RCPT and closes the connection at once. It has PIPELINING."""

    def __init__(self, answer: str) -> None:
        self._answer = answer
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]

    @contextmanager
    def running(self) -> Iterator["Closing"]:
        threading.Thread(target=self._serve, daemon=True).start()
        yield self
        self._server.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._server.accept()
                threading.Thread(target=self._converse, args=[line], daemon=True).start()

    def _converse(self, line: socket.socket) -> None:
        with line, line.makefile("rb") as lines, suppress(OSError):
            line.sendall(b"220 ready\r\n")
            for command in map(bytes.upper, lines):
                if command.startswith(b"EHLO"):
                    line.sendall(b"250-x.example\r\n250 PIPELINING\r\n")
                elif command.startswith(b"RCPT"):
                    line.sendall(f"{self._answer}\r\n".encode())
                    line.shutdown(socket.SHUT_WR)
                else:
                    line.sendall(b"250 ok\r\n")


def send_through(server: Closing, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "digest.delivery.mail_services.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port


@pytest.mark.parametrize(
    "answer",
    [
        "421 4.7.28 rate of mail from your IP has been limited",
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred",
    ],
)
def test_a_goodbye_at_the_recipient_rests_the_provider_and_costs_no_attempt(
    settings: Settings, answer: str
) -> None:
    with Closing(answer).running() as server:
        send_through(server, settings)
        send_to(3)

    assert (states(), attempts()) == ({State.READY: 3}, {0})
    assert set(Digest.objects.values_list("error", flat=True)) == {f"SMTP {answer}"}
    assert list(BackOff.objects.values_list("provider", flat=True)) == ["dest.example"]


def test_a_refusal_before_the_connection_closes_is_not_lost(settings: Settings) -> None:
    with Closing("550 5.1.1 User unknown").running() as server:
        send_through(server, settings)
        (reader,) = send_to(1)

    assert states() == {State.FAILED: 1}
    assert is_suppressed(reader.address_hash)


# --- trying again --------------------------------------------------------------------------
def test_an_operator_can_have_it_tried_again(sink: Sink) -> None:
    sink.on_data = lambda _: "554 5.7.1 Message rejected as spam"
    readers = send_to(3)
    assert states() == {State.FAILED: 3}

    sink.on_data = lambda _: "250 OK"
    said = StringIO()
    call_command("retry_failed", stdout=said)
    deliver(seconds=60)

    assert said.getvalue() == "3 digests are ready again.\n"
    assert mails_by_reader(sink) == {reader.email: 1 for reader in readers}
    assert retry_failed() == 0


def test_what_is_late_accepted_suppressed_or_superseded_is_not_tried_again(sink: Sink) -> None:
    sink.on_rcpt = lambda _: "550 5.7.0 Local Policy Violation"
    send_to(5)
    late, accepted, suppressed, superseded, other = Digest.objects.order_by("pk")
    Digest.objects.filter(pk=late.pk).update(due_at=Now() - timedelta(hours=20))
    Digest.objects.filter(pk=accepted.pk).update(message_id="m-1")
    assert suppressed.subscriber is not None
    Suppression.objects.create(
        address_hash=suppressed.subscriber.address_hash, reason=Suppression.Reason.COMPLAINED
    )
    Digest.objects.create(
        subscriber=superseded.subscriber,
        local_date=superseded.local_date + timedelta(days=1),
        state=State.SKIPPED,
    )

    assert retry_failed(mail_service="Postmark") == 0
    assert retry_failed(mail_service="smtp") == 1
    assert Digest.objects.get(state=State.READY) == other
