"""A mail service's webhook, through anymail's own view, to the digest's state."""

import base64
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from digest.models import Digest, Event
from subscribers.suppression import is_suppressed
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


def test_a_forged_webhook_does_nothing(client: Client) -> None:
    digest = sent_digest()

    answer = told_by_postmark(client, secret="us:guess", **bounce_of(digest, "HardBounce"))

    digest.refresh_from_db()
    assert (answer.status_code, digest.state, Event.objects.count()) == (400, State.SENT, 0)
