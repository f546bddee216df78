"""Erasing: the reader and everything of theirs goes, and the proof of consent stays."""

from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from digest.models import Vote
from digest.readers.votes import vote
from subscribers import links
from subscribers.leaving import erasing, suppression
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import (
    Consent,
    Letter,
    Link,
    Subscriber,
    Subscription,
    Suppression,
    Term,
)
from subscribers.wishes import terms
from tests.digest.sent import sent_digest
from tests.factories import make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db


def path_of(reader: Subscriber) -> str:
    url = links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, timezone.now())
    return f"{urlsplit(url).path}/erase"


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_page_erases_nobody(client: Client, reader: Subscriber, method: str) -> None:
    answer = getattr(client, method)(path_of(reader))

    assert answer.status_code == 200
    assert Subscriber.objects.filter(pk=reader.pk).exists()


def test_the_button_erases(client: Client, reader: Subscriber) -> None:
    path = path_of(reader)

    page = client.post(path, follow=True)
    again = client.post(path)

    assert page.redirect_chain == [("/erased/", 303)]
    assert "Everything has been erased" in page.content.decode()
    assert not Subscriber.objects.exists()
    assert again.status_code == 404


def test_all_that_hangs_on_the_reader_goes_and_what_was_sent_is_nobodys() -> None:
    topic = make_topic()
    reader = make_reader(topic)
    digest = sent_digest(topic=topic, reader=reader)
    terms.replace(reader, Term.Kind.AUTHOR, followed=["Ada"], muted=[])
    vote(reader, make_paper(), Vote.Value.MORE, Vote.Origin.MAIL, timezone.now())
    Letter.objects.create(subscriber=reader, kind=Letter.Kind.LINK)

    erasing.erase(reader, timezone.now())

    tables = (Subscriber, Link, Letter, Subscription, Term, Vote)
    assert [table._default_manager.count() for table in tables] == [0] * len(tables)
    digest.refresh_from_db()
    assert digest.subscriber is None


def test_the_consents_stay_with_the_keyed_hash_alone(reader: Subscriber) -> None:
    Consent.objects.create(
        subscriber=reader, address_hash=reader.address_hash, act=Consent.Act.CONFIRMED
    )

    erasing.erase(reader, timezone.now())
    erasing.erase(reader, timezone.now())

    kept = Consent.objects.filter(subscriber=None, address_hash=reader.address_hash)
    assert [consent.act for consent in kept.order_by("pk")] == [
        Consent.Act.CONFIRMED,
        Consent.Act.ERASED,
    ]


def test_a_suppression_outlives_its_reader(reader: Subscriber) -> None:
    suppression.suppress(reader.address_hash, Suppression.Reason.COMPLAINED, timezone.now())

    erasing.erase(reader, timezone.now())

    assert suppression.is_forbidden(reader.address_hash)


def test_a_reader_who_left_can_be_erased_too(client: Client, reader: Subscriber) -> None:
    unsubscribe(reader, Consent.Act.ONE_CLICK, timezone.now())

    client.post(path_of(reader))

    assert not Subscriber.objects.exists()


def test_one_click_after_erasing_gets_the_same_answer_as_before(
    client: Client, reader: Subscriber
) -> None:
    path = urlsplit(links.unsubscribe_url(reader.pk)).path
    before = client.post(path).content

    erasing.erase(reader, timezone.now())

    after = client.post(path)
    assert (after.status_code, after.content) == (200, before)
