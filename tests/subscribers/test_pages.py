"""The sign-up and confirmation pages."""

import re
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from celery import current_app
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from subscribers import addresses, links, views
from subscribers.forms import SignupForm
from subscribers.models import Letter, Link, Subscriber, Suppression, Topic
from subscribers.suppression import suppress
from tests.factories import make_reader, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def opened() -> str:
    """The signed time of a form that was opened ten seconds ago."""
    with time_machine.travel(timezone.now() - timedelta(seconds=10)):
        return SignupForm.opened_now()


def entered(opened: str, **changes: object) -> dict[str, object]:
    return {"email": "reader@dest.example", "opened": opened, **changes}


# --- the front page ------------------------------------------------------------------------
@pytest.mark.parametrize("topics", [1, 3])
def test_the_front_page_takes_one_query_and_sets_no_cookie(
    client: Client, topics: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Topic.objects.all().delete()
    offered = [make_topic() for _ in range(topics)]
    make_topic(name="Withdrawn", is_offered=False)

    with django_assert_num_queries(1):
        page = client.get("/")

    html = page.content.decode()
    assert dict(page.cookies) == {}
    assert all(topic.name in html for topic in offered)
    assert "Withdrawn" not in html


def test_signing_up_makes_a_pending_subscriber_and_a_letter(client: Client, opened: str) -> None:
    topic = make_topic()

    page = client.post("/", entered(opened, topics=[topic.pk], zone="Asia/Tokyo"))

    subscriber = Subscriber.objects.get()
    assert (page.status_code, page["Location"]) == (302, "/signup/check-your-inbox/")
    assert (subscriber.state, subscriber.zone) == (Subscriber.State.PENDING, "Asia/Tokyo")
    assert set(subscriber.topics.all()) == {topic}
    assert Letter.objects.get().kind == Letter.Kind.CONFIRM


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd"])
def test_a_zone_that_we_do_not_know_is_utc(client: Client, opened: str, zone: str) -> None:
    client.post("/", entered(opened, zone=zone))

    assert Subscriber.objects.get().zone == "UTC"


def test_every_address_gets_the_same_answer(client: Client, opened: str) -> None:
    make_reader(email="active@dest.example")
    suppress(
        addresses.hashed("complained@dest.example"), Suppression.Reason.COMPLAINED, timezone.now()
    )

    answers = [
        client.post("/", entered(opened, email=f"{name}@dest.example"), follow=True)
        for name in ("new", "new", "active", "complained")
    ]

    assert len({answer.content for answer in answers}) == 1
    assert len({str(answer.redirect_chain) for answer in answers}) == 1
    assert Letter.objects.count() == 2


@pytest.mark.parametrize(
    "email",
    [
        "",
        "no address",
        "a@x.example\r\nBcc: e@x.example",
        '"n" <a@x.example>, b@y.example',
        "a\x00@x.example",
        "a\u2028@x.example",
        f"{'a' * 300}@x.example",
        "<script>alert(1)</script>@x.example",
    ],
)
def test_wrong_input_shows_the_form_again_with_what_was_entered(
    client: Client, opened: str, email: str
) -> None:
    topic = make_topic()

    page = client.post("/", entered(opened, email=email, topics=[topic.pk]))

    html = page.content.decode()
    assert (page.status_code, Subscriber.objects.count()) == (200, 0)
    assert 'id="id_email_error"' in html
    assert re.findall(r'value="(\d+)"[^>]* checked', html) == [str(topic.pk)]
    assert "<script>alert" not in html


# --- programs ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "trick",
    [{"website": "https://spam.example"}, {"opened": ""}, {"opened": "form:1tZZZZ:forged"}],
)
def test_a_program_is_told_a_success_that_is_none(
    client: Client, opened: str, trick: dict[str, str]
) -> None:
    page = client.post("/", entered(opened) | trick)

    assert page["Location"] == "/signup/check-your-inbox/"
    assert Subscriber.objects.count() == 0


