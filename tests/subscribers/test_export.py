"""Everything we know about a reader, as they can download it."""

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from digest.models import Click, Saved, Vote
from digest.readers.votes import vote
from subscribers import links
from subscribers.export import everything_about
from subscribers.leaving import suppression
from subscribers.models import Consent, Letter, Link, Subscriber, Suppression, Term
from subscribers.wishes import terms
from tests.digest.sent import sent_digest
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db


def download(client: Client, reader: Subscriber) -> Any:
    url = links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, timezone.now())
    return client.get(f"{urlsplit(url).path}/export")


@pytest.fixture
def busy() -> Subscriber:
    """A reader with at least one row in every table that refers to readers."""
    topic = make_topic(name="Retrieval")
    reader = make_reader(topic, email="Busy@dest.example")
    digest = sent_digest([make_paper(title="On Bread"), make_paper()], topic=topic, reader=reader)
    now = timezone.now()
    terms.replace(reader, Term.Kind.KEYWORD, followed=["bread"], muted=["cake"])
    paper = make_paper(title="On Cake")
    vote(reader, paper, Vote.Value.LESS, Vote.Origin.EXAMPLE, now)
    Saved.objects.create(subscriber=reader, paper=paper, note="Try it")
    Click.objects.create(digest=digest, paper_id=digest.paper_ids[0])
    Letter.objects.create(subscriber=reader, kind=Letter.Kind.LINK)
    Consent.objects.create(
        subscriber=reader, address_hash=reader.address_hash, act=Consent.Act.CONFIRMED
    )
    suppression.suppress(reader.address_hash, Suppression.Reason.BOUNCED, now)
    return reader


def test_the_download_is_a_file_of_json_that_nobody_keeps(client: Client, busy: Subscriber) -> None:
    answer = download(client, busy)

    known = json.loads(answer.content)
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer["Content-Disposition"] == 'attachment; filename="broadsheet.json"'
    assert "no-store" in answer["Cache-Control"]
    assert known["reader"]["email"] == "Busy@dest.example"


def test_the_download_holds_what_was_set_and_agreed(busy: Subscriber) -> None:
    known = everything_about(busy)

    assert known["topics"] == [{"topic": "Retrieval", "emphasis": "Follow"}]
    assert known["terms"] == [
        {"kind": "keyword", "text": "bread", "is_muted": False},
        {"kind": "keyword", "text": "cake", "is_muted": True},
    ]
    assert [consent["act"] for consent in known["consents"]] == ["confirmed"]
    assert [letter["kind"] for letter in known["letters"]] == ["link"]
    assert [row["reason"] for row in known["suppressions"]] == ["bounced"]


def test_the_download_holds_digests_with_papers_votes_and_clicks(busy: Subscriber) -> None:
    known = everything_about(busy)

    (digest,) = known["digests"]
    assert digest["state"] == "sent"
    assert (digest["papers"][0]["title"], digest["papers"][0]["reason"]) == (
        "On Bread",
        "You follow Retrieval",
    )
    assert [(vote["paper__title"], vote["value"]) for vote in known["votes"]] == [("On Cake", -1)]
    assert [click["paper__title"] for click in known["clicks"]] == ["On Bread"]
    assert [(kept["paper__title"], kept["note"]) for kept in known["saved"]] == [
        ("On Cake", "Try it")
    ]


def test_every_table_that_hangs_on_a_reader_is_in_the_download() -> None:
    """A new table must be added to the export, and then here."""
    hanging = {
        model._meta.label
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.related_model in {Subscriber, apps.get_model("digest.Digest")}
    }

    assert hanging == {
        "digest.Click",
        "digest.Digest",
        "digest.Event",
        "digest.Saved",
        "digest.Vote",
        "subscribers.Consent",
        "subscribers.Letter",
        "subscribers.Link",
        "subscribers.Subscription",
        "subscribers.Term",
    }


def test_the_download_holds_nothing_of_others_and_no_link(
    client: Client, reader: Subscriber, busy: Subscriber
) -> None:
    text = download(client, reader).content.decode()

    assert "Busy" not in text
    assert json.loads(text)["digests"] == []
    assert links.unsubscribe_token(reader.pk) not in text
    assert "token_hash" not in text


@pytest.mark.parametrize("digests", [1, 5])
def test_the_download_takes_the_same_queries_for_any_number_of_digests(
    digests: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    reader = make_reader()
    for days in range(digests):
        edition = make_edition(2, day=timezone.now().date() - timedelta(days=days))
        ids = list(edition.papers.values_list("pk", flat=True))
        make_digest(edition, reader, paper_ids=ids, reasons=["votes:3"] * 2)

    with django_assert_num_queries(14):
        assert len(everything_about(reader)["digests"]) == digests
