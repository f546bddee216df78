"""A mail to unsubscribe+TOKEN@…, delivered by a mail service's inbound webhook."""

import base64
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from subscribers import links
from subscribers.models import Consent, Subscriber
from tests.factories import make_reader

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _mailbox(settings: Settings) -> None:
    settings.MAIL_UNSUBSCRIBE = "unsubscribe@news.example.org"
    settings.ANYMAIL = {"WEBHOOK_SECRET": "us:secret"}


@pytest.fixture
def reader() -> Subscriber:
    reader = make_reader()
    links.ensure([reader], timezone.now())
    return reader


def mail_to(
    client: Client, address: str, headers: list[dict[str, str]] | None = None, **more: str
) -> Any:
    """Post what Postmark's inbound webhook sends for a mail from anybody to `address`."""
    return client.post(
        "/webhooks/postmark/inbound/",
        {
            "From": "whoever@elsewhere.example",
            "OriginalRecipient": address,
            "To": address,
            "Subject": "unsubscribe",
            "TextBody": "",
            "Headers": headers or [],
            **more,
        },
        content_type="application/json",
        headers={"Authorization": "Basic " + base64.b64encode(b"us:secret").decode()},
        secure=True,
    )


def address_of(reader: Subscriber) -> str:
    """Where a mail unsubscribes this reader."""
    return links.unsubscribe_address(links.unsubscribe_token(reader.pk))


def state_of(reader: Subscriber) -> str:
    reader.refresh_from_db()
    return reader.state


def test_a_mail_to_the_reader_s_own_address_unsubscribes(
    client: Client, reader: Subscriber
) -> None:
    answer = mail_to(client, address_of(reader))

    assert answer.status_code == 200
    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED
    assert Consent.objects.get(subscriber=reader).act == Consent.Act.BY_MAIL


@pytest.mark.parametrize(
    "address",
    ["unsubscribe@news.example.org", "unsubscribe+guess@news.example.org", "x+y@other.example"],
)
def test_a_mail_without_a_token_of_ours_does_nothing(
    client: Client, reader: Subscriber, address: str
) -> None:
    answer = mail_to(client, address)

    assert (answer.status_code, state_of(reader)) == (200, Subscriber.State.ACTIVE)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Auto-Submitted", "auto-replied"),
        ("Auto-Submitted", "auto-generated (failure)"),
        ("Precedence", "auto_reply"),
        ("X-Autoreply", "yes"),
        ("X-Autorespond", "Away until Monday"),
        ("Return-Path", "<>"),
    ],
)
def test_a_machine_s_answer_does_nothing(
    client: Client, reader: Subscriber, name: str, value: str
) -> None:
    answer = mail_to(client, address_of(reader), [{"Name": name, "Value": value}])

    assert answer.status_code == 200

    assert state_of(reader) == Subscriber.State.ACTIVE


def test_a_bounce_does_nothing(client: Client, reader: Subscriber) -> None:
    address = address_of(reader)
    report = (
        f"From: mailer-daemon@elsewhere.example\nTo: {address}\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="x"\n\n'
        "--x\nContent-Type: text/plain\n\nNobody there.\n"
        "--x\nContent-Type: message/delivery-status\n\n"
        "Reporting-MTA: dns; elsewhere.example\n\nAction: failed\nStatus: 5.1.1\n\n--x--\n"
    )

    answer = mail_to(client, address, RawEmail=report)

    assert (answer.status_code, state_of(reader)) == (200, Subscriber.State.ACTIVE)


def test_a_mail_that_says_that_a_person_wrote_it_unsubscribes(
    client: Client, reader: Subscriber
) -> None:
    headers = [
        {"Name": "Auto-Submitted", "Value": "No"},
        {"Name": "Return-Path", "Value": "<whoever@elsewhere.example>"},
    ]

    mail_to(client, address_of(reader), headers)

    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED


def test_without_a_mailbox_there_is_no_address(settings: Settings) -> None:
    settings.MAIL_UNSUBSCRIBE = ""

    assert links.unsubscribe_address(links.unsubscribe_token(1)) == ""
