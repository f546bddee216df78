"""Anybody can enter any address, so what a sign-up asks for waits until its reader confirms."""

import json
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from subscribers import addresses, letters
from subscribers.joining import signup
from subscribers.leaving.unsubscribe import resume, unsubscribe
from subscribers.models import Consent, Letter, Link, Subscriber, Subscription
from tests.factories import make_reader, make_topic
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)


def post(client: Client, slug: str, zone: str, language: str = "en") -> None:
    wanted = {"email": "reader@dest.example", "topics": [slug], "zone": zone, "language": language}
    answer = client.post("/api/signup", json.dumps(wanted), content_type="application/json")
    assert answer.status_code == 202


def wishes_of(reader: Subscriber) -> tuple[list[str], str, str]:
    reader.refresh_from_db()
    return sorted(topic.slug for topic in reader.topics.all()), reader.zone, reader.language


def confirm_path(sink: Sink) -> str:
    letters.send_waiting(timezone.now(), 10)
    text = sink.messages[-1].content.decode()
    return str(re.findall(r"https://news.example.org(/c/[\w-]+)", text)[0])


@pytest.fixture
def left() -> Subscriber:
    """A reader with wishes of their own who has unsubscribed."""
    reader = make_reader(
        email="reader@dest.example", zone="Asia/Tokyo", confirmed_at=timezone.now()
    )
    Subscription.objects.create(subscriber=reader, topic=make_topic(slug="own"))
    unsubscribe(reader, Consent.Act.UNSUBSCRIBED, timezone.now())
    return reader


def test_a_stranger_changes_nothing_of_who_has_left(
    client: Client, left: Subscriber, sink: Sink
) -> None:
    make_topic(slug="strange")
    before = wishes_of(left)

    post(client, "strange", "Europe/Lisbon", "de")

    assert (wishes_of(left), before) == ((["own"], "Asia/Tokyo", "en"), before)
    resume(left, timezone.now())
    assert wishes_of(left) == before


def test_what_a_sign_up_asks_for_takes_effect_when_its_letter_is_confirmed(
    client: Client, left: Subscriber, sink: Sink
) -> None:
    make_topic(slug="new")
    post(client, "new", "Europe/Lisbon", "de")

    path = confirm_path(sink)
    client.get(path)
    assert wishes_of(left) == (["own"], "Asia/Tokyo", "en")
    client.post(path)

    assert wishes_of(left) == (["new"], "Europe/Lisbon", "de")


def test_a_second_sign_up_changes_nothing_of_one_that_waits(client: Client, sink: Sink) -> None:
    for slug in ("first", "second"):
        make_topic(slug=slug)
    post(client, "first", "Europe/Lisbon")
    path = confirm_path(sink)

    post(client, "second", "Asia/Tokyo", "de")
    reader = Subscriber.objects.get()
    assert wishes_of(reader) == (["first"], "Europe/Lisbon", "en")
    client.post(path)

    assert wishes_of(reader) == (["first"], "Europe/Lisbon", "en")


def test_each_letter_confirms_its_own_wishes(client: Client, sink: Sink) -> None:
    topics = [make_topic(slug=slug) for slug in ("first", "second")]
    address, now = addresses.parse("reader@dest.example"), timezone.now()
    signup.start_signup(address, topics[:1], "UTC", now - timedelta(days=2))
    first = confirm_path(sink)
    Letter.objects.update(created_at=now - timedelta(days=2))
    topics[0].delete()

    client.post(first)

    assert wishes_of(Subscriber.objects.get()) == ([], "UTC", "en")


def test_a_confirmation_that_is_asked_for_again_keeps_its_wishes(
    client: Client, sink: Sink
) -> None:
    make_topic(slug="first")
    post(client, "first", "Europe/Lisbon", "de")
    late = confirm_path(sink)
    Link.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    Letter.objects.update(created_at=timezone.now() - timedelta(days=2))

    client.post(late, {"again": "1"})

    assert Letter.objects.waiting().get().language == "de"
    client.post(confirm_path(sink))
    assert wishes_of(Subscriber.objects.get()) == (["first"], "Europe/Lisbon", "de")
