"""A mail to unsubscribe+TOKEN@…, delivered by a mail service's inbound webhook."""

import base64
import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from anymail.inbound import AnymailInboundMessage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from subscribers import links
from subscribers.leaving import unsubscribe
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
    client: Client, address: str, headers: list[dict[str, str]] | None = None, **more: Any
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


@pytest.mark.parametrize("change", [str.lower, str.upper, str.swapcase, "<{}>".format])
def test_an_address_whose_case_was_changed_unsubscribes(
    client: Client, reader: Subscriber, change: Callable[[str], str]
) -> None:
    mail_to(client, change(address_of(reader)))

    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED


@pytest.mark.parametrize(
    "head",
    [
        "To: list@other.example\nDelivered-To: {}",
        "To: undisclosed-recipients:;\nX-Original-To: {}",
        "Resent-To: {}\nTo: <<broken>",
        "To: <mailto:{}>",
        "To: a b c, {}",
        'To: "Leave, please" <{}>\nCc: =?x?=,<>,"',
        "To: {}\x00",
        "To: {}\nAuto-Submitted: no; by=hand",
        "To: {}\nAuto-Submitted: no (really)",
        "To: {}\nAuto-Submitted:",
        "To: {}\nAuto-Submitted: auto-generated",
        "To: {}\nContent-Type: ;;;=",
    ],
)
def test_however_a_mail_is_written_and_forwarded_it_unsubscribes(
    reader: Subscriber, head: str
) -> None:
    message = AnymailInboundMessage.parse_raw_mime(f"{head.format(address_of(reader))}\n\nBye")

    assert unsubscribe.by_mail(message, timezone.now())


@pytest.mark.parametrize(
    "head",
    [
        "Auto-Submitted: auto-replied; to=x",
        "Auto-Submitted: auto-generated\nIn-Reply-To: <a@b>",
        "Auto-Submitted: auto-notified",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=x",
        "Content-Type: multipart/report; boundary*=none''x",
    ],
)
def test_however_a_machine_answers_it_does_nothing(reader: Subscriber, head: str) -> None:
    message = AnymailInboundMessage.parse_raw_mime(f"To: {address_of(reader)}\n{head}\n\nx")

    assert not unsubscribe.by_mail(message, timezone.now())


@pytest.mark.parametrize("mailbox", ["news+leave@example.org", "leave@xn--bcher-kva.example"])
@pytest.mark.parametrize(
    "changed", [("+", "+"), ("+", "%2B"), ("+", " "), ("xn--bcher-kva", "bücher")]
)
def test_the_address_may_be_any_and_come_back_changed(
    reader: Subscriber, settings: Settings, mailbox: str, changed: tuple[str, str]
) -> None:
    settings.MAIL_UNSUBSCRIBE = mailbox
    address = address_of(reader).replace(*changed)
    message = AnymailInboundMessage.parse_raw_mime(f"To: x@y.example, <{address}>\n\nBye")

    assert unsubscribe.by_mail(message, timezone.now())


def test_a_mail_with_a_large_picture_unsubscribes(client: Client, reader: Subscriber) -> None:
    picture = base64.b64encode(os.urandom(4_000_000)).decode()
    parts = [{"Name": "logo.png", "Content": picture, "ContentType": "image/png"}]

    answer = mail_to(client, address_of(reader), Attachments=parts)

    assert (answer.status_code, state_of(reader)) == (200, Subscriber.State.UNSUBSCRIBED)


def test_a_whole_mail_with_a_large_picture_unsubscribes(client: Client, reader: Subscriber) -> None:
    lines = base64.encodebytes(os.urandom(4_000_000)).decode()
    whole = (
        f"From: whoever@elsewhere.example\nTo: {address_of(reader)}\nMIME-Version: 1.0\n"
        'Content-Type: multipart/mixed; boundary="x"\n\n--x\nContent-Type: text/plain\n\nBye\n'
        "--x\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n"
        f"{lines}\n--x--\n"
    )

    answer = mail_to(client, address_of(reader), RawEmail=whole)

    assert (answer.status_code, state_of(reader)) == (200, Subscriber.State.UNSUBSCRIBED)


@pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailNotSupportedWarning")
@pytest.mark.parametrize("field", ["raw", "parsed"])
def test_a_form_of_sendgrid_s_with_a_large_picture_unsubscribes(
    client: Client, reader: Subscriber, field: str
) -> None:
    """Other services post forms: the picture is a field or a file of its own."""
    address = address_of(reader).upper()
    picture = SimpleUploadedFile("logo.png", os.urandom(4_000_000), "image/png")
    envelope = json.dumps({"to": [address], "from": "whoever@elsewhere.example"})
    about = json.dumps({"attachment1": {"filename": "logo.png", "type": "image/png"}})
    parsed = {"headers": f"To: {address}", "text": "", "attachment-info": about}
    encoded = base64.encodebytes(os.urandom(4_000_000)).decode()
    raw = {"email": f"To: {address}\nContent-Transfer-Encoding: base64\n\n{encoded}"}
    posted = {**parsed, "attachment1": picture} if field == "parsed" else raw

    answer = client.post(
        "/webhooks/sendgrid/inbound/",
        {"envelope": envelope, "charsets": "{}", **posted},
        headers={"Authorization": "Basic " + base64.b64encode(b"us:secret").decode()},
        secure=True,
    )

    assert (answer.status_code, state_of(reader)) == (200, Subscriber.State.UNSUBSCRIBED)


def test_without_a_mailbox_there_is_no_address(settings: Settings) -> None:
    settings.MAIL_UNSUBSCRIBE = ""

    assert links.unsubscribe_address(links.unsubscribe_token(1)) == ""
