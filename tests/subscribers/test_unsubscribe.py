"""The way out: by the page's button and by a mail program's one click (RFC 8058)."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from celery import current_app
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from subscribers import links
from subscribers.models import Consent, Subscriber
from tests.factories import make_reader

ONE_CLICK = {"List-Unsubscribe": "One-Click"}

Post = Callable[[str], int]


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


def test_the_page_shows_the_address_masked_and_one_button(
    client: Client, reader: Subscriber
) -> None:
    page = client.get(path_of(reader))

    html = page.content.decode()
    assert page.status_code == 200
    assert (html.count("<form"), html.count("<button")) == (1, 1)
    assert "R***@dest.example" in html
    assert reader.email not in html


def test_the_button_unsubscribes(client: Client, reader: Subscriber) -> None:
    page = client.post(path_of(reader), {"page": "1"})

    reader.refresh_from_db()
    assert page.status_code == 200
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
