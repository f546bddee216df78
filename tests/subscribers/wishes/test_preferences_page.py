"""The preferences page: what it shows, accepts and keeps to itself."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from subscribers import letters, links
from subscribers.forms import PreferencesForm
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Letter, Link, Subscriber, Subscription, Term, Topic
from subscribers.wishes import preferences, terms
from subscribers.wishes.preferences import next_digest_in_words
from tests.factories import make_reader, make_topic
from tests.test_languages import forms, messages

pytestmark = pytest.mark.django_db

FOLLOW, MUTED = Subscription.Emphasis.NORMAL, Subscription.Emphasis.MUTED


def entered(**changes: Any) -> dict[str, Any]:
    usual = {
        "hour": "7",
        "zone": "Europe/Lisbon",
        "frequency": "daily",
        "weekday": "0",
        "length": "10",
        "paused_until": "",
        "language": "en",
    }
    return {**usual, **changes}


def path_of(reader: Subscriber) -> str:
    return urlsplit(links.preferences_url(reader.pk, timezone.now())).path


def fresh_path(reader: Subscriber) -> str:
    url = links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, timezone.now())
    return urlsplit(url).path


# --- saving --------------------------------------------------------------------------------
def test_the_page_saves_and_says_when_the_next_digest_comes(
    client: Client, reader: Subscriber
) -> None:
    topic = make_topic()

    page = client.post(
        path_of(reader), entered(**{f"topic_{topic.pk}": "1"}, hour="23"), follow=True
    )

    reader.refresh_from_db()
    words = next_digest_in_words(reader, timezone.now())
    assert page.redirect_chain == [(f"{path_of(reader)}?saved", 303)]
    assert f"Saved. Your next digest comes <strong>{words}</strong>." in page.content.decode()
    assert reader.hour == 23
    assert list(Subscription.objects.values_list("topic_id", "emphasis")) == [(topic.pk, 1)]


def test_the_page_needs_no_cookie_and_sets_none(reader: Subscriber) -> None:
    client = Client(enforce_csrf_checks=True)

    page = client.post(path_of(reader), entered(length="3"), follow=True)

    reader.refresh_from_db()
    assert (page.status_code, dict(client.cookies)) == (200, {})
    assert reader.length == 3


def test_opening_the_page_changes_nothing_and_masks_the_address(
    client: Client, reader: Subscriber
) -> None:
    before = Subscriber.objects.values().get(pk=reader.pk)

    page = client.get(path_of(reader) + "?saved&length=3")

    assert Subscriber.objects.values().get(pk=reader.pk) == before
    assert reader.email not in page.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"hour": "24"},
        {"zone": "Mars/Base"},
        {"frequency": "hourly"},
        {"weekday": "7"},
        {"length": "2"},
        {"length": "21"},
        {"language": "xx"},
        {"keywords": "x" * 81},
        {"muted_authors": "?!"},
        {"authors": "\n".join(f"Author {number}" for number in range(51))},
        {"keywords": "graphs", "muted_keywords": "Graphs"},
        {"paused_until": "2001-01-01"},
        {"paused_until": "2999-01-01"},
        {"paused_until": "soon"},
    ],
)
def test_wrong_input_saves_nothing_and_is_explained(
    client: Client, reader: Subscriber, wrong: dict[str, str]
) -> None:
    page = client.post(path_of(reader), entered(hour="9") | wrong)

    reader.refresh_from_db()
    assert (page.status_code, reader.hour) == (200, 7)
    html = page.content.decode()
    assert "Not saved yet" in html
    # Each message leads to its field, which is not folded away.
    (place,) = re.findall(r'<li><a href="#([^"]+)">', html)
    before, found, _after = html.partition(f'id="{place}"')
    assert found
    assert folded(before) == []


def folded(html: str) -> list[str]:
    """The closed sections that the end of this HTML is in."""
    around: list[str] = []
    for tag in re.findall(r"<details[^>]*>|</details>", html):
        around = around[:-1] if tag == "</details>" else [*around, tag]
    return [tag for tag in around if " open" not in tag]


def test_what_is_followed_comes_first_and_the_rest_is_folded(
    client: Client, reader: Subscriber
) -> None:
    Topic.objects.all().delete()
    topics = [make_topic() for _ in range(5)]
    reader.topics.set(topics[3:4])

    html = client.get(path_of(reader)).content.decode()

    places = {topic.pk: html.index(f'id="topic_{topic.pk}"') for topic in topics}
    assert min(places, key=lambda pk: places[pk]) == topics[3].pk
    assert [folded(html[: places[topic.pk]]) == [] for topic in topics] == [
        *[False] * 3,
        True,
        False,
    ]
    assert "4 more topics" in html


def test_every_message_says_what_to_do_in_our_own_words(client: Client, reader: Subscriber) -> None:
    """Django's own words ("Select a valid choice …") are in its catalogue, and not in ours."""
    topic = make_topic()
    nothing = dict.fromkeys(entered(), "")
    wrong = dict.fromkeys(entered(keywords="", authors="", **{f"topic_{topic.pk}": ""}), "\x00?!")
    ours = {forms(message.id)[0] for message in messages()}

    for posted in (nothing, wrong, entered(length="99"), entered(length="1.5")):
        form = PreferencesForm(reader, timezone.now().date(), posted)
        for _id, _name, message in form.problems():
            said = re.sub(r"“[^”]*”", "“%(text)s”", message)
            assert said in ours, message
        assert form.errors


