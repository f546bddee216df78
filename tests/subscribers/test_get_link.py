"""For readers without a link at hand: a page that mails one, and tells strangers nothing."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from subscribers import links
from subscribers.models import Letter, Link, Subscriber
from tests.factories import make_reader

pytestmark = pytest.mark.django_db
PENDING, LEFT = Subscriber.State.PENDING, Subscriber.State.UNSUBSCRIBED


def ask(client: Client, email: str) -> str:
    page = client.post("/link", {"email": email}, follow=True)
    assert page.status_code == 200
    return page.content.decode()


def test_a_reader_gets_one_letter_a_day(client: Client) -> None:
    reader = make_reader(email="ada@dest.example")

    for email in ("ada@dest.example", " ADA@dest.example "):
        ask(client, email)
    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        Letter.objects.update(sent_at=timezone.now())
        ask(client, "ada@dest.example")

    assert (
        list(Letter.objects.values_list("subscriber", "kind", "to"))
        == [(reader.pk, Letter.Kind.LINK, "")] * 2
    )


def test_the_answer_and_the_work_are_the_same_for_everybody(client: Client) -> None:
    make_reader(email="in@dest.example")
    make_reader(email="left@dest.example", state=LEFT)
    make_reader(email="pending@dest.example", state=PENDING, confirmed_at=None)
    answers, statements = set(), set()

    for name in ("in", "left", "pending", "nobody"):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            answers.add(ask(client, f"{name}@dest.example"))
        statements.add(len(queries))

    assert (len(answers), len(statements)) == (1, 1)
    assert Letter.objects.count() == 2


@pytest.mark.parametrize("email", ["", "a@@b", "x" * 400, "\x00@dest.example"])
def test_what_is_no_address_is_explained(client: Client, email: str) -> None:
    page = client.post("/link", {"email": email})

    assert page.status_code == 200
    assert 'class="error"' in page.content.decode()


def test_opening_the_page_and_other_sites_mail_nothing(client: Client) -> None:
    make_reader(email="ada@dest.example")

    client.get("/link", {"email": "ada@dest.example"})
    posted = {"email": "ada@dest.example"}
    client.post("/link", posted, headers={"Sec-Fetch-Site": "cross-site"})

    assert not Letter.objects.exists()


def test_one_network_asks_only_so_often(client: Client, settings: Settings) -> None:
    settings.SIGNUPS_PER_NETWORK = 2

    answers = [
        client.post("/link", {"email": "a@dest.example"}, REMOTE_ADDR="192.0.2.77").status_code
        for _time in range(3)
    ]

    assert answers == [303, 303, 429]


def test_every_page_leads_there_and_so_do_links_that_fail(client: Client) -> None:
    reader = make_reader()
    old = links.issue(reader, Link.Purpose.READ, timedelta(days=1), timezone.now() - timedelta(9))
    expired = old.removeprefix("https://news.example.org")

    for path, status in (("/", 200), ("/topics", 200), ("/nowhere", 404), ("/link", 200)):
        page = client.get(path)
        assert page.status_code == status
        assert '<a href="/link">Already a reader? Get your link</a>' in page.content.decode()
    for path, status in ((f"{expired}/2026-11-23", 410), ("/v/nothing/1", 404)):
        page = client.get(path)
        assert page.status_code == status
        assert '<form class="form" method="post" action="/link">' in page.content.decode()


def test_the_operators_own_pages_are_linked_if_there_are_any(
    client: Client, settings: Settings
) -> None:
    names = r">(Privacy|Imprint|Contact)</a>"
    assert re.findall(names, client.get("/link").content.decode()) == []
    settings.PRIVACY_URL = "https://www.example.org/privacy?a=1&b=2"
    settings.CONTACT_URL = "mailto:hello@example.org"

    html = client.get("/link").content.decode()

    assert re.findall(names, html) == ["Privacy", "Contact"]
    assert 'href="https://www.example.org/privacy?a=1&amp;b=2"' in html
