"""A digest on the web: the mail's content, for its reader only, without the mail's links."""

import re

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from digest.models import Paper
from subscribers import links
from subscribers.models import Subscriber
from tests.digest.sent import edition_of, html_part, mail_of, read_path, sent_digest, vote_path
from tests.factories import make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db


def titles_in(html: str) -> list[str]:
    return re.findall(r"<bdi>(Title \d+)</bdi>", html)


def test_the_page_shows_the_papers_and_reasons_of_the_mail(client: Client) -> None:
    papers = [make_paper(title=f"Title {number}", authors=[]) for number in (3, 1, 2)]
    digest = sent_digest(papers, topic=make_topic(name="Retrieval"))
    mail = mail_of(digest)

    page = client.get(read_path(digest)).content.decode()

    assert titles_in(page) == titles_in(html_part(mail))
    assert titles_in(page) == ["Title 3", "Title 1", "Title 2"]
    assert page.count("You follow Retrieval") == 3


def test_the_mails_text_has_the_link() -> None:
    digest = sent_digest()
    mail = mail_of(digest)

    assert f"Read on the web: https://news.example.org{read_path(digest)}\n" in mail.body


def test_the_page_stays_as_it_was_when_figures_change(client: Client) -> None:
    digest = sent_digest([make_paper(votes=54)])
    before = client.get(read_path(digest)).content

    Paper.objects.update(votes=99)

    assert b"54 votes" in before
    assert client.get(read_path(digest)).content == before


def test_a_weekly_readers_page_has_topics(client: Client) -> None:
    topic = make_topic(name="Retrieval")
    reader = make_reader(topic, frequency=Subscriber.Frequency.WEEKLY)

    page = client.get(read_path(sent_digest(topic=topic, reader=reader))).content.decode()

    assert re.findall(r"<h2[^>]*>([^<]*)</h2>", page) == ["Retrieval"]
    assert page.count("<h3>") == 3


def test_the_page_contains_none_of_the_readers_other_links(client: Client) -> None:
    digest = sent_digest()
    assert digest.subscriber_id is not None
    monthly = links.monthly(digest.subscriber_id, timezone.now())
    others = [monthly.preferences, monthly.vote, links.unsubscribe_token(digest.subscriber_id)]

    page = client.get(read_path(digest)).content.decode()

    assert [token for token in others if token in page] == []
    assert re.findall(r"[\w.]+@[\w.]+", page) == []


def test_each_paper_can_be_shared_by_its_public_page(client: Client) -> None:
    digest = sent_digest([make_paper(title="Small models, long contracts")])

    page = client.get(read_path(digest)).content.decode()

    place = f"/papers/{digest.paper_ids[0]}/small-models-long-contracts"
    assert f'<a href="https://news.example.org{place}">Share</a>' in page


def test_nobody_may_cache_or_index_the_page(client: Client) -> None:
    answer = client.get(read_path(sent_digest()))

    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"]) == (
        "no-referrer",
        "noindex, nofollow",
    )
    assert "no-store" in answer["Cache-Control"]
    assert answer.cookies == {}


def test_a_reader_reads_only_their_own_digests(client: Client) -> None:
    digest = sent_digest()
    stranger = make_reader()
    links.ensure([stranger], timezone.now())
    token = links.monthly(stranger.pk, timezone.now()).read
    day = read_path(digest).rpartition("/")[2]

    assert client.get(read_path(digest)).status_code == 200
    assert client.get(f"/d/{token}/{day}").status_code == 404


@pytest.mark.parametrize("day", ["2026-13-45", "2020-01-01", "0000-00-00"])
def test_a_day_without_a_digest_is_not_found(client: Client, day: str) -> None:
    path = read_path(sent_digest()).rpartition("/")[0]

    assert client.get(f"{path}/{day}").status_code == 404


def test_a_token_for_votes_does_not_read(client: Client) -> None:
    digest = sent_digest()
    token = vote_path(digest).split("/")[2]

    assert client.get(f"/d/{token}/{edition_of(digest).date}").status_code == 404


@pytest.mark.parametrize("papers", [3, 12])
def test_the_page_takes_the_same_queries_for_any_digest(
    client: Client, papers: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    path = read_path(sent_digest([make_paper() for _ in range(papers)]))

    with django_assert_num_queries(4):
        client.get(path)
