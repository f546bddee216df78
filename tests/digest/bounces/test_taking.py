"""What a mail to the return path means, in the forms in which mail servers write."""

import time
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import Settings

from digest.bounces.taking import Fate, take
from digest.mail.return_path import sender_of
from digest.models import Digest, Event
from subscribers import links
from subscribers.leaving.erasing import erase
from subscribers.leaving.suppression import is_suppressed
from subscribers.models import Letter, Subscriber, Suppression
from tests.factories import make_digest, make_edition, make_reader

from . import samples

pytestmark = pytest.mark.django_db

State = Digest.State
BOUNCES = "bounces@news.example.org"


@pytest.fixture(autouse=True)
def _settings(settings: Settings) -> None:
    settings.MAIL_BOUNCES = BOUNCES


@pytest.fixture
def digest() -> Digest:
    return make_digest(
        make_edition(), make_reader(), state=State.SENT, handed_over_at=timezone.now()
    )


def reader_of(digest: Digest) -> Subscriber:
    assert digest.subscriber is not None
    return digest.subscriber


def path_of(digest: Digest) -> str:
    return path(reader_of(digest).email, digest=str(digest.uuid))


def path(address: str, **metadata: str) -> str:
    message = EmailMessage()
    message.metadata = metadata  # type: ignore[attr-defined]  # as anymail's have
    return sender_of(message, address)


def taken(digest: Digest, make: Callable[..., bytes], **how: str) -> tuple[Fate, str, bool]:
    """What becomes of the mail, of the digest, and whether its reader is suppressed."""
    address = reader_of(digest).email
    fate = take(make(path_of(digest), address, **how))
    digest.refresh_from_db()
    return fate, digest.state, is_suppressed(reader_of(digest).address_hash)


@pytest.mark.parametrize("server", samples.HARD)
def test_an_unknown_reader_is_suppressed(digest: Digest, server: str) -> None:
    other = make_reader()

    assert taken(digest, samples.HARD[server]) == (Fate.STORED, State.BOUNCED, True)
    # The same mail twice counts once.
    assert taken(digest, samples.HARD[server]) == (Fate.KNOWN, State.BOUNCED, True)
    assert Event.objects.get().mail_service == "smtp"
    assert not is_suppressed(other.address_hash)


NOT_HARD = [
    ({"action": "delayed", "status": "4.4.1", "said": "connect timed out"}, State.DEFERRED),
    ({"status": "4.4.1", "said": "451 4.4.1 given up after five days"}, State.DEFERRED),
    ({"status": "5.2.2", "said": "552 5.2.2 The mailbox is full"}, State.DEFERRED),
    ({"status": "5.0.0", "said": "550 no"}, State.DEFERRED),
    ({"status": "5.7.1", "said": "554 5.7.1 Message rejected as spam"}, State.FAILED),
    ({"status": "5.7.26", "said": "550 5.7.26 Not authenticated: DMARC"}, State.FAILED),
    ({"action": "relayed", "status": "2.0.0", "said": "250 ok"}, State.SENT),
    ({"action": "expanded (to a list)", "status": "2.0.0", "said": "250 ok"}, State.SENT),
    ({"action": "delivered", "status": "2.0.0", "said": "250 User unknown"}, State.DELIVERED),
]


@pytest.mark.parametrize(("how", "state"), NOT_HARD)
def test_everything_else_suppresses_nobody(digest: Digest, how: dict[str, str], state: str) -> None:
    assert taken(digest, samples.postfix, **how) == (Fate.STORED, state, False)


def test_five_soft_bounces_over_two_weeks_suppress() -> None:
    reader, now = make_reader(), timezone.now()
    full = {"status": "5.2.2", "said": "552 5.2.2 The mailbox is full"}
    told = []
    for number in range(5):
        at = now - timedelta(days=20 - 4 * number)
        edition = make_edition(day=at.date())
        sent = make_digest(edition, reader, state=State.SENT, handed_over_at=at)
        told.append(taken(sent, samples.postfix, **full)[2])

    assert told == [False, False, False, False, True]


def test_a_mailbox_behind_the_readers_says_nothing_for_good(digest: Digest) -> None:
    """The reader's server passed the mail on, and what it got back is about somebody else."""
    content = samples.postfix(path_of(digest), "elsewhere@other.example")

    assert take(content) is Fate.STORED
    assert not is_suppressed(reader_of(digest).address_hash)
    assert not Event.objects.get().is_permanent


def test_one_of_two_mailboxes_that_got_it_is_enough(digest: Digest) -> None:
    content = samples.exchange(path_of(digest), "first@other.example").replace(
        b"Status: 5.1.1\r\n",
        b"Status: 5.1.1\r\n\r\nFinal-Recipient: rfc822;second@other.example\r\n"
        b"Action: delivered\r\nStatus: 2.0.0\r\n",
    )

    assert take(content) is Fate.STORED
    assert Event.objects.get().kind == "delivered"


def test_a_complaint_stops_the_mail(digest: Digest) -> None:
    assert taken(digest, samples.complaint) == (Fate.STORED, State.COMPLAINED, True)
    reader = Subscriber.objects.get()
    assert reader.state == Subscriber.State.UNSUBSCRIBED
    assert Suppression.objects.get().reason == Suppression.Reason.COMPLAINED


@pytest.mark.parametrize("kind", ["not-spam", "virus", "other"])
def test_other_feedback_is_no_complaint(digest: Digest, kind: str) -> None:
    assert taken(digest, samples.complaint, kind=kind) == (Fate.NOTHING, State.SENT, False)


