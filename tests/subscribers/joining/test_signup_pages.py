"""The sign-up form on our own pages."""

import re
from datetime import timedelta

import pytest
import time_machine
from celery import current_app
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from subscribers import addresses
from subscribers.forms import opened_now
from subscribers.leaving.suppression import suppress
from subscribers.models import Letter, Subscriber, Suppression, Topic
from subscribers.views import queueing
from tests.factories import make_reader, make_topic

pytestmark = pytest.mark.django_db


def opened_ago(seconds: int) -> str:
    with time_machine.travel(timezone.now() - timedelta(seconds=seconds)):
        return opened_now()


def entered(opened: str, **changes: object) -> dict[str, object]:
    return {"email": "reader@dest.example", "opened": opened, **changes}


# --- the front page ------------------------------------------------------------------------
@pytest.mark.parametrize("topics", [1, 3])
def test_the_front_page_takes_few_queries_and_sets_no_cookie(
    client: Client, topics: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    Topic.objects.all().delete()
    offered = [make_topic() for _ in range(topics)]
    make_topic(name="Withdrawn", is_offered=False)

    cache.clear()
    with django_assert_num_queries(2):  # for the topics, and for the newest edition
        page = client.get("/")
    with django_assert_num_queries(1):
        client.get("/")

    html = page.content.decode()
    assert dict(page.cookies) == {}
    assert all(topic.name in html for topic in offered)
    assert "Withdrawn" not in html


def test_signing_up_makes_a_pending_subscriber_and_a_letter(client: Client, opened: str) -> None:
    topic = make_topic()

    page = client.post("/", entered(opened, topics=[topic.slug], zone="Asia/Tokyo"))

    subscriber = Subscriber.objects.get()
    assert (page.status_code, page["Location"]) == (302, "/signup/check-your-inbox/")
    assert (subscriber.state, subscriber.zone) == (Subscriber.State.PENDING, "Asia/Tokyo")
    assert set(subscriber.topics.all()) == {topic}
    assert Letter.objects.get().kind == Letter.Kind.CONFIRM


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../../etc/passwd"])
def test_a_zone_that_we_do_not_know_is_utc(client: Client, opened: str, zone: str) -> None:
    client.post("/", entered(opened, zone=zone))

    assert Subscriber.objects.get().zone == "UTC"


def test_every_address_gets_the_same_bytes_for_the_same_work(client: Client, opened: str) -> None:
    make_reader(email="active@dest.example")
    make_reader(email="left@dest.example", state=Subscriber.State.UNSUBSCRIBED)
    suppress(addresses.hashed("bad@dest.example"), Suppression.Reason.COMPLAINED, timezone.now())
    topic = make_topic()
    queries, answers = set(), set()

    for number, name in enumerate(("new", "new", "active", "active", "left", "bad")):
        form = f"{name}@dest.example", opened_ago(seconds=10 + number)
        with CaptureQueriesContext(connection) as captured:
            answer = client.post("/", entered(form[1], email=form[0], topics=[topic.slug]))
        queries.add(tuple(query["sql"].split(" ")[0] for query in captured))
        answers.add((answer.status_code, answer.content, str(sorted(answer.items()))))

    assert (len(queries), len(answers)) == (1, 1)
    assert Letter.objects.count() == 4


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

    page = client.post("/", entered(opened, email=email, topics=[topic.slug]))

    html = page.content.decode()
    assert (page.status_code, Subscriber.objects.count()) == (200, 0)
    assert 'id="id_email_error"' in html
    assert re.findall(r'value="([^"]+)"[^>]* checked', html) == [topic.slug]
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


def test_a_form_that_is_filled_in_within_two_seconds_comes_from_a_program(client: Client) -> None:
    with time_machine.travel(timezone.now(), tick=False) as clock:
        signed = opened_now()
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
    ("headers", "is_taken"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Origin": "http://testserver"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://[::1"}, False),
        ({"Origin": "http://testserver]"}, False),
    ],
)
def test_a_form_that_another_site_sends_is_shown_and_not_taken(
    opened: str, headers: dict[str, str], is_taken: bool
) -> None:
    client = Client(enforce_csrf_checks=True, headers=headers)

    page = client.post("/", entered(opened))

    assert page.status_code == (302 if is_taken else 200)
    assert Subscriber.objects.count() == is_taken


