"""Unsubscribing with the page's button and with a mail program's one click (RFC 8058)."""

import re
import socket
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from anymail.inbound import AnymailInboundMessage
from celery import current_app
from django.test import Client
from django.utils import timezone
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from subscribers import letters, links
from subscribers.leaving import suppression
from subscribers.leaving.unsubscribe import UNDO_FOR, by_mail, unsubscribe
from subscribers.models import Consent, Letter, Subscriber, Suppression
from tests.digest.sent import edition_of, mail_of, sent_digest
from tests.factories import make_reader

ONE_CLICK = {"List-Unsubscribe": "One-Click"}

pytestmark = pytest.mark.django_db


def path_of(reader: Subscriber) -> str:
    return urlsplit(links.unsubscribe_url(reader.pk)).path


def state_of(reader: Subscriber) -> str:
    return str(Subscriber.objects.values_list("state", flat=True).get(pk=reader.pk))


def acts() -> list[str]:
    return list(Consent.objects.order_by("pk").values_list("act", flat=True))


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_opening_the_link_changes_nothing(client: Client, reader: Subscriber, method: str) -> None:
    getattr(client, method)(path_of(reader))

    assert state_of(reader) == Subscriber.State.ACTIVE
    client.post(path_of(reader))
    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED


def test_the_page_shows_the_address_masked_and_one_button_to_leave(
    client: Client, reader: Subscriber
) -> None:
    page = client.get(path_of(reader))

    html = page.content.decode()
    assert page.status_code == 200
    assert re.findall(r'name="page" value="(\w+)"', html) == ["leave", "weekly", "pause"]
    assert "R***@dest.example" in html
    assert reader.email not in html


def test_the_button_unsubscribes(client: Client, reader: Subscriber) -> None:
    page = client.post(path_of(reader), {"page": "leave"}, follow=True)

    reader.refresh_from_db()
    assert page.redirect_chain == [(path_of(reader), 303)]
    assert "You are unsubscribed" in page.content.decode()
    assert (reader.state, reader.next_due_at) == (Subscriber.State.UNSUBSCRIBED, None)
    assert reader.unsubscribed_at is not None
    assert acts() == [Consent.Act.UNSUBSCRIBED]


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("encoding", ["multipart", "urlencoded", "none", "broken"])
def test_one_click_works_in_every_encoding_without_cookie_or_redirect(
    reader: Subscriber, slash: str, encoding: str
) -> None:
    client = Client(enforce_csrf_checks=True)
    body: dict[str, object] = {
        "multipart": {"data": ONE_CLICK},
        "urlencoded": {
            "data": "List-Unsubscribe=One-Click",
            "content_type": "application/x-www-form-urlencoded",
        },
        "none": {"data": b"", "content_type": "text/plain"},
        "broken": {"data": b"--x", "content_type": "multipart/form-data"},
    }[encoding]  # type: ignore[assignment]

    page = client.post(path_of(reader) + slash, **body)  # type: ignore[arg-type]

    assert (page.status_code, dict(page.cookies)) == (200, {})
    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED
    assert acts() == [Consent.Act.ONE_CLICK]


def test_a_repeat_and_an_unknown_link_get_the_same_answer(
    client: Client, reader: Subscriber
) -> None:
    first = client.post(path_of(reader), ONE_CLICK)
    again = client.post(path_of(reader), ONE_CLICK)
    unknown = client.post("/u/xxxxxxxxxxxxxxxxxxxxxx", ONE_CLICK)

    assert first.content == again.content == unknown.content
    assert {page.status_code for page in (first, again, unknown)} == {200}
    assert acts() == [Consent.Act.ONE_CLICK]


def test_one_click_tells_nothing_of_whose_link_it_is(client: Client) -> None:
    """The status, headers and bytes are the same, whatever happened to the reader and the link."""
    now, State = timezone.now(), Subscriber.State
    fields: list[dict[str, object]] = [
        {"language": "de"},
        {"state": State.UNSUBSCRIBED},
        {"state": State.PENDING, "confirmed_at": None},
        {"paused_until": now.date() + timedelta(days=9)},
        {},
        {},
    ]
    readers = [make_reader(**one) for one in fields]
    links.ensure(readers, now)
    paths = [path_of(reader) for reader in readers]
    suppression.suppress(readers[-1].address_hash, Suppression.Reason.COMPLAINED, now)
    readers[-2].delete()
    other_purpose = f"/u/{links.monthly(readers[0].pk, now).preferences}"

    with time_machine.travel(now, tick=False):  # one header holds the second
        answers = [
            client.post(path, ONE_CLICK)
            for path in [*paths, *paths, "/u/" + "x" * 22, "/u/short", "/u/%00", other_purpose]
        ]

    told = {(page.status_code, page.content, str(sorted(page.items()))) for page in answers}
    assert len(told) == 1
    assert {status for status, *_ in told} == {200}
    assert set(Subscriber.objects.values_list("state", flat=True)) == {State.UNSUBSCRIBED}


