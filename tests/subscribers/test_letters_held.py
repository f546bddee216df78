"""Letters go by the rules of the digests: what is about us costs nothing, and doubt little."""

import contextlib
from datetime import datetime, timedelta

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from digest.models import Hold
from subscribers import letters
from subscribers.letters import LetterCounts
from subscribers.models import Letter
from tests.factories import make_reader
from tests.smtp_sink import Sink

from .test_letters import CONFIRM, KNOWN, waiting

pytestmark = pytest.mark.django_db(transaction=True)


def after(letter: Letter, run: int) -> datetime:
    """When the letter is due next, as of this run; fails if it is not waiting any more."""
    letter.refresh_from_db()
    assert (letter.sent_at, letter.given_up_at) == (None, None), run
    return letter.next_attempt_at


def test_an_outage_costs_no_attempt_however_long_it_lasts(
    now: datetime, settings: Settings, sink: Sink
) -> None:
    letter = waiting(CONFIRM, now)
    settings.EMAIL_PORT, port = 1, settings.EMAIL_PORT
    at = now
    for run in range(20):
        letters.send_waiting(at, 10)
        at = after(letter, run)
    assert letter.attempts == 0

    settings.EMAIL_PORT = port
    assert letters.send_waiting(at, 10) == LetterCounts(sent=1)


@pytest.mark.parametrize(
    "answer",
    [
        "550 5.1.8 <digest@news.example.org>: Sender address rejected: Domain not found",
        "554 5.7.1 <reader@dest.example>: Relay access denied",
        "550 5.4.5 Daily user sending limit exceeded",
        "421 4.7.28 rate of mail from your IP has been limited",
    ],
)
def test_what_is_about_us_costs_no_attempt(now: datetime, sink: Sink, answer: str) -> None:
    sink.on_rcpt = lambda _: answer
    letter = waiting(CONFIRM, now)
    at = now
    for run in range(10):
        letters.send_waiting(at, 10)
        at = after(letter, run)
    assert letter.attempts == 0

    sink.on_rcpt = lambda _: "250 OK"
    assert letters.send_waiting(at, 10) == LetterCounts(sent=1)


def test_all_that_are_due_wait_while_nothing_can_go_out(now: datetime, sink: Sink) -> None:
    tried: list[str] = []

    def refuse(address: str) -> str:
        tried.append(address)
        return "451 4.3.0 not now"

    sink.on_mail = refuse
    for number in range(3):
        Letter.objects.create(
            subscriber=make_reader(email=f"r{number}@dest.example"), kind=KNOWN, next_attempt_at=now
        )

    letters.send_waiting(now, 10)

    assert (len(tried), letters.is_any_due(now)) == (1, False)


def test_a_hold_until_an_operator_acts_keeps_letters_back(now: datetime, sink: Sink) -> None:
    letter = waiting(CONFIRM, now)
    Hold.objects.create(mail_service="smtp", reason="100 % were refused.")

    letters.send_waiting(now, 10)
    at = after(letter, 1)
    assert (letter.attempts, sink.messages) == (0, [])

    Hold.objects.update(until=Now() + timedelta(hours=1))  # a day's quota of digests
    assert letters.send_waiting(at, 10) == LetterCounts(sent=1)


def test_a_letter_in_doubt_is_tried_once_more_and_then_counts_as_sent(
    now: datetime, sink: Sink
) -> None:
    sink.on_data = sink.accept_and_hang_up
    letter = waiting(CONFIRM, now)

    for run in range(10):
        letters.send_waiting(now + timedelta(hours=run), 10)

    letter.refresh_from_db()
    assert (len(sink.messages), letter.given_up_at) == (2, None)
    assert letter.sent_at is not None


def test_a_worker_that_is_killed_each_time_sends_two_at_most(
    now: datetime, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting(CONFIRM, now)

    def killed(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(letters, "_settle", killed)
    for run in range(6):
        with contextlib.suppress(SystemExit):
            letters.send_waiting(now + run * letters.LEASE, 10)

    assert len(sink.messages) == 2


def test_a_letter_is_counted_once_however_often_it_is_held(
    now: datetime, sink: Sink, settings: Settings
) -> None:
    settings.CONFIRMATIONS_PER_HOUR = 5
    sink.on_rcpt = lambda _: "421 4.7.0 later"
    letter = waiting(CONFIRM, now)
    at = now
    for run in range(8):
        letters.send_waiting(at, 10)
        at = after(letter, run)

    sink.on_rcpt = lambda _: "250 OK"
    assert letters.send_waiting(at, 10) == LetterCounts(sent=1)