def test_a_pause_can_begin_and_end_on_the_page(client: Client, reader: Subscriber) -> None:
    until = timezone.now().astimezone(ZoneInfo("UTC")).date() + timedelta(days=10)

    client.post(path_of(reader), entered(paused_until=until.isoformat()))
    reader.refresh_from_db()
    assert reader.paused_until == until

    client.post(path_of(reader), entered())
    reader.refresh_from_db()
    assert reader.paused_until is None


def test_a_topic_that_is_no_longer_offered_stays_with_its_followers(
    client: Client, reader: Subscriber
) -> None:
    withdrawn = make_topic(is_offered=False)
    hidden = make_topic(is_offered=False)
    reader.topics.add(withdrawn)

    client.post(path_of(reader), entered(**{f"topic_{t.pk}": "0" for t in (withdrawn, hidden)}))

    assert set(reader.topics.all()) == {withdrawn}


def test_the_page_shows_what_is_set(client: Client, reader: Subscriber) -> None:
    Topic.objects.all().delete()
    topic = make_topic()
    make_topic()
    Subscription.objects.create(subscriber=reader, topic=topic, emphasis=MUTED)
    terms.replace(reader, Term.Kind.AUTHOR, followed=["Ada Lovelace", "Bo"], muted=[])
    Subscriber.objects.update(zone="Asia/Tokyo", hour=9, length=4, weekday=2, is_exploring=False)

    html = client.get(path_of(reader)).content.decode()

    assert re.findall(r'value="([^"]*)"[^>]* (?:checked|selected)', html) == [
        "-2",
        "",
        "daily",
        "2",
        "9",
        "Asia/Tokyo",
        "en",
    ]
    assert re.findall(r">\s*([^<]*)</textarea>", html) == ["", "", "Ada Lovelace\nBo", ""]


def test_a_zone_with_an_old_name_is_kept(client: Client, reader: Subscriber) -> None:
    Subscriber.objects.update(zone="US/Eastern")

    page = client.post(path_of(reader), entered(zone="US/Eastern", hour="5"), follow=True)

    reader.refresh_from_db()
    assert (page.status_code, reader.zone, reader.hour) == (200, "US/Eastern", 5)


def test_the_page_of_somebody_who_left_sets_nothing(client: Client, reader: Subscriber) -> None:
    unsubscribe(reader, Consent.Act.UNSUBSCRIBED, timezone.now())

    page = client.post(path_of(reader), entered(hour="9"))

    reader.refresh_from_db()
    assert (page.templates[0].name, reader.hour) == ("subscribers/not_subscribed.html", 7)


