"""A mail service's webhook, through anymail's own view, to the digest's state."""

import base64
import hashlib
import hmac
import os
import subprocess
import sys
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from digest.models import Digest, Edition, Event
from subscribers import letters
from subscribers.leaving.suppression import is_suppressed
from subscribers.models import Consent, Subscriber, Suppression
from tests.factories import make_digest, make_edition, make_reader

pytestmark = pytest.mark.django_db

State = Digest.State


@pytest.fixture(autouse=True)
def _secret(settings: Settings) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": "us:secret"}


def sent_digest() -> Digest:
    return make_digest(make_edition(), make_reader(), state=State.SENT)


def told_by_postmark(client: Client, secret: str = "us:secret", **said: Any) -> Any:
    return client.post(
        "/webhooks/postmark/tracking/",
        said,
        content_type="application/json",
        headers={"Authorization": "Basic " + base64.b64encode(secret.encode()).decode()},
        secure=True,
    )


def bounce_of(digest: Digest, kind: str) -> dict[str, Any]:
    assert digest.subscriber is not None
    return {
        "RecordType": "Bounce",
        "ID": 4323372036854775807,
        "Type": kind,
        "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483",
        "Metadata": {"digest": str(digest.uuid)},
        "Email": digest.subscriber.email,
        "BouncedAt": "2026-11-22T07:00:00Z",
    }


def test_a_delivery_reaches_its_digest(client: Client) -> None:
    digest = sent_digest()
    assert digest.subscriber is not None

    answer = told_by_postmark(
        client,
        RecordType="Delivery",
        MessageID="883953f4-6105-42a2-a16a-77a8eac79483",
        Metadata={"digest": str(digest.uuid)},
        Recipient=digest.subscriber.email,
        DeliveredAt="2026-11-22T07:00:00Z",
    )

    digest.refresh_from_db()
    assert (answer.status_code, digest.state) == (200, State.DELIVERED)


@pytest.mark.parametrize(
    ("kind", "state", "suppressed"),
    [("HardBounce", State.BOUNCED, True), ("SoftBounce", State.DEFERRED, False)],
)
def test_only_a_hard_bounce_suppresses(
    client: Client, kind: str, state: str, suppressed: bool
) -> None:
    digest = sent_digest()
    assert digest.subscriber is not None

    told_by_postmark(client, **bounce_of(digest, kind))

    digest.refresh_from_db()
    assert digest.state == state
    assert is_suppressed(digest.subscriber.address_hash) is suppressed


def test_a_repeated_webhook_is_one_event(client: Client) -> None:
    digest = sent_digest()

    answers = [told_by_postmark(client, **bounce_of(digest, "HardBounce")) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert Event.objects.count() == 1


def untouched(digest: Digest) -> bool:
    """Whether nothing was believed: no event, no new state, nobody suppressed or unsubscribed."""
    digest.refresh_from_db()
    assert digest.subscriber is not None
    reader = Subscriber.objects.get(pk=digest.subscriber.pk)
    return (digest.state, reader.state, Event.objects.count(), Suppression.objects.count()) == (
        State.SENT,
        Subscriber.State.ACTIVE,
        0,
        0,
    )


# --- complaints ----------------------------------------------------------------------------
def test_who_complained_is_left_alone_and_told_nothing_when_the_address_is_entered_again(
    client: Client,
) -> None:
    digest, stranger = sent_digest(), "stranger@elsewhere.example"
    assert digest.subscriber is not None
    reader = digest.subscriber

    told_by_postmark(
        client, **{**bounce_of(digest, "SpamComplaint"), "RecordType": "SpamComplaint"}
    )
    reader.refresh_from_db()
    asked = [sign_up(client, email) for email in (stranger, reader.email)]
    counts = letters_go_out()

    assert (reader.state, reader.next_due_at) == (Subscriber.State.UNSUBSCRIBED, None)
    assert Suppression.objects.get().reason == Suppression.Reason.COMPLAINED
    assert asked[0] == asked[1]
    assert counts == {stranger}


def sign_up(client: Client, email: str) -> tuple[int, bytes]:
    answer = client.post("/api/signup", {"email": email}, content_type="application/json")
    return answer.status_code, answer.content


def letters_go_out() -> set[str]:
    """Send what waits; to whom it went."""
    letters.send_waiting(timezone.now(), 10)
    return {recipient for message in mail.outbox for recipient in message.recipients()}


# --- repeated ------------------------------------------------------------------------------
def test_a_webhook_that_is_repeated_a_hundred_times_is_one_event_and_one_step(
    client: Client,
) -> None:
    digest = sent_digest()
    body = bounce_of(digest, "SpamComplaint") | {"RecordType": "SpamComplaint"}

    answers = {told_by_postmark(client, **body).status_code for _ in range(100)}

    assert answers == {200}
    assert (Event.objects.count(), Suppression.objects.count(), Consent.objects.count()) == (
        1,
        1,
        1,
    )


# --- forged --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "secret", ["us:guess", "us:", ":secret", "US:SECRET", "us:secret ", "us:s\u00e9cret"]
)
def test_a_forged_webhook_does_nothing(client: Client, secret: str) -> None:
    digest = sent_digest()

    answer = told_by_postmark(client, secret=secret, **bounce_of(digest, "HardBounce"))

    assert (answer.status_code, untouched(digest)) == (400, True)
    told_by_postmark(client, **bounce_of(digest, "HardBounce"))
    assert not untouched(digest)