@pytest.mark.parametrize("name", samples.HARMLESS)
def test_what_a_program_answers_is_no_bounce(digest: Digest, name: str) -> None:
    text = samples.HARMLESS[name]

    assert taken(digest, lambda path, reader: samples.bytes_of(text, path=path, reader=reader)) == (
        Fate.NOTHING,
        State.SENT,
        False,
    )


@pytest.mark.parametrize("name", samples.ODD)
def test_what_nobody_understands_is_put_aside(digest: Digest, name: str) -> None:
    text = samples.ODD[name]

    assert taken(digest, lambda path, reader: samples.bytes_of(text, path=path, reader=reader)) == (
        Fate.ASIDE,
        State.SENT,
        False,
    )


# --- whose it is ---------------------------------------------------------------------------
def test_only_what_we_have_signed_counts(digest: Digest, settings: Settings) -> None:
    address, ours = reader_of(digest).email, path_of(digest)
    token = ours.partition("+")[2].partition("@")[0]
    wrong = token[:-5] + ("b" if token[-5] != "b" else "c") + token[-4:]
    key, settings.LINK_KEY = settings.LINK_KEY, "another-key-of-at-least-thirty-two-characters"
    of_another_key = path_of(digest)
    settings.LINK_KEY = key
    forged = [ours.replace(token, wrong), of_another_key]
    foreign = [
        ours.replace(token, links.unsubscribe_token(reader_of(digest).pk)),
        ours.replace(token, "a" * 40),
        path(address, digest=str(uuid4())),
        path(address, letter=str(10**18)),
        f"bounces+{digest.uuid.hex}@news.example.org",
        BOUNCES,
    ]

    assert [take(samples.postfix(one, address)) for one in forged] == [Fate.NOTHING] * 2
    assert [take(samples.postfix(one, address)) for one in foreign] == [Fate.ASIDE] * 6
    assert not Event.objects.exists()


def test_a_token_holds_no_address_and_survives_changed_case(digest: Digest) -> None:
    ours, address = path_of(digest), reader_of(digest).email
    local = ours.rpartition("@")[0]

    assert len(local) <= 64
    assert address.rpartition("@")[0] not in ours
    assert take(samples.postfix(local.upper() + "@NEWS.example.org", address)) is Fate.STORED


def test_one_who_was_erased_leaves_no_trace(digest: Digest) -> None:
    content = samples.postfix(path_of(digest), reader_of(digest).email)
    erase(reader_of(digest), timezone.now())

    assert take(content) is Fate.NOTHING
    assert not Event.objects.exists()


def test_a_former_address_says_nothing_of_the_new_one(digest: Digest) -> None:
    reader = reader_of(digest)
    content = samples.postfix(path_of(digest), reader.email)
    moved = make_reader()
    email, address_hash = moved.email, moved.address_hash
    moved.delete()
    Subscriber.objects.filter(pk=reader.pk).update(email=email, address_hash=address_hash)

    assert take(content) is Fate.NOTHING
    assert not Event.objects.exists()


def test_a_letter_bounces_too() -> None:
    reader = make_reader(state=Subscriber.State.PENDING)
    letter = Letter.objects.create(subscriber=reader, kind=Letter.Kind.CONFIRM)
    new = Letter.objects.create(subscriber=reader, kind=Letter.Kind.CHANGE, to="new@dest.example")
    to_new = path("new@dest.example", letter=str(new.pk))

    assert take(samples.gmail(to_new, "new@dest.example")) is Fate.NOTHING
    assert not is_suppressed(reader.address_hash)
    ours = path(reader.email, letter=str(letter.pk))
    assert take(samples.gmail(ours, reader.email)) is Fate.STORED
    assert is_suppressed(reader.address_hash)


def test_a_mailbox_may_serve_those_who_leave_by_mail(digest: Digest, settings: Settings) -> None:
    settings.MAIL_UNSUBSCRIBE = BOUNCES
    reader = reader_of(digest)
    links.ensure([reader], timezone.now())
    address = links.unsubscribe_address(links.unsubscribe_token(reader.pk))
    text = f"From: {reader.email}\nTo: {address}\nSubject: unsubscribe\n\nunsubscribe\n"

    assert take(samples.bytes_of(text)) is Fate.LEFT
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.UNSUBSCRIBED


# --- bounds --------------------------------------------------------------------------------
def test_no_mail_takes_long(digest: Digest) -> None:
    """Each of these takes the standard library's parser, or a pattern, many seconds."""
    path = path_of(digest)
    deep = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(9000))
    head = f"To: {path}\nFrom: MAILER-DAEMON@x.example\n"
    hostile = [
        head + deep,
        head + 'Content-Type: multipart/report; x="' + ";a" * 200_000,
        head + "Content-Type: multipart/report; boundary=b\n\n" + "--b\n\n" * 100_000,
        head + "Content-Type: multipart/report; boundary=b\n\n--b\n"
        "Content-Type: message/delivery-status\n\n" + "Action: failed\n\n" * 30_000,
        head + "\n" + "a" * 400_000 + "@" * 1000,
        head + "\n<" * 200_000 + "550 5.1.1 " * 9000,
        head + "Subject: =?utf-8?q?" + "=" * 400_000 + "\n\nx",
        f"To: {'<' * 100_000}{path}\n" * 5,
    ]
    began = time.process_time()

    fates = {take(one.encode()) for one in hostile}

    # Far more than it takes, far less than any of these did.
    assert time.process_time() - began < 10
    assert fates == {Fate.ASIDE}