@pytest.mark.django_db(transaction=True)
def test_signing_up_works_while_the_broker_is_down(
    client: Client, opened: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(current_app.conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(current_app.amqp, "_producer_pool", None)
    monkeypatch.setattr(current_app, "_pool", None)

    page = client.post("/", entered(opened))

    assert (page.status_code, Letter.objects.waiting().count()) == (302, 1)
    assert [record.name for record in caplog.records] == [queueing.__name__]


# --- a slip of the fingers -----------------------------------------------------------------
def test_a_typo_in_a_common_domain_is_asked_about_and_corrected(
    client: Client, opened: str
) -> None:
    slip = entered(opened, email="Ada@gmial.com", zone="Asia/Tokyo")
    asked = client.post("/", slip)
    assert (asked.status_code, Subscriber.objects.count()) == (200, 0)
    assert "<strong>gmail.com</strong>" in asked.content.decode()

    page = client.post("/", slip | {"spelling": "Ada@gmail.com"})

    subscriber = Subscriber.objects.get()
    assert page.status_code == 302
    assert (subscriber.email, subscriber.zone) == ("Ada@gmail.com", "Asia/Tokyo")


def test_an_odd_domain_is_taken_when_the_visitor_insists(client: Client, opened: str) -> None:
    page = client.post("/", entered(opened, email="ada@gmial.com", spelling="ada@gmial.com"))

    assert page.status_code == 302
    assert Subscriber.objects.get().email == "ada@gmial.com"


def test_a_visitor_who_corrects_a_typo_need_not_wait_again(client: Client, opened: str) -> None:
    asked = client.post("/", entered(opened, email="ada@gmial.com"))

    assert f'name="opened" value="{opened}"' in asked.content.decode()


# --- zone, language, and where to go -------------------------------------------------------
def test_the_zone_can_be_chosen_and_stays_chosen(client: Client, opened: str) -> None:
    shown = client.get("/").content.decode()
    again = client.post("/", entered(opened, email="", zone="Asia/Tokyo")).content.decode()

    assert re.findall(r'value="([^"]+)" selected', shown) == ["UTC"]
    assert re.findall(r'value="([^"]+)" selected', again) == ["Asia/Tokyo"]
    assert (shown.count("data-zone"), again.count("data-zone")) == (1, 0)


def test_the_language_of_the_page_is_the_readers(client: Client, opened: str) -> None:
    client.post("/", entered(opened), headers={"Accept-Language": "de-AT,de;q=0.9"})

    assert Subscriber.objects.get().language == "de"


@pytest.mark.parametrize(
    ("wanted", "location"),
    [
        ("https://blog.example/thanks?a=1", "https://blog.example/thanks?a=1"),
        ("https://blog.example", "https://blog.example"),
        ("http://blog.example/", ""),
        ("https://blog.example:8443/", ""),
        ("https://blog.example@evil.example/", ""),
        ("https://evil.example\\@blog.example/", ""),
        ("https://blog.example.evil.example/", ""),
        ("//blog.example/", ""),
        ("//evil.example/", ""),
        ("javascript:alert(1)", ""),
        ("https://[evil", ""),
        ("/%0d%0aSet-Cookie:a=b", ""),
        ("https://blog.example/\r\nSet-Cookie: a=b", "https://blog.example/Set-Cookie:%20a=b"),
    ],
)
def test_a_redirect_goes_to_allowed_origins_only(
    client: Client, opened: str, settings: Settings, wanted: str, location: str
) -> None:
    settings.SIGNUP_REDIRECTS = ["https://blog.example"]

    page = client.post("/", entered(opened, next=wanted))

    assert page["Location"] == (location or "/signup/check-your-inbox/")
    assert dict(page.cookies) == {}
