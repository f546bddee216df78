"""Preferences: saved, shown, and turned into the time of the next digest."""

import re
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from subscribers import links, preferences
from subscribers.models import Consent, Subscriber, Topic
from subscribers.preferences import Preferences, next_digest_in_words
from subscribers.unsubscribe import unsubscribe
from tests.factories import make_reader, make_topic

pytestmark = pytest.mark.django_db


def wanted(**changes: Any) -> Preferences:
    usual: dict[str, Any] = {
        "topics": [],
        "hour": 7,
        "zone": "Europe/Lisbon",
        "frequency": "daily",
        "weekday": 0,
        "length": 10,
        "paused_until": None,
    }
    return Preferences(**{**usual, **changes})


def entered(**changes: Any) -> dict[str, Any]:
    usual = {
        "hour": "7",
        "zone": "Europe/Lisbon",
        "frequency": "daily",
        "weekday": "0",
        "length": "10",
        "paused_until": "",
    }
    return {**usual, **changes}


def path_of(reader: Subscriber) -> str:
    return urlsplit(links.preferences_url(reader.pk, timezone.now())).path


# --- saving --------------------------------------------------------------------------------
def test_saving_sets_the_next_digest_and_the_topics(now: datetime) -> None:
    old, new = make_topic(), make_topic()
    reader = make_reader(old)

    preferences.save_preferences(reader, wanted(topics=[new], hour=18, length=5), now)

    reader.refresh_from_db()
    assert reader.next_due_at == now.replace(hour=18)
    assert (reader.zone, reader.length) == ("Europe/Lisbon", 5)
    assert set(reader.topics.all()) == {new}


def test_a_pause_and_its_end_move_the_next_digest(now: datetime) -> None:
    reader = make_reader()

    paused = preferences.save_preferences(reader, wanted(paused_until=date(2026, 12, 24)), now)
    resumed = preferences.save_preferences(reader, wanted(), now)

    assert paused.next_due_at == datetime.fromisoformat("2026-12-24T07:00+00:00")
    assert resumed.next_due_at == datetime.fromisoformat("2026-11-24T07:00+00:00")


def test_who_is_not_active_gets_no_next_digest_by_saving(now: datetime) -> None:
    reader = make_reader()
    unsubscribe(reader, Consent.Act.UNSUBSCRIBED, now)

    saved = preferences.save_preferences(reader, wanted(), now)

    assert (saved.state, saved.next_due_at) == (Subscriber.State.UNSUBSCRIBED, None)


# --- in words ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("due", "zone", "words"),
    [
        ("2026-11-23T18:00+00:00", "Europe/Lisbon", "today, Monday, 18:00 Lisbon time"),
        ("2026-11-24T07:00+00:00", "Europe/Lisbon", "tomorrow, Tuesday, 07:00 Lisbon time"),
        ("2026-11-30T07:00+00:00", "UTC", "Monday, 30 November, 07:00 UTC"),
        ("2027-01-04T07:00+00:00", "UTC", "Monday, 4 January 2027, 07:00 UTC"),
        (
            "2026-11-23T15:00+00:00",
            "America/Argentina/Buenos_Aires",
            "today, Monday, 12:00 Buenos Aires time",
        ),
        ("2026-11-23T17:00+00:00", "Pacific/Auckland", "today, Tuesday, 06:00 Auckland time"),
    ],
)
def test_the_next_digest_is_said_in_the_readers_words(
    now: datetime, due: str, zone: str, words: str
) -> None:
    reader = Subscriber(zone=zone, next_due_at=datetime.fromisoformat(due))

    assert next_digest_in_words(reader, now) == words


# --- the page ------------------------------------------------------------------------------
def test_the_page_saves_and_says_when_the_next_digest_comes(
    client: Client, reader: Subscriber
) -> None:
    topic = make_topic()

    page = client.post(path_of(reader), entered(topics=[topic.pk], hour="23"), follow=True)

    reader.refresh_from_db()
    words = next_digest_in_words(reader, timezone.now())
    assert page.redirect_chain == [(f"{path_of(reader)}?saved", 302)]
    assert f"Saved. Your next digest comes <strong>{words}</strong>." in page.content.decode()
    assert (reader.hour, set(reader.topics.all())) == (23, {topic})


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
        {"topics": ["999999"]},
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
    assert "Nothing was saved yet" in page.content.decode()


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

    client.post(path_of(reader), entered(topics=[withdrawn.pk]))
    client.post(path_of(reader), entered(topics=[hidden.pk]))

    assert set(reader.topics.all()) == {withdrawn}


def test_the_page_shows_what_is_set(client: Client, reader: Subscriber) -> None:
    topic = make_topic()
    make_topic()
    reader.topics.add(topic)
    Subscriber.objects.update(zone="Asia/Tokyo", hour=9, length=4, weekday=2)

    html = client.get(path_of(reader)).content.decode()

    assert re.findall(r'value="([^"]+)"[^>]* (?:checked|selected)', html) == [
        str(topic.pk),
        "daily",
        "2",
        "9",
        "Asia/Tokyo",
    ]


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

    with django_assert_num_queries(3):
        client.get(path_of(reader))