def test_a_form_that_is_filled_in_within_two_seconds_is_a_programs(client: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        signed = SignupForm.opened_now()
        clock.shift(timedelta(seconds=1))
        quick = client.post("/", entered(signed))
        assert Subscriber.objects.count() == 0
        clock.shift(timedelta(seconds=2))
        slow = client.post("/", entered(signed))

    assert quick["Location"] == slow["Location"]
    assert Subscriber.objects.count() == 1


def test_a_page_that_was_open_for_days_asks_once_more(client: Client, opened: str) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        page = client.post("/", entered(opened))

    assert (page.status_code, Subscriber.objects.count()) == (200, 0)
    assert "open for more than a day" in page.content.decode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 302),
        ({"Sec-Fetch-Site": "same-origin"}, 302),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 302),
        ({"Origin": "http://testserver"}, 302),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_a_form_that_another_site_sends_is_refused(
    opened: str, headers: dict[str, str], status: int
) -> None:
    client = Client(enforce_csrf_checks=True, headers=headers)

    page = client.post("/", entered(opened))

    assert page.status_code == status
    assert Subscriber.objects.count() == (status == 302)


@pytest.mark.django_db(transaction=True)
def test_signing_up_works_while_the_broker_is_down(
    client: Client, opened: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)
    monkeypatch.setattr(current_app, "_pool", None)

    page = client.post("/", entered(opened))

    assert (page.status_code, Letter.objects.waiting().count()) == (302, 1)
    assert [record.name for record in caplog.records] == [views.__name__]


# --- confirming ----------------------------------------------------------------------------
@pytest.fixture
def pending() -> Subscriber:
    return make_reader(state=Subscriber.State.PENDING, confirmed_at=None, next_due_at=None)


@pytest.fixture
def path(pending: Subscriber) -> str:
    """A confirmation link that was made now."""
    return path_made(pending, timezone.now())


def path_made(subscriber: Subscriber, now: object) -> str:
    url = links.issue(subscriber, Link.Purpose.CONFIRM, links.CONFIRM_LIFETIME, now)  # type: ignore[arg-type]
    return urlsplit(url).path


@pytest.mark.parametrize("method", ["get", "head", "options"])
def test_a_scanner_that_opens_the_link_confirms_nothing(
    client: Client, pending: Subscriber, path: str, method: str
) -> None:
    getattr(client, method)(path)

    pending.refresh_from_db()
    assert pending.state == Subscriber.State.PENDING
    client.post(path)
    pending.refresh_from_db()
    assert pending.state == Subscriber.State.ACTIVE


def test_the_button_confirms_and_leads_to_the_preferences(pending: Subscriber, path: str) -> None:
    client = Client(enforce_csrf_checks=True)

    page = client.post(path, follow=True)

    now = timezone.now()
    preferences_url = links.preferences_url(pending.pk, now)
    assert page.templates[0].name == "subscribers/confirmed.html"
    assert preferences_url in page.content.decode()
    assert client.get(urlsplit(preferences_url).path).status_code == 200
    assert dict(client.cookies) == {}


def test_a_used_link_shows_the_success_again(client: Client, path: str) -> None:
    client.post(path)

    shown, repeated = client.get(path), client.post(path, follow=True)

    assert shown.content == repeated.content
    assert shown.templates[0].name == "subscribers/confirmed.html"


def test_a_truncated_link_gets_a_page_that_helps(client: Client, path: str) -> None:
    for page in (client.get(path[:-3]), client.post(path[:-3])):
        assert (page.status_code, page.templates[0].name) == (404, "subscribers/bad_link.html")


def test_an_old_link_gets_a_page_that_says_how_to_get_a_new_one(
    client: Client, pending: Subscriber
) -> None:
    path = path_made(pending, timezone.now() - timedelta(hours=49))

    page = client.post(path)

    pending.refresh_from_db()
    assert (page.status_code, page.templates[0].name) == (410, "subscribers/expired_link.html")
    assert pending.state == Subscriber.State.PENDING