@pytest.mark.parametrize("topics", [1, 3])
def test_the_page_takes_the_same_queries_for_any_number_of_topics(
    client: Client,
    reader: Subscriber,
    topics: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    Topic.objects.all().delete()
    reader.topics.set([make_topic() for _ in range(topics)])
    terms.replace(reader, Term.Kind.KEYWORD, followed=map(str, range(topics)), muted=[])

    with django_assert_num_queries(5):
        client.get(path_of(reader))


def test_words_and_names_are_kept_as_they_were_written(client: Client, reader: Subscriber) -> None:
    lines = {"keywords": "Graph  neural nets\r\n\r\nRLHF\nrlhf", "muted_authors": "Doe, Jane"}

    client.post(path_of(reader), entered(**lines))

    assert list(reader.terms.order_by("pk").values_list("kind", "text", "key", "is_muted")) == [
        ("keyword", "Graph neural nets", "graph neural nets", False),
        ("keyword", "RLHF", "rlhf", False),
        ("author", "Jane Doe", "jane doe", True),
    ]


def test_a_pause_ends_at_once_by_its_own_button(client: Client, reader: Subscriber) -> None:
    preferences.pause_for_a_month(reader, timezone.now())
    assert "Resume now" in client.get(path_of(reader)).content.decode()

    page = client.post(path_of(reader), {"resume": "1"}, follow=True)

    reader.refresh_from_db()
    assert reader.paused_until is None
    assert reader.next_due_at is not None
    assert reader.next_due_at < timezone.now() + timedelta(days=2)
    assert "Welcome back" in page.content.decode()


def test_the_page_speaks_the_language_of_the_reader(client: Client, reader: Subscriber) -> None:
    Subscriber.objects.update(language="de")

    page = client.get(path_of(reader), headers={"Accept-Language": "en"})

    assert page["Content-Language"] == "de"
    assert ">Montag</option>" in page.content.decode()


# --- who may do what -----------------------------------------------------------------------
def test_a_link_from_a_digest_shows_no_address_and_leads_to_no_data(
    client: Client, reader: Subscriber
) -> None:
    preferences_path = path_of(reader)
    inner = [f"{preferences_path}/{name}" for name in ("address", "export", "erase")]

    shown = client.get(preferences_path).content.decode()
    answers = [getattr(client, method)(path) for path in inner for method in ("get", "post")]

    assert (reader.email in shown, any(path in shown for path in inner)) == (False, False)
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {
        (302, preferences_path)
    }
    assert Subscriber.objects.filter(pk=reader.pk, new_email="").exists()


def test_a_fresh_link_leads_to_them_for_a_day(client: Client, reader: Subscriber) -> None:
    fresh = fresh_path(reader)
    inner = [f"{fresh}/{name}" for name in ("address", "export", "erase")]

    assert [client.get(path).status_code for path in inner] == [200, 200, 200]
    with time_machine.travel(timezone.now() + timedelta(hours=24)):
        assert [client.get(path).status_code for path in inner] == [302, 302, 302]


def test_the_page_mails_a_fresh_link_on_a_post(client: Client, reader: Subscriber) -> None:
    client.get(path_of(reader) + "?mailed")
    assert not Letter.objects.exists()

    page = client.post(path_of(reader), {"link": "1"}, follow=True)

    letter = Letter.objects.get()
    assert (letter.kind, letter.subscriber, letter.to) == (Letter.Kind.LINK, reader, "")
    assert "a new link is on its way" in page.content.decode()
    assert reader.email not in page.content.decode()


def test_the_letter_with_a_link_leads_to_a_page_that_can_do_everything(
    client: Client, reader: Subscriber
) -> None:
    client.post(path_of(reader), {"link": "1"})

    message = letters.build(Letter.objects.get(), timezone.now())

    (path,) = re.findall(r"https://news\.example\.org(/p/[\w-]{32})", str(message.body))
    assert message.to == [reader.email]
    assert path in str(message.alternatives[0][0])
    assert client.get(f"{path}/export").status_code == 200


def test_a_link_that_is_too_old_gives_the_same_answer_whoever_it_belongs_to(
    client: Client, reader: Subscriber
) -> None:
    path = path_of(reader)
    answers = []
    with time_machine.travel(timezone.now() + timedelta(days=63)):
        for _again in range(2):
            answers.append(client.post(path, {"link": "1"}, follow=True))
        unsubscribe(reader, Consent.Act.COMPLAINED, timezone.now())
        answers.append(client.post(path, {"link": "1"}, follow=True))

    assert len({answer.content for answer in answers}) == 1
    assert {answer.status_code for answer in answers} == {410}
    assert Letter.objects.filter(kind=Letter.Kind.LINK).count() == 1


def test_a_link_that_is_too_old_sets_nothing(client: Client, reader: Subscriber) -> None:
    path = path_of(reader)

    with time_machine.travel(timezone.now() + timedelta(days=63)):
        page = client.post(path, entered(hour="9"))

    reader.refresh_from_db()
    assert (page.status_code, reader.hour) == (410, 7)
    assert "R***@dest.example" in page.content.decode()


def test_a_reader_who_left_learns_how_to_come_back_and_can_reach_their_data(
    client: Client, reader: Subscriber
) -> None:
    unsubscribe(reader, Consent.Act.ONE_CLICK, timezone.now())

    html = client.get(fresh_path(reader)).content.decode()

    assert 'href="/signup/"' in html
    assert links.unsubscribe_url(reader.pk) in html
    assert re.findall(r'href="/p/[^/"]+/(\w+)"', html) == ["export", "erase"]


def test_another_site_can_neither_guess_a_link_nor_frame_the_page(
    client: Client, reader: Subscriber
) -> None:
    guess = client.post("/p/xxxxxxxxxxxxxxxxxxxxxx", entered(hour="9"))
    page = client.get(path_of(reader))

    assert guess.status_code == 404
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert "unsafe-inline" not in page["Content-Security-Policy"]
    assert not re.search(r"<script(?! src)|style=|onclick=", page.content.decode())


def test_the_pages_of_one_reader_are_closed_to_the_other(
    client: Client, reader: Subscriber
) -> None:
    other = make_reader()

    client.post(path_of(reader), entered(hour="9"))

    other.refresh_from_db()
    assert other.hour == 7


def test_no_log_line_holds_an_address_or_a_link(
    client: Client, reader: Subscriber, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    fresh = fresh_path(reader)

    client.post(path_of(reader), {"link": "1"})
    client.post(f"{fresh}/address", {"email": "new@dest.example"})
    client.post("/u/unknown-unknown-unknown")
    client.post(f"{fresh}/erase")
    client.get(fresh)

    logged = caplog.text.lower()
    assert "unknown unsubscribe link" in logged
    assert [
        secret for secret in ("dest.example", fresh.lower(), "unknown-") if secret in logged
    ] == []
