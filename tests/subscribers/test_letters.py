"""Letters, over a real SMTP conversation."""

import re
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage as Parsed
from urllib.parse import urlsplit

import pytest
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django import Settings

from subscribers import letters, links
from subscribers.leaving.suppression import suppress
from subscribers.letters import LetterCounts
from subscribers.models import Letter, Link, Subscriber, Suppression
from tests.factories import make_reader
from tests.smtp_sink import Received, Sink

pytestmark = pytest.mark.django_db(transaction=True)

CONFIRM = Letter.Kind.CONFIRM
KNOWN = Letter.Kind.KNOWN


def waiting(kind: str, now: datetime, **fields: object) -> Letter:
    subscriber = make_reader(email="Reader@dest.example", state=Subscriber.State.PENDING, **fields)
    return Letter.objects.create(
        subscriber=subscriber, kind=kind, created_at=now, next_attempt_at=now
    )


def parsed(received: Received) -> Parsed:
    message = message_from_bytes(received.content, policy=policy.default)
    assert isinstance(message, Parsed)
    return message


def text_of(message: Parsed, kind: str) -> str:
    part = message.get_body((kind,))
    assert isinstance(part, Parsed)
    return str(part.get_content())


# --- what goes out -------------------------------------------------------------------------
def test_a_waiting_letter_goes_out_once(now: datetime, sink: Sink) -> None:
    letter = waiting(CONFIRM, now)

    first, second = letters.send_waiting(now, 10), letters.send_waiting(now, 10)

    letter.refresh_from_db()
    assert (first, second) == (LetterCounts(sent=1), LetterCounts())
    assert [message.recipients for message in sink.messages] == [["Reader@dest.example"]]
    assert (letter.sent_at, letter.attempts) == (now, 1)


@pytest.mark.parametrize("kind", [CONFIRM, KNOWN])
def test_a_letter_has_the_headers_of_a_single_mail_that_a_program_wrote(
    now: datetime, sink: Sink, kind: str
) -> None:
    letter = waiting(kind, now)

    letters.send_waiting(now, 10)

    message = parsed(sink.messages[0])
    names = sorted({name.lower() for name in message.keys()})  # noqa: SIM118  # not a dict
    assert names == [
        "auto-submitted",
        "content-language",
        "content-type",
        "date",
        "form-sub",
        "from",
        "message-id",
        "mime-version",
        "subject",
        "to",
        "x-auto-response-suppress",
    ]
    assert message["From"] == "Broadsheet <digest@news.example.org>"
    assert message["To"] == "Reader@dest.example"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Form-Sub"] == "v=1"
    pattern = rf"<c\.{letter.pk}\.[0-9a-f]{{8}}@news\.example\.org>"
    assert re.fullmatch(pattern, message["Message-ID"])


def test_a_confirmation_says_the_same_in_text_and_html(now: datetime, sink: Sink) -> None:
    waiting(CONFIRM, now)

    letters.send_waiting(now, 10)

    message = parsed(sink.messages[0])
    links_of = [
        set(re.findall(r"https://news\.example\.org/c/[\w-]{32}", text_of(message, kind)))
        for kind in ("plain", "html")
    ]
    assert message["Subject"] == "Confirm your Broadsheet digest"
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "text/plain",
        "text/html",
    ]
    assert links_of[0] == links_of[1]
    assert len(links_of[0]) == 1


def test_the_link_in_a_confirmation_confirms(now: datetime, sink: Sink, client: Client) -> None:
    letter = waiting(CONFIRM, now)
    letters.send(letter, datetime.now(tz=now.tzinfo))

    found = re.search(r"https://\S+/c/\S+", text_of(parsed(sink.messages[0]), "plain"))
    assert found is not None
    client.post(urlsplit(found.group()).path)

    letter.subscriber.refresh_from_db()
    assert letter.subscriber.state == Subscriber.State.ACTIVE


def test_the_other_link_in_a_confirmation_forgets_the_address(
    now: datetime, sink: Sink, client: Client
) -> None:
    letter = waiting(CONFIRM, now)
    letters.send(letter, datetime.now(tz=now.tzinfo))

    found = re.search(r"https://\S+/n/\S+", text_of(parsed(sink.messages[0]), "plain"))
    assert found is not None
    client.post(urlsplit(found.group()).path)

    assert not Subscriber.objects.exists()
    assert Suppression.objects.get().address_hash == letter.subscriber.address_hash


def test_a_letter_is_in_its_readers_language(now: datetime, sink: Sink) -> None:
    waiting(CONFIRM, now, language="de")

    letters.send_waiting(now, 10)

    message = parsed(sink.messages[0])
    assert message["Content-Language"] == "de"
    assert '<html lang="de"' in text_of(message, "html")


def test_the_letter_to_a_reader_holds_their_preferences_link(now: datetime, sink: Sink) -> None:
    letter = waiting(KNOWN, now)

    letters.send_waiting(now, 10)

    url = links.preferences_url(letter.subscriber_id, now)
    assert url in text_of(parsed(sink.messages[0]), "plain")
    assert links.find(url.rpartition("/")[2], Link.Purpose.PREFERENCES, now)


def test_the_link_is_made_when_the_letter_goes_out(now: datetime, sink: Sink) -> None:
    waiting(CONFIRM, now)
    assert not Link.objects.exists()

    letters.send_waiting(now + timedelta(hours=5), 10)

    link = Link.objects.get(purpose=Link.Purpose.CONFIRM)
    assert link.expires_at == now + timedelta(hours=53)


