"""A digest on the web: the mail's content, for its reader only, with all that the mail can do."""

import re
from datetime import date, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from digest.models import Digest, Paper, Saved, Vote
from subscribers import links
from subscribers.models import Link, Subscriber, Subscription, Term
from tests.digest.sent import edition_of, html_part, mail_of, read_path, sent_digest, vote_path
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic

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


def test_no_line_of_a_title_ends_at_a_hyphen(client: Client) -> None:
    digest = sent_digest([make_paper(title="Few-shot agents")])

    page = client.get(read_path(digest)).content.decode()

    assert '<bdi><span class="whole">Few-shot</span> agents</bdi>' in page


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
    assert page.count("<h3 ") == 3
    assert "You follow Retrieval" not in page


def test_the_page_leads_neither_to_the_preferences_nor_to_the_way_out(client: Client) -> None:
    """People pass on the addresses of pages."""
    digest = sent_digest()
    assert digest.subscriber_id is not None
    monthly = links.monthly(digest.subscriber_id, timezone.now())
    others = [monthly.preferences, links.unsubscribe_token(digest.subscriber_id)]

    page = client.get(read_path(digest)).content.decode()

    assert [token for token in others if token in page] == []
    assert re.findall(r"[\w.]+@[\w.]+", page) == []


def posts_in(page: str) -> list[tuple[str, dict[str, str], list[str]]]:
    """The forms of a page: where they lead, what they hold, and what their buttons say."""
    found = []
    for place, form in re.findall(r'<form method="post" action="([^"]*)">(.*?)</form>', page, re.S):
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))
        found.append((place, fields, re.findall(r'name="w" value="(\w+)"', form)))
    return found


def test_its_buttons_vote_save_and_mute_and_lead_back(client: Client) -> None:
    topic = make_topic(name="Retrieval")
    digest = sent_digest([make_paper(authors=["Ada <Q>"]), make_paper()], topic=topic)
    path, first = read_path(digest), digest.paper_ids[0]
    forms = posts_in(client.get(path).content.decode())

    votes, saves, of_topic, of_author = forms[:4]
    for (place, fields, _buttons), wish in (
        (votes, "less"),
        (saves, "save"),
        (of_topic, "mute"),
        (of_author, "mute"),
    ):
        answer = client.post(
            place, {key: unescape(said) for key, said in fields.items()} | {"w": wish}
        )
        target, _mark, where = answer["Location"].partition("#")
        assert (answer.status_code, where) == (303, f"paper-{first}")
        assert target.partition("?")[0] == path

    page = client.get(target).content.decode()
    assert Vote.objects.get().value == Vote.Value.LESS
    assert Saved.objects.get().paper_id == first
    assert Subscription.objects.get().emphasis == Subscription.Emphasis.MUTED
    assert Term.objects.get().text == "Ada <Q>"
    assert [buttons for _place, _fields, buttons in posts_in(page)[:4]] == [
        ["more", "undo"],
        ["undo"],
        ["unmute"],
        ["unmute"],
    ]


def test_a_form_leads_back_to_no_other_place(client: Client) -> None:
    digest = sent_digest()

    for back in ("//evil.example", "https://evil.example", "2026-13-45/../x", "saved/x", "\x00"):
        answer = client.post(vote_path(digest), {"w": "more", "back": back})
        assert answer["Location"] == vote_path(digest)


def test_a_link_from_before_there_were_buttons_shows_the_digest_without_them(
    client: Client,
) -> None:
    digest = sent_digest()
    Link.objects.filter(purpose__in=[Link.Purpose.SAVED, Link.Purpose.VOTE]).delete()

    page = client.get(read_path(digest))

    assert (page.status_code, posts_in(page.content.decode())) == (200, [])


def test_it_leads_to_the_readers_other_days_and_names_the_next(client: Client) -> None:
    due = timezone.now() + timedelta(days=9)
    reader = make_reader(zone="Asia/Tokyo", next_due_at=due)
    today = timezone.now().date()
    days = [today - timedelta(days=back) for back in (7, 3, 0)]
    for day in days:
        sent_at(day, reader)
    stranger = make_reader()
    sent_at(today - timedelta(days=1), stranger)
    path = read_path(Digest.objects.filter(subscriber=reader).latest("local_date"))
    start = path.rpartition("/")[0]

    page = client.get(f"{start}/{days[1]}").content.decode()

    assert re.findall(rf'rel="(\w+)" href="{start}/([\d-]+)"', page) == [
        ("prev", str(days[0])),
        ("next", str(days[2])),
    ]
    assert f"{due.astimezone(ZoneInfo('Asia/Tokyo')):%H:%M} Tokyo time" in page


def sent_at(day: date, reader: Subscriber) -> None:
    papers = [make_paper() for _ in range(3)]
    edition = make_edition(papers, day=day)
    links.ensure([reader], timezone.now())
    make_digest(
        edition,
        reader,
        state=Digest.State.SENT,
        paper_ids=[paper.pk for paper in papers],
        reasons=["rest"] * 3,
    )


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

    with django_assert_num_queries(12):
        client.get(path)
