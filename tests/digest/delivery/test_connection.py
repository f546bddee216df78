"""One hand-over after another, to a real SMTP server that answers as servers do."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from digest.delivery import chunks, plan
from digest.delivery.limits.holds import hold
from digest.delivery.run import deliver
from digest.mail.message import DigestMessage
from digest.mail.rendering import render
from digest.models import BackOff, Digest, Hold
from subscribers.leaving.suppression import is_suppressed
from subscribers.models import Subscriber
from tests.contract import check_digest
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State


def send_to(number: int) -> list[Subscriber]:
    """Make an edition and readers, plan, and deliver once."""
    make_edition()
    readers = [make_reader() for _ in range(number)]
    plan.plan_due()
    deliver(seconds=60)
    return readers


def try_again() -> None:
    """As if the holds and the pauses were over, and the waits of the digests too."""
    Hold.objects.update(released_at=Now())
    BackOff.objects.all().delete()
    Digest.objects.filter(state=State.READY).update(next_attempt_at=Now())
    deliver(seconds=60)


def states() -> Counter[str]:
    return Counter(Digest.objects.values_list("state", flat=True))


def mails_by_reader(sink: Sink) -> Counter[str]:
    return Counter(message.recipients[0] for message in sink.messages)


def test_every_mail_keeps_the_contract(sink: Sink) -> None:
    send_to(3)

    assert len([check_digest(message.content) for message in sink.messages]) == 3


def test_one_refused_address_does_not_stop_the_others(sink: Sink) -> None:
    sink.on_rcpt = lambda address: "550 5.1.1 no such user" if "bad" in address else "250 OK"
    make_edition()
    bad, good = make_reader(email="bad@dest.example"), make_reader()
    plan.plan_due()

    deliver(seconds=60)

    assert mails_by_reader(sink) == {good.email: 1}
    assert is_suppressed(bad.address_hash)
    failed = Digest.objects.get(state=State.FAILED)
    assert (failed.subscriber, failed.error) == (bad, "SMTP 550 5.1.1 no such user")


def test_a_digest_that_cannot_be_rendered_fails_alone(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_edition()
    bad, good = make_reader(), make_reader()

    def broken_for_one(*values: Any, subscriber_id: int, **fields: Any) -> DigestMessage:
        if subscriber_id == bad.pk:
            raise LookupError("a mistake of ours")
        return render(*values, subscriber_id=subscriber_id, **fields)

    monkeypatch.setattr(chunks, "render", broken_for_one)
    plan.plan_due()
    deliver(seconds=60)

    assert mails_by_reader(sink) == {good.email: 1}
    failed = Digest.objects.get(state=State.FAILED)
    assert (failed.subscriber, failed.error) == (bad, "Rendering failed: LookupError")


def test_a_greylisted_reader_gets_it_later(sink: Sink) -> None:
    sink.on_rcpt = lambda _: "450 4.2.0 greylisted"
    (reader,) = send_to(1)
    digest = Digest.objects.get()
    assert (digest.state, digest.attempts) == (State.READY, 1)

    sink.on_rcpt = lambda _: "250 OK"
    try_again()

    assert mails_by_reader(sink) == {reader.email: 1}
    assert states() == {State.SENT: 1}


def test_a_mail_refused_after_its_end_is_tried_again(sink: Sink) -> None:
    sink.on_data = lambda _: "451 4.3.0 try again"
    (reader,) = send_to(1)
    assert states() == {State.READY: 1}

    sink.on_data = lambda _: "250 OK"
    try_again()

    assert mails_by_reader(sink) == {reader.email: 1}


def test_a_line_that_breaks_after_the_final_dot_is_doubt_and_not_tried_again(sink: Sink) -> None:
    sink.on_data = sink.accept_and_hang_up
    (reader,) = send_to(1)
    assert states() == {State.UNCERTAIN: 1}

    sink.on_data = lambda _: "250 OK"
    try_again()

    assert mails_by_reader(sink) == {reader.email: 1}
    assert states() == {State.UNCERTAIN: 1}


def test_a_line_that_breaks_before_the_message_is_no_doubt(sink: Sink) -> None:
    sink.on_rcpt = lambda _: ""
    (reader,) = send_to(1)
    assert states() == {State.READY: 1}

    sink.on_rcpt = lambda _: "250 OK"
    try_again()

    assert mails_by_reader(sink) == {reader.email: 1}


def test_after_a_broken_line_the_others_go_over_a_new_one(sink: Sink) -> None:
    answers = iter([""])
    sink.on_rcpt = lambda _: next(answers, "250 OK")

    send_to(4)

    assert states() == {State.SENT: 3, State.READY: 1}
    assert len(sink.messages) == 3


def test_a_reader_is_given_up_after_the_last_attempt(sink: Sink) -> None:
    sink.on_rcpt = lambda _: "450 4.2.0 busy"
    send_to(1)

    for _ in range(7):
        try_again()

    digest = Digest.objects.get()
    assert (digest.state, digest.attempts) == (State.FAILED, 8)
    assert sink.messages == []


def test_a_refused_sender_stops_the_run_until_somebody_acts(sink: Sink) -> None:
    def refuse(_: object) -> str:
        return "550 5.7.1 you may not send"

    sink.on_mail = refuse
    send_to(3)

    hold = Hold.objects.get()
    assert (hold.until, hold.reason) == (None, "SMTP 550 5.7.1 you may not send")
    assert states() == {State.READY: 3}
    assert set(Digest.objects.values_list("attempts", flat=True)) == {0}


def test_workers_that_find_the_same_out_at_once_make_one_hold() -> None:
    """Somebody releases it once; what has another reason, or an end, is a hold of its own."""
    for session in ("1a2b", "3c4d"):
        hold("smtp", f"SMTP 500 5.7.1 not you (session {session}-7f)", None)
        hold("smtp", "SMTP connection refused", timedelta(minutes=5))
    hold("smtp", "The password is wrong.", None)
    hold("", "Paused by an operator", None)

    held = Hold.objects.order_by("pk").values_list("mail_service", "reason")
    assert list(held) == [
        ("smtp", "SMTP 500 5.7.1 not you (session 1a2b-7f)"),
        ("smtp", "SMTP connection refused"),
        ("smtp", "The password is wrong."),
        ("", "Paused by an operator"),
    ]
