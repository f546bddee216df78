"""Lists of the admin read a bounded part of a large table."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import QuerySet
from django.test import Client

from digest.desk import lists
from digest.desk.today import topics
from digest.models import Digest, Event
from subscribers.models import Consent, Subscriber, Subscription
from tests.factories import make_digest, make_edition, make_reader, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL believes that every table is large."""
    monkeypatch.setattr(lists, "estimate", lambda model: 30_000_000)


def page(client: Client, path: str) -> str:
    return client.get(f"/admin/{path}", secure=True).content.decode()


def test_a_large_table_is_not_counted(admin_client: Client, large: None) -> None:
    make_digest(make_edition(1), make_reader())

    assert "30000000 digests" in page(admin_client, "digest/digest/")
    assert "1 digest\n" in page(admin_client, "digest/digest/?state__exact=ready")


def test_a_small_table_is_counted_even_if_nothing_is_known_of_it(admin_client: Client) -> None:
    make_digest(make_edition(1), make_reader())

    assert "1 digest\n" in page(admin_client, "digest/digest/")


def test_dates_without_an_index_are_shown_only_above_a_small_table(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for year in (2025, 2026):
        Consent.objects.create(address_hash="0" * 64, act="asked", at=f"{year}-01-01T00:00Z")

    assert "at__year=2025" in page(admin_client, "subscribers/consent/")
    monkeypatch.setattr(lists, "estimate", lambda model: 30_000_000)
    assert "at__year=2025" not in page(admin_client, "subscribers/consent/")


def test_digests_are_filtered_in_plain_words(admin_client: Client) -> None:
    edition = make_edition(1)
    failed = make_digest(edition, make_reader(), state="failed", handed_over_at="2026-11-01T00:00Z")
    thin = make_digest(edition, make_reader(), state="skipped", skip_reason="thin")
    sent = make_digest(edition, make_reader(), state="sent", mail_service="smtp")

    found = {
        query: {
            digest.pk
            for digest in (failed, thin, sent)
            if f"/digest/{digest.pk}/change/" in page(admin_client, f"digest/digest/?{query}")
        }
        for query in (
            "state__exact=failed",
            "state__exact=bounced",
            "skip_reason__exact=thin",
            "mail_service=smtp",
            f"q={sent.uuid}",
            f"q=<d.{failed.uuid.hex}@news.example.org>",
        )
    }

    assert list(found.values()) == [
        {failed.pk},
        set(),
        {thin.pk},
        {sent.pk},
        {sent.pk},
        {failed.pk},
    ]
    text = page(admin_client, "digest/digest/")
    assert ("too few papers" in text, "skipped" in text) == (True, True)


def test_events_are_found_by_their_digest_and_by_kind(admin_client: Client) -> None:
    digest = make_digest(make_edition(1), make_reader())
    for kind, one, message_id in (("bounced", digest, "m1"), ("delivered", None, "m2")):
        Event.objects.create(
            dedupe_key=kind,
            kind=kind,
            digest=one,
            message_id=message_id,
            mail_service="smtp",
            at="2026-11-01T00:00Z",
        )

    for query in ("kind__exact=bounced", f"q={digest.uuid}", "q=m1"):
        assert "1 event\n" in page(admin_client, f"digest/event/?{query}")
    assert Digest.objects.count() == 1


def test_a_list_that_would_read_for_too_long_says_so(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(*given: Any) -> tuple[QuerySet[Any], bool]:
        return given[-2].extra(where=["pg_sleep(9) IS NOT NULL"]), False

    make_reader()
    shown = admin.site._registry[Subscriber]
    assert "narrow it down" not in page(admin_client, "subscribers/subscriber/?q=example")
    monkeypatch.setattr(shown, "get_search_results", slowly)

    said = page(admin_client, "subscribers/subscriber/?q=example")

    assert "Please narrow it down." in said
    assert "0 subscribers" in said


def test_the_followers_of_topics_are_not_counted_if_they_are_many(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, reader = make_topic(), make_reader()
    Subscription.objects.create(subscriber=reader, topic=topic)
    assert topics.followers() == {topic.pk: 1}

    monkeypatch.setattr(topics, "EXACTLY", 2)
    for _ in range(20):
        make_reader(topic)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE subscribers_subscription")
    assert topics.followers() == {topic.pk: 21}
