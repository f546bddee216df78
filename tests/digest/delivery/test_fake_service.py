"""Hand-overs to a real HTTP service, most through anymail's own Postmark backend."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from django.conf import settings as real_settings
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from digest.delivery import plan
from digest.delivery.run import deliver
from digest.models import Digest, Hold
from subscribers.leaving.suppression import is_suppressed
from subscribers.models import Subscriber
from tests.factories import make_edition, make_reader
from tests.fake_service import (
    ACCEPT,
    ACCEPT_AND_HANG_UP,
    ACCEPT_SLOWLY,
    ACCEPT_UNREADABLY,
    HANG_UP,
    Answer,
    FakeService,
    Sending,
    refuse_as_inactive,
    serving,
)

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State


@pytest.fixture
def service(settings: Settings) -> Iterator[FakeService]:
    with serving(settings, "anymail.backends.postmark.EmailBackend") as running:
        yield running


def send_to(number: int) -> list[Subscriber]:
    """Make an edition and readers, plan, and deliver once."""
    make_edition()
    readers = [make_reader() for _ in range(number)]
    plan.plan_due()
    deliver(seconds=60)
    return readers


def try_again(service: FakeService) -> None:
    """All is well again with the service, every wait is over."""
    service.on_send = lambda _: ACCEPT
    Hold.objects.update(released_at=Now())
    Digest.objects.filter(state=State.READY).update(next_attempt_at=Now())
    deliver(seconds=60)


def test_every_reader_s_digest_is_accepted_once(service: FakeService) -> None:
    readers = send_to(5)

    assert service.times_accepted() == {reader.email: 1 for reader in readers}
    assert len(service.requests) == 5
    sent = Digest.objects.filter(state=State.SENT).values_list("uuid", "message_id")
    assert {(str(uuid), message_id) for uuid, message_id in sent} == {
        (accepted.sending.digest, accepted.message_id) for accepted in service.ledger
    }


@pytest.mark.parametrize(
    ("answer", "accepted"),
    [
        (Answer(500), 0),
        (Answer(502), 0),
        (Answer(503), 0),
        (HANG_UP, 0),
        (ACCEPT_AND_HANG_UP, 1),
        (ACCEPT_SLOWLY, 1),
        (ACCEPT_UNREADABLY, 1),
    ],
)
def test_what_may_have_been_accepted_is_doubt_and_not_tried_again(
    service: FakeService, answer: Answer, accepted: int
) -> None:
    service.on_send = lambda _: answer

    send_to(1)
    try_again(service)

    assert Digest.objects.get().state == State.UNCERTAIN
    assert (len(service.requests), len(service.ledger)) == (1, accepted)


@pytest.mark.parametrize("status", [429, 503])
def test_a_service_that_names_seconds_is_left_alone_for_them(
    service: FakeService, status: int
) -> None:
    service.on_send = lambda _: Answer(status, headers={"Retry-After": "120"})
    (reader,) = send_to(1)
    digest, hold = Digest.objects.get(), Hold.objects.get()
    assert (digest.state, digest.attempts, len(service.requests)) == (State.READY, 0, 1)
    assert hold.until is not None
    assert timedelta(seconds=110) < hold.until - timezone.now() <= timedelta(seconds=120)

    try_again(service)

    assert service.times_accepted() == {reader.email: 1}
    assert len(service.requests) == 2


def test_a_service_that_names_a_date_is_left_alone_until_then(service: FakeService) -> None:
    date = datetime.now(UTC) + timedelta(hours=1)
    after = {"Retry-After": format_datetime(date, usegmt=True)}
    service.on_send = lambda _: Answer(429, headers=after)

    send_to(1)
    deliver(seconds=60)

    hold = Hold.objects.get()
    assert hold.until is not None
    assert abs(hold.until - date) < timedelta(seconds=10)
    assert (Digest.objects.get().state, len(service.requests)) == (State.READY, 1)


@pytest.mark.parametrize("status", [401, 403])
def test_a_service_that_does_not_know_us_stops_the_run_until_somebody_acts(
    service: FakeService, status: int
) -> None:
    service.on_send = lambda _: Answer(status)
    readers = send_to(3)
    assert set(Hold.objects.values_list("until", flat=True)) == {None}
    assert set(Digest.objects.values_list("state", "attempts")) == {(State.READY, 0)}

    try_again(service)

    assert service.times_accepted() == {reader.email: 1 for reader in readers}


def test_a_wrong_token_stops_the_run(service: FakeService, settings: Settings) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "POSTMARK_SERVER_TOKEN": "not-ours"}

    send_to(1)

    assert set(Hold.objects.values_list("until", "reason")) == {(None, "HTTP 401")}
    assert service.ledger == []


def test_one_inactive_address_does_not_stop_the_others(service: FakeService) -> None:
    def answer(sending: Sending) -> Answer:
        return refuse_as_inactive(sending) if sending.address.startswith("bad") else ACCEPT

    service.on_send = answer
    make_edition()
    bad, good = make_reader(email="bad@dest.example"), make_reader()
    plan.plan_due()

    deliver(seconds=60)
    try_again(service)

    assert service.times_accepted() == {good.email: 1}
    assert Digest.objects.get(subscriber=bad).state == State.FAILED
    assert is_suppressed(bad.address_hash)
    assert len(service.requests) == 2


def test_a_hand_over_that_breaks_now_and_then_doubles_nobody(service: FakeService) -> None:
    number = iter(range(1000))
    turns = (ACCEPT, ACCEPT_AND_HANG_UP, ACCEPT, HANG_UP, Answer(500))
    service.on_send = lambda _: turns[next(number) % len(turns)]
    readers = send_to(20)

    try_again(service)

    accepted = service.times_accepted()
    assert set(accepted.values()) == {1}
    uncertain = Subscriber.objects.filter(digests__state=State.UNCERTAIN)
    assert accepted.keys() | set(uncertain.values_list("email", flat=True)) == {
        reader.email for reader in readers
    }
    assert len(service.requests) == 20


@pytest.mark.parametrize(("backend", "error"), [("resend", "HTTP 409"), ("brevo", "HTTP 400")])
def test_a_known_key_is_doubt_and_no_refusal(settings: Settings, backend: str, error: str) -> None:
    with serving(settings, f"digest.delivery.mail_services.{backend}.EmailBackend") as service:
        service.on_send = lambda _: ACCEPT_AND_HANG_UP
        send_to(1)
        Digest.objects.update(state=State.READY)
        settings.MAIL_REPLY_TO = "somebody@news.example.org"
        try_again(service)

    digest = Digest.objects.get()
    assert (digest.state, digest.error, len(service.ledger)) == (State.UNCERTAIN, error, 1)


def test_boto3_is_told_to_make_one_request_a_message() -> None:
    # The value only: Amazon SES needs boto3, which is no dependency of ours.
    parameters: Any = real_settings.ANYMAIL["AMAZON_SES_CLIENT_PARAMS"]

    assert parameters["config"]["retries"] == {"total_max_attempts": 1}
