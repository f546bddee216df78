"""Webhooks against a real HTTP server: signed, in order, again after a failure, never inward."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks import Webhook, WebhookVerificationError

from digest.hooks import calling, noting, posting, signing
from digest.models import Attempt, Call, Endpoint, Kind, Notice
from subscribers.models import Latch
from tests.factories import make_reader
from tests.fake_service import HANG_UP, Answer, FakeService, running
from tests.workers import environment, wait_until

pytestmark = pytest.mark.django_db(transaction=True)
TAKEN = Answer(204, content=b"")


@pytest.fixture
def service(settings: Settings) -> Iterator[FakeService]:
    """A receiver on this machine, which takes whatever comes. Only a demo may call it."""
    settings.DEMO = True
    listening = FakeService()
    listening.on_send = lambda _: TAKEN
    with running(listening) as url:
        listening.url = f"{url}hook"  # type: ignore[attr-defined]
        yield listening


def make_endpoint(service: FakeService | None = None, **fields: Any) -> Endpoint:
    usual = {"name": "A CRM", "kinds": Kind.values, "salt": signing.new_salt()}
    usual["url"] = getattr(service, "url", "https://crm.dest.example/hook")
    return Endpoint.objects.create(**{**usual, **fields})


def note(number: int = 1, **fields: Any) -> None:
    Notice.note(Kind.CLOSED, {"number": number}, **fields)


def call(endpoint: Endpoint) -> None:
    calling.call_endpoint(endpoint.pk, seconds=5)


def pass_time(by: timedelta) -> None:
    """Move everything that a call waits for, and what it remembers, into the past."""
    Call.objects.update(next_attempt_at=F("next_attempt_at") - by, since=F("since") - by)
    Endpoint.objects.update(
        wait_until=F("wait_until") - by,
        failing_since=F("failing_since") - by,
        former_until=F("former_until") - by,
    )
    Latch.objects.update(until=F("until") - by)


def numbers(service: FakeService) -> list[int]:
    return [json.loads(one.body)["data"]["number"] for one in service.requests]


def ids(service: FakeService) -> list[str]:
    return [one.headers["webhook-id"] for one in service.requests]


def test_a_call_is_signed_and_each_secret_signs_until_a_day_after_the_next(
    service: FakeService,
) -> None:
    endpoint = make_endpoint(service)
    first = signing.secret(endpoint.salt)
    second = signing.rotate(endpoint, timezone.now())
    note()
    call(endpoint)
    pass_time(timedelta(hours=25))
    note()
    call(endpoint)

    both, after = service.requests
    said = Webhook(first).verify(both.body, dict(both.headers))
    assert said["type"] == "edition.closed"
    assert said["data"] == {"number": 1}
    assert abs(datetime.fromisoformat(said["timestamp"]) - datetime.now(UTC)) < timedelta(minutes=1)
    Webhook(second).verify(both.body, dict(both.headers))
    Webhook(second).verify(after.body, dict(after.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(first).verify(after.body, dict(after.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(second).verify(after.body + b" ", dict(after.headers))


def test_what_fails_comes_again_in_order_with_the_same_id(
    service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(posting, "_EACH", 0.2)
    failures = [Answer(500, content=b"x" * 9_000), HANG_UP, Answer(204, content=b"", wait=0.5)]
    service.on_send = lambda _: failures.pop(0) if failures else TAKEN
    endpoint = make_endpoint(service)
    for number in range(3):
        note(number)

    call(endpoint)
    assert numbers(service) == [0], "while it fails, nothing else is tried"
    call(endpoint)
    assert numbers(service) == [0], "it is left in peace for a while"
    for _ in range(3):
        pass_time(timedelta(minutes=10))
        call(endpoint)

    assert numbers(service) == [0, 0, 0, 0, 1, 2]
    assert len(set(ids(service))) == 3
    log = Attempt.objects.order_by("pk").values_list("status", "answer", "error")
    assert log[0] == (500, "x" * 500, "")
    assert [status for status, _, _ in log] == [500, None, None, 204, 204, 204]
    assert "time" in log[2][2]
    assert not Call.objects.waiting().exists()
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)


def test_a_redirect_is_not_followed_and_a_refused_call_keeps_no_other_back(
    service: FakeService,
) -> None:
    answers = [Answer(422), Answer(302, headers={"Location": "http://127.0.0.1:1/"})]
    service.on_send = lambda _: answers.pop(0) if answers else TAKEN
    endpoint = make_endpoint(service)
    for number in range(3):
        note(number)

    call(endpoint)  # the first is refused; the second leads elsewhere, so the endpoint waits
    pass_time(timedelta(hours=1))
    call(endpoint)

    assert numbers(service) == [0, 1, 0, 1, 2]


def test_nobody_listens_for_three_days(settings: Settings) -> None:
    settings.DEMO = True
    endpoint = make_endpoint(url="http://127.0.0.1:1/hook")
    note()
    waits = []
    for _ in range(20):
        call(endpoint)
        endpoint.refresh_from_db()
        if endpoint.wait_until is not None:
            waits.append(endpoint.wait_until - timezone.now())
        pass_time(timedelta(hours=6))
        if not endpoint.is_on:
            break

    assert timedelta(seconds=20) < waits[0] < timedelta(seconds=40)
    assert max(waits) < timedelta(hours=1, minutes=16)
    assert endpoint.disabled_because
    assert Call.objects.exclude(given_up_at=None).count() == 1
    assert 10 < Attempt.objects.count() < 16
    note()
    assert Call.objects.count() == 1, "nothing more is written for it"


def test_gone_means_never_again_and_a_resent_call_gets_three_more_days(
    service: FakeService,
) -> None:
    service.on_send = lambda _: Answer(410)
    endpoint = make_endpoint(service)
    note()
    call(endpoint)
    pass_time(timedelta(days=4))
    assert (Call.objects.get().given_up_at is None, calling.endpoints_due()) == (False, [])

    service.on_send = lambda _: TAKEN
    Endpoint.objects.update(is_on=True, failures=0, failing_since=None, wait_until=None)
    calling.call_again(Call.objects.get())
    assert calling.endpoints_due() == [endpoint.pk]
    call(endpoint)

    assert Call.objects.get().delivered_at is not None
    assert len(set(ids(service))) == 1


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/", "https://localhost/", "https://10.1.2.3/", "https://[::1]/"),
        *("https://169.254.169.254/latest/meta-data", "http://dest.example/", "file:///etc/passwd"),
        *("https://[::ffff:10.0.0.1]/", "https://0/", "https://me:pw@dest.example/"),
    ],
)
def test_no_private_address_and_nothing_but_https(url: str) -> None:
    endpoint = make_endpoint(url=url)
    note()

    call(endpoint)

    attempt = Attempt.objects.get()
    assert (attempt.status, bool(attempt.error)) == (None, True)
    assert attempt.milliseconds < 2000


def test_the_address_that_was_checked_is_the_one_that_is_called(
    service: FakeService, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    """A name that is public when it is looked up, and private a moment later."""
    settings.DEMO = False
    found = iter(["192.88.99.1", "127.0.0.1"])
    monkeypatch.setattr(
        "socket.getaddrinfo", lambda *_, **__: [(2, 1, 6, "", (next(found, "127.0.0.1"), 443))]
    )
    monkeypatch.setattr("digest.sources.addresses.is_public", lambda _: True)
    monkeypatch.setattr(posting, "_EACH", 0.2)
    port = service.url.rpartition(":")[2]  # type: ignore[attr-defined]

    endpoint = make_endpoint(url=f"https://rebinding.example:{port}")
    note()
    call(endpoint)

    assert service.requests == []


def test_a_killed_worker_s_call_arrives_again(service: FakeService) -> None:
    service.on_send = lambda _: Answer(204, content=b"", wait=5)
    endpoint = make_endpoint(service)
    note()
    program = (
        "import django; django.setup(); from digest.hooks.calling import call_endpoint;"
        f"call_endpoint({endpoint.pk}, seconds=5)"
    )
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program], env=environment(DEBUG="1")
    )
    try:
        wait_until(lambda: len(service.requests) > 0, seconds=30, what="the call")
    finally:
        process.kill()
        process.wait()

    service.on_send = lambda _: TAKEN
    call(endpoint)
    assert len(service.requests) == 1, "its lease still lasts"
    pass_time(calling.LEASE)
    call(endpoint)

    assert len(ids(service)) == 2
    assert len(set(ids(service))) == 1
    assert Call.objects.get().delivered_at is not None


def test_an_address_is_told_only_to_who_may_know_it_and_only_while_it_is_there(
    service: FakeService,
) -> None:
    reader = make_reader(email="ada@dest.example")
    plain, full = make_endpoint(service), make_endpoint(service, includes_addresses=True)
    note(subscriber=reader.pk)
    note(subscriber=reader.pk)
    calling.call_endpoint(plain.pk, seconds=5)
    assert calling.call_endpoint(full.pk, seconds=0)
    reader.delete()
    call(full)

    found = [json.loads(one.body)["data"].get("email", "-") for one in service.requests]
    assert found == ["-", "-", "ada@dest.example", None]
    assert b"ada@" not in json.dumps(list(Notice.objects.values("data"))).encode()


def test_old_notices_are_forgotten() -> None:
    make_endpoint()
    note()
    note()
    Notice.objects.filter(pk=Notice.objects.first().pk).update(  # type: ignore[union-attr]
        at=timezone.now() - timedelta(days=31)
    )

    assert noting.forget(timezone.now()) == 1
    assert (Notice.objects.count(), Call.objects.count()) == (1, 1)
