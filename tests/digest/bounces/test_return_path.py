"""Over SMTP, each mail has a sender of its own on its envelope."""

from uuid import uuid4

import pytest
from anymail.message import AnymailMessage
from django.utils import timezone
from pytest_django import Settings

from digest.delivery import plan
from digest.delivery.run import deliver
from digest.mail.return_path import Kind, found_in, sender_of
from digest.models import Digest
from subscribers import letters
from subscribers.models import Letter, Subscriber
from tests.digest.delivery.test_smtp import Server, backend_of
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink

from .test_taking import BOUNCES


@pytest.fixture(autouse=True)
def _settings(settings: Settings) -> None:
    settings.MAIL_BOUNCES = BOUNCES


@pytest.mark.django_db(transaction=True)
def test_digests_and_letters_say_whose_they_are(sink: Sink) -> None:
    make_edition()
    readers = [make_reader() for _ in range(4)]
    letter = Letter.objects.create(subscriber=readers[0], kind=Letter.Kind.LINK)

    plan.plan_due()
    deliver(seconds=30)
    letters.send_waiting(timezone.now(), 10)

    named = {}
    for mail in sink.messages:
        (mailed,) = found_in(mail.sender)
        assert mailed.went_to(mail.recipients[0])
        assert not mailed.went_to("another@dest.example")
        assert b"\r\nFrom: Broadsheet <digest@" in b"\r\n" + mail.content
        # Neither the header nor the text gives away what may stop a reader's mail.
        assert mail.sender.encode() not in mail.content
        named[mailed.kind, mailed.number] = mail.recipients[0]
    digests = Digest.objects.values_list("uuid", "subscriber__email")
    assert named == {(Kind.DIGEST, uuid.int): email for uuid, email in digests} | {
        (Kind.LETTER, letter.pk): Subscriber.objects.get(pk=readers[0].pk).email
    }


def test_the_next_sender_is_announced_with_its_reader() -> None:
    answers = ["250 ok", "250 ok", "354 go", "250 taken"] * 2
    first, second = (
        AnymailMessage(
            "A paper", "Text", to=[f"{name}@dest.example"], metadata={"digest": str(uuid4())}
        )
        for name in ("first", "second")
    )
    with Server(answers).running() as server, backend_of(server) as backend:
        backend.following = second
        backend.send_messages([first])
        told = list(server.told)
        backend.following = None
        backend.send_messages([second])

    begins = [f"MAIL FROM:<{sender_of(one, one.to[0])}>".encode() for one in (first, second)]
    assert [line for line in server.told if line.startswith(b"MAIL")] == begins
    assert told[4].endswith(b"\r\n.\r\n")
    # Nothing more was waited for: the connection was not opened anew for another sender.
    assert server.told[5] == begins[1]


def test_without_the_setting_everything_is_as_before(settings: Settings) -> None:
    settings.MAIL_BOUNCES = ""
    message = AnymailMessage("A", "B", "us@x.example", metadata={"digest": str(uuid4())})
    assert sender_of(message, "reader@dest.example") == "us@x.example"
    settings.MAIL_BOUNCES = BOUNCES
    # What is neither a digest nor a letter has nobody whom a bounce would be about.
    assert sender_of(AnymailMessage("A", "B", "us@x.example"), "o@x.example") == "us@x.example"