@pytest.mark.parametrize("way", ["tracking", "inbound"])
def test_nobody_is_believed_where_no_secret_is_set(way: str) -> None:
    """As the site starts without WEBHOOK_SECRET: anymail by itself would believe everybody."""
    program = (
        "import django; django.setup()\n"
        "from django.test import Client\n"
        f"answer = Client().post('/webhooks/postmark/{way}/', {{}}, 'application/json')\n"
        "print(answer.status_code)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "WEBHOOK_SECRET"}
    environment["ALLOWED_HOSTS"] = "testserver"

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert done.stdout == "400\n"


def told_by_mailgun(client: Client, key: str, token: str, digest: Digest, recipient: str) -> Any:
    """A complaint as Mailgun reports it: its signature covers the token, not what is said."""
    at = str(int(timezone.now().timestamp()))
    signature = hmac.new(key.encode(), f"{at}{token}".encode(), hashlib.sha256).hexdigest()
    return client.post(
        "/webhooks/mailgun/tracking/",
        {
            "signature": {"timestamp": at, "token": token, "signature": signature},
            "event-data": {
                "event": "complained",
                "id": "abc",
                "timestamp": float(at),
                "recipient": recipient,
                "user-variables": {"digest": str(digest.uuid)},
                "message": {"headers": {"message-id": "1@news.example.org"}},
            },
        },
        content_type="application/json",
        headers={"Authorization": "Basic " + base64.b64encode(b"us:secret").decode()},
        secure=True,
    )


def test_a_signature_of_mailgun_s_is_good_for_one_event_only(
    client: Client, settings: Settings
) -> None:
    settings.ANYMAIL = {**settings.ANYMAIL, "MAILGUN_WEBHOOK_SIGNING_KEY": "key"}
    first, second = sent_digest(), make_digest(Edition.objects.get(), make_reader(), state="sent")
    assert first.subscriber is not None
    assert second.subscriber is not None

    guessed = told_by_mailgun(client, "guess", "t1", first, first.subscriber.email)
    assert (guessed.status_code, untouched(first)) == (400, True)
    genuine = told_by_mailgun(client, "key", "t1", first, first.subscriber.email)
    altered = told_by_mailgun(client, "key", "t1", second, second.subscriber.email)

    second.refresh_from_db()
    assert (genuine.status_code, altered.status_code) == (200, 200)
    assert (Event.objects.count(), Suppression.objects.count(), second.state) == (1, 1, State.SENT)


# --- large, and with a database that is not well -------------------------------------------
def test_a_body_of_ten_megabytes_is_refused_unread(client: Client) -> None:
    digest = sent_digest()

    answer = told_by_postmark(client, Padding="x" * 10_000_000, **bounce_of(digest, "HardBounce"))

    assert 400 <= answer.status_code < 500
    assert untouched(digest)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_nothing_makes_the_service_try_again(client: Client) -> None:
    digest = sent_digest()
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    try:
        refused = told_by_postmark(client, **bounce_of(digest, "HardBounce"))
    finally:
        connection.close()
    assert (refused.status_code, untouched(digest)) == (500, True)

    again = told_by_postmark(client, **bounce_of(digest, "HardBounce"))

    digest.refresh_from_db()
    assert (again.status_code, digest.state) == (200, State.BOUNCED)


@pytest.mark.django_db(transaction=True)
def test_an_event_that_cannot_be_acted_on_is_not_stored_either(client: Client) -> None:
    """Somebody holds the table of suppressions, so the last of the steps fails."""
    digest = sent_digest()
    client.raise_request_exception = False
    other = connection.copy()
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '200ms'")
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE subscribers_suppression IN EXCLUSIVE MODE")
        refused = told_by_postmark(client, **bounce_of(digest, "HardBounce"))
        other.rollback()
    finally:
        other.close()
        connection.close()

    assert (refused.status_code, untouched(digest)) == (503, True)
    assert told_by_postmark(client, **bounce_of(digest, "HardBounce")).status_code == 200
    assert not untouched(digest)