def test_one_click_after_erasure_is_answered_like_any_other(
    client: Client, reader: Subscriber
) -> None:
    path = path_of(reader)
    reader.delete()

    assert client.post(path, ONE_CLICK).status_code == 200


def test_only_this_reader_is_unsubscribed(client: Client, reader: Subscriber) -> None:
    other = make_reader()

    client.post(path_of(reader), ONE_CLICK)

    assert state_of(other) == Subscriber.State.ACTIVE


def test_the_link_of_an_old_mail_works_after_coming_back(
    client: Client, reader: Subscriber
) -> None:
    client.post(path_of(reader), ONE_CLICK)
    Subscriber.objects.update(state=Subscriber.State.ACTIVE)

    client.post(path_of(reader), ONE_CLICK)

    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED
    assert acts() == [Consent.Act.ONE_CLICK, Consent.Act.ONE_CLICK]


def test_unsubscribing_works_when_redis_is_down(
    client: Client, reader: Subscriber, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    monkeypatch.setattr(current_app.conf, "broker_url", settings.REDIS_URL)

    assert client.post(path_of(reader), ONE_CLICK).status_code == 200
    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED


def test_token_pages_are_kept_by_nobody(client: Client, reader: Subscriber) -> None:
    now = timezone.now()
    paths = [path_of(reader), urlsplit(links.preferences_url(reader.pk, now)).path, "/c/unknown"]

    for page in (client.get(path) for path in paths):
        assert "no-store" in page["Cache-Control"]
        assert page["Referrer-Policy"] == "no-referrer"
        assert page["X-Robots-Tag"] == "noindex, nofollow"
        assert (dict(page.cookies), page.has_header("Location")) == ({}, False)


@pytest.mark.django_db(transaction=True)
def test_one_click_works_over_http_1_0(live_server: LiveServer) -> None:
    reader = make_reader()
    links.ensure([reader], timezone.now())
    body = "List-Unsubscribe=One-Click"
    head = f"POST {path_of(reader)} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {len(body)}"
    kind = "Content-Type: application/x-www-form-urlencoded"

    with socket.create_connection((live_server.thread.host, live_server.thread.port), 10) as call:
        call.sendall(f"{head}\r\n{kind}\r\n\r\n{body}".encode())
        answer = call.makefile("rb").readline()

    assert answer.split()[1] == b"200"
    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED


# --- for ever ------------------------------------------------------------------------------
def test_the_link_in_an_old_mail_outlives_keys_and_edition(
    client: Client, settings: Settings
) -> None:
    digest = sent_digest()
    mail = mail_of(digest)
    header = str(mail.message()["List-Unsubscribe"])
    reader, edition = digest.subscriber, edition_of(digest)
    assert reader is not None

    settings.LINK_KEY = "another-link-key-another-link-key-another"
    settings.SECRET_KEY = "another-secret-key-another-secret-key-another"
    digest.delete()
    edition.delete()
    with time_machine.travel(timezone.now() + timedelta(days=3650)):
        answer = client.post(urlsplit(header.strip("<>")).path, ONE_CLICK)

    assert answer.status_code == 200
    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED


def test_the_address_in_an_old_mail_outlives_keys_and_edition(settings: Settings) -> None:
    settings.MAIL_UNSUBSCRIBE = "unsubscribe@news.example.org"
    digest = sent_digest()
    header = str(mail_of(digest).message()["List-Unsubscribe"])
    reader, edition = digest.subscriber, edition_of(digest)
    assert reader is not None
    (to,) = re.findall(r"<mailto:([^>]+)>", header)

    settings.LINK_KEY = "another-link-key-another-link-key-another"
    digest.delete()
    edition.delete()
    raw = f"From: whoever@elsewhere.example\nTo: {to}\n\n"
    by_mail(AnymailInboundMessage.parse_raw_mime(raw), timezone.now() + timedelta(days=3650))

    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED
    assert acts() == [Consent.Act.BY_MAIL]


def test_a_reader_who_signs_up_again_can_use_the_links_in_their_old_mails(
    client: Client, reader: Subscriber
) -> None:
    old = path_of(reader)
    client.post(old, ONE_CLICK)

    client.post("/api/signup", {"email": reader.email}, content_type="application/json")
    letter = letters.build(Letter.objects.get(), timezone.now())
    (confirm,) = re.findall(r"https://news\.example\.org(/c/\S+)", str(letter.body))
    client.post(confirm)
    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE
    new = str(mail_of(sent_digest(reader=reader)).message()["List-Unsubscribe"])

    assert urlsplit(new.strip("<>")).path == old
    client.post(old, ONE_CLICK)
    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED


# --- less instead --------------------------------------------------------------------------
def test_one_digest_a_week_instead(client: Client, reader: Subscriber) -> None:
    page = client.post(path_of(reader), {"page": "weekly"}, follow=True)

    reader.refresh_from_db()
    html = page.content.decode()
    assert (reader.state, reader.frequency) == ("active", "weekly")
    assert "From now on, you get one digest a week." in html
    assert re.findall(r'name="page" value="(\w+)"', html) == ["leave", "pause"]


def test_a_pause_of_a_month_instead(client: Client, reader: Subscriber) -> None:
    page = client.post(path_of(reader), {"page": "pause"}, follow=True)

    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE
    assert reader.paused_until == timezone.now().date() + timedelta(days=30)
    assert reader.next_due_at is not None
    assert reader.next_due_at.date() == reader.paused_until
    assert "You won’t get any digests for a month." in page.content.decode()


@pytest.mark.parametrize("wish", ["weekly", "pause"])
def test_choosing_fewer_digests_does_not_bring_back_a_reader_who_left(
    client: Client, reader: Subscriber, wish: str
) -> None:
    client.post(path_of(reader), ONE_CLICK)

    client.post(path_of(reader), {"page": wish})

    reader.refresh_from_db()
    assert (reader.state, reader.next_due_at) == (Subscriber.State.UNSUBSCRIBED, None)


# --- taking it back ------------------------------------------------------------------------
@pytest.mark.parametrize("leaving", [{"page": "leave"}, ONE_CLICK])
def test_leaving_can_be_taken_back_on_the_same_page(
    client: Client, reader: Subscriber, leaving: dict[str, str]
) -> None:
    client.post(path_of(reader), leaving)
    assert 'value="undo"' in client.get(path_of(reader)).content.decode()

    page = client.post(path_of(reader), {"page": "undo"}, follow=True)

    reader.refresh_from_db()
    assert (reader.state, reader.unsubscribed_at) == (Subscriber.State.ACTIVE, None)
    assert reader.next_due_at is not None
    assert acts()[1:] == [Consent.Act.RESUMED]
    assert "Welcome back" in page.content.decode()


def test_after_a_week_it_cannot_be_taken_back(client: Client, reader: Subscriber) -> None:
    unsubscribe(reader, Consent.Act.ONE_CLICK, timezone.now() - UNDO_FOR)

    page = client.post(path_of(reader), {"page": "undo"}, follow=True)

    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED
    assert 'value="undo"' not in page.content.decode()
    assert 'href="/signup/"' in page.content.decode()


@pytest.mark.parametrize("act", [Consent.Act.COMPLAINED, Consent.Act.REFUSED])
def test_a_complaint_and_a_refusal_cannot_be_taken_back(
    client: Client, reader: Subscriber, act: Consent.Act
) -> None:
    unsubscribe(reader, act, timezone.now())

    client.post(path_of(reader), {"page": "undo"})

    assert (state_of(reader), acts()) == (Subscriber.State.UNSUBSCRIBED, [act])


def test_with_an_address_that_bounced_leaving_cannot_be_taken_back(
    client: Client, reader: Subscriber
) -> None:
    unsubscribe(reader, Consent.Act.ONE_CLICK, timezone.now())
    suppression.suppress(reader.address_hash, Suppression.Reason.BOUNCED, timezone.now())

    client.post(path_of(reader), {"page": "undo"})

    assert state_of(reader) == Subscriber.State.UNSUBSCRIBED


def test_a_sign_up_that_was_never_confirmed_is_not_confirmed_by_taking_leaving_back(
    client: Client,
) -> None:
    pending = make_reader(state=Subscriber.State.PENDING, confirmed_at=None)
    links.ensure([pending], timezone.now())
    client.post(path_of(pending), ONE_CLICK)

    client.post(path_of(pending), {"page": "undo"})

    assert state_of(pending) == Subscriber.State.UNSUBSCRIBED


# --- why -----------------------------------------------------------------------------------
def test_a_reason_may_be_given_once(client: Client, reader: Subscriber) -> None:
    client.post(path_of(reader), {"page": "leave"})

    page = client.post(path_of(reader), {"page": "reason", "reason": "too_many"}, follow=True)
    client.post(path_of(reader), {"page": "reason", "reason": "other"})

    assert Consent.objects.get().reason == Consent.Reason.TOO_MANY
    assert "Thank you for telling us why." in page.content.decode()
    assert 'value="reason"' not in page.content.decode()


@pytest.mark.parametrize("reason", ["", "because"])
def test_no_reason_is_no_reason(client: Client, reader: Subscriber, reason: str) -> None:
    client.post(path_of(reader), {"page": "leave"})

    client.post(path_of(reader), {"page": "reason", "reason": reason})

    assert Consent.objects.get().reason == ""


def test_a_reader_who_stays_gives_no_reason(client: Client, reader: Subscriber) -> None:
    client.post(path_of(reader), {"page": "reason", "reason": "too_many"})

    assert (state_of(reader), acts()) == (Subscriber.State.ACTIVE, [])