# --- when it cannot ------------------------------------------------------------------------
def test_a_letter_that_fails_waits_longer_each_time_and_is_given_up(
    now: datetime, sink: Sink
) -> None:
    sink.on_data = lambda _: "451 4.3.0 not now"
    letter = waiting(CONFIRM, now)
    waits = []

    while letter.given_up_at is None:
        at = letter.next_attempt_at
        letters.send_waiting(at, 10)
        letter.refresh_from_db()
        waits.append((letter.next_attempt_at - at) // timedelta(minutes=1))

    assert waits[:-1] == [1, 2, 4, 8, 16, 32, 60]
    assert letter.attempts == letters.ATTEMPTS
    assert sink.messages == []


def test_every_attempt_has_the_same_message_id(now: datetime, sink: Sink) -> None:
    sink.on_data = sink.accept_and_hang_up
    letter = waiting(CONFIRM, now)

    letters.send_waiting(now, 10)
    letter.refresh_from_db()
    letters.send_waiting(letter.next_attempt_at, 10)

    ids = [parsed(message)["Message-ID"] for message in sink.messages]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_an_address_that_is_refused_for_good_is_given_up_at_once(now: datetime, sink: Sink) -> None:
    sink.on_rcpt = lambda _: "550 5.1.1 no such user"
    letter = waiting(CONFIRM, now)

    counts = letters.send_waiting(now, 10)

    letter.refresh_from_db()
    assert counts == LetterCounts(given_up=1)
    assert (letter.given_up_at, letter.attempts) == (now, 1)


def test_an_address_that_is_refused_for_now_is_tried_again(now: datetime, sink: Sink) -> None:
    sink.on_rcpt = lambda _: "450 4.2.0 greylisted"
    waiting(CONFIRM, now)

    assert letters.send_waiting(now, 10) == LetterCounts(postponed=1)


def test_a_mail_server_that_is_down_postpones_the_letter(now: datetime, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_PORT = 1
    waiting(CONFIRM, now)

    assert letters.send_waiting(now, 10) == LetterCounts(postponed=1)


def test_one_bad_letter_does_not_keep_back_the_next(now: datetime, sink: Sink) -> None:
    bad = waiting(CONFIRM, now)
    Subscriber.objects.update(email="a@x.example, b@y.example")
    good = Letter.objects.create(
        subscriber=make_reader(email="good@dest.example"),
        kind=KNOWN,
        next_attempt_at=now,
    )

    counts = letters.send_waiting(now, 10)

    bad.refresh_from_db()
    assert counts == LetterCounts(sent=1, given_up=1)
    assert [message.recipients for message in sink.messages] == [[good.subscriber.email]]


def test_an_address_suppressed_after_it_asked_gets_no_letter(now: datetime, sink: Sink) -> None:
    letter = waiting(CONFIRM, now)
    suppress(letter.subscriber.address_hash, Suppression.Reason.COMPLAINED, now)

    counts = letters.send_waiting(now, 10)

    assert (counts, sink.messages) == (LetterCounts(given_up=1), [])


def test_a_letter_in_another_workers_hands_is_left_alone_until_its_lease_ends(
    now: datetime, sink: Sink
) -> None:
    waiting(CONFIRM, now)
    letters._claim(now)  # and then that worker is killed

    assert letters.send_waiting(now + timedelta(minutes=9), 10) == LetterCounts()
    assert letters.send_waiting(now + letters.LEASE, 10) == LetterCounts(sent=1)


# --- the guard -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "fields",
    [
        {"to": ["a@x.example\r\nBcc: e@x.example"]},
        {"to": ['"x" <a@x.example>, e@x.example']},
        {"to": ["a@x.example", "e@x.example"]},
        {"to": ["a@x.example"], "bcc": ["e@x.example"]},
        {"to": []},
        {"to": ["a@x.example\nBcc: e@x.example"]},
        {"to": ["a@x.example\x00"]},
        {"to": ["a@x.example\x85"]},
        {"to": ["a@x.example\u2028e@x.example"]},
        {"to": ["\u202ea@x.example"]},
        {"to": ["A Name <a@x.example>"]},
        {"to": ['"quoted"@x.example']},
        {"to": ["a@[192.0.2.1]"]},
        {"to": [f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.example"]},
        {"to": ["j\u00f6rg@x.example"]},
        {"to": ["a@x.example"], "cc": ["e@x.example"]},
        {"to": ["a@x.example"], "subject": "Hello\x00"},
        {"to": ["a@x.example"], "subject": "Hello\u202e"},
        {"to": ["a@x.example"], "headers": {"X-Note\nBcc": "e@x.example"}},
        {"to": ["a@x.example"], "subject": "Hello\r\nBcc: e@x.example"},
        {"to": ["a@x.example"], "subject": "Hello\u2028there"},
        {"to": ["a@x.example"], "headers": {"X-Note": "a\nBcc: e@x.example"}},
        {"to": ["a@x.example"], "from_email": "b@x.example\nBcc: e@x.example"},
    ],
)
def test_the_guard_refuses_a_second_recipient_however_it_is_hidden(
    fields: dict[str, object],
) -> None:
    letters.check(EmailMessage(subject="Hello", to=["a@x.example"]))

    with pytest.raises(ValueError, match=r".+"):
        letters.check(EmailMessage(**fields))  # type: ignore[arg-type]


def test_a_log_line_names_no_address(
    now: datetime, sink: Sink, caplog: pytest.LogCaptureFixture
) -> None:
    sink.on_rcpt = lambda address: f"550 5.1.1 <{address}> is unknown"
    letter = waiting(CONFIRM, now)

    letters.send_waiting(now, 10)

    ours = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
    assert ours == [f"Letter {letter.pk} given up: SMTP 550 5.1.1 <<address>> is unknown"]
