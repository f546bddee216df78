"""Votes: the page behind a mail's links shows, and only its buttons act."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from digest.models import EditionPaper, Paper, Vote
from digest.readers.effects import telling_words
from subscribers.models import Subscriber, Subscription, Term
from tests.digest.sent import edition_of, read_path, sent_digest, vote_path
from tests.factories import make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db

MUTED = Subscription.Emphasis.MUTED


def votes() -> list[tuple[int, int]]:
    return list(Vote.objects.order_by("id").values_list("paper_id", "value"))


@pytest.mark.parametrize(("word", "value"), [("more", 1), ("less", -1)])
def test_a_button_votes(client: Client, word: str, value: int) -> None:
    digest = sent_digest()

    answer = client.post(vote_path(digest), {"w": word})

    assert (answer.status_code, answer["Location"]) == (303, vote_path(digest))
    assert votes() == [(digest.paper_ids[0], value)]


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("word", ["more", "less"])
def test_opening_a_link_does_not_vote(client: Client, method: str, word: str) -> None:
    digest = sent_digest()

    answer = getattr(client, method)(f"{vote_path(digest)}?w={word}")

    assert (answer.status_code, votes(), answer.cookies) == (200, [], {})
    client.post(vote_path(digest), {"w": word})
    assert len(votes()) == 1


@pytest.mark.parametrize("asked", ["more", "less"])
def test_the_page_offers_the_links_vote_first(client: Client, asked: str) -> None:
    answer = client.get(f"{vote_path(sent_digest())}?w={asked}")

    first = answer.content.decode().partition('name="w" value="')[2].partition('"')[0]
    assert first == asked


def test_the_latest_vote_counts(client: Client) -> None:
    digest = sent_digest()

    for word in ("more", "more", "less"):
        client.post(vote_path(digest), {"w": word})

    assert votes() == [(digest.paper_ids[0], -1)]


def test_a_vote_can_be_undone(client: Client) -> None:
    digest = sent_digest()
    client.post(vote_path(digest), {"w": "more"})
    page = client.get(vote_path(digest)).content.decode()
    assert page.count("Undo") == 1

    client.post(vote_path(digest), {"w": "undo"})

    assert votes() == []


def test_the_page_also_votes_on_the_other_papers(client: Client) -> None:
    digest = sent_digest()
    client.post(vote_path(digest), {"w": "more"})

    page = client.get(vote_path(digest)).content.decode()
    client.post(vote_path(digest, 1), {"w": "less"})

    forms = [f'action="{vote_path(digest, place)}"' in page for place in (0, 1, 2)]
    assert forms == [False, True, True]
    assert votes() == [(digest.paper_ids[0], 1), (digest.paper_ids[1], -1)]


def test_the_page_says_what_a_vote_changed(client: Client) -> None:
    topic = make_topic(name="Robots")
    paper = make_paper(
        title="Grasping of towels", keywords=["towels", "not in its text"], abstract="A study."
    )
    digest = sent_digest([paper, make_paper()], topic=topic)
    pages = {}

    for wish in ("more", "less", "undo"):
        pages[wish] = client.post(vote_path(digest), {"w": wish}, follow=True).content.decode()

    assert "those on “Robots”, and those with words such as “towels”." in pages["more"]
    assert "The more you vote, the more your votes decide" in pages["more"]
    assert "with words such as “towels”, now come only if they match" in pages["less"]
    assert "follow stay as they are" in pages["less"]
    assert "towels”" not in pages["undo"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"title": "Folding towels with two arms"}, ["Folding", "towels"]),
        ({"title": "A new method for models"}, []),
        ({"title": "漢字", "keywords": ["漢字"]}, ["漢字"]),
        ({"title": "", "abstract": ""}, []),
    ],
)
def test_it_names_words_that_tell_what_a_paper_is_about(
    fields: dict[str, object], words: list[str]
) -> None:
    paper = Paper(**{"keywords": [], "abstract": "", **fields})

    assert telling_words(paper) == words


def test_the_page_offers_the_next_papers_that_have_no_vote(client: Client) -> None:
    digest = sent_digest([make_paper() for _ in range(6)])
    client.post(vote_path(digest, 3), {"w": "less"})

    page = client.post(vote_path(digest, 2), {"w": "more"}, follow=True)

    offered = [pk for pk, _paper, _given in (*page.context["next"], *page.context["others"])]
    assert offered == [digest.paper_ids[place] for place in (4, 5, 0, 1, 3)]


def test_a_paper_of_the_day_that_was_not_sent_is_voted_on_from_the_rest(client: Client) -> None:
    digest, other = sent_digest(), make_paper()
    EditionPaper.objects.create(edition=edition_of(digest), paper=other)
    path = f"{vote_path(digest).rpartition('/')[0]}/{other.pk}"
    back = f"{edition_of(digest).date}/rest"

    answer = client.post(path, {"w": "more", "back": back})

    assert answer["Location"] == f"{read_path(digest)}/rest#paper-{other.pk}"
    assert votes() == [(other.pk, 1)]


def test_the_page_says_why_the_paper_was_sent(client: Client) -> None:
    digest = sent_digest(topic=make_topic(name="Robots & Arms"))

    answer = client.get(vote_path(digest))

    assert "Why it was in your digest: You follow Robots &amp; Arms." in answer.content.decode()


def test_a_topic_is_muted_and_unmuted_from_the_page(client: Client) -> None:
    topic = make_topic()
    digest = sent_digest(topic=topic)
    subscription = Subscription.objects.get()
    assert subscription.emphasis == Subscription.Emphasis.NORMAL

    answer = client.post(vote_path(digest), {"w": "mute", "topic": topic.slug})
    assert Subscription.objects.get().emphasis == MUTED
    page = client.get(answer["Location"])
    client.post(vote_path(digest), {"w": "unmute", "topic": topic.slug, "was": page.context["was"]})

    assert Subscription.objects.get().emphasis == Subscription.Emphasis.NORMAL


def test_unmuting_a_topic_that_was_not_followed_leaves_it_not_followed(client: Client) -> None:
    topic = make_topic()
    digest = sent_digest(topic=topic, reader=make_reader())

    client.post(vote_path(digest), {"w": "mute", "topic": topic.slug})
    assert Subscription.objects.get().emphasis == MUTED
    client.post(vote_path(digest), {"w": "unmute", "topic": topic.slug, "was": ""})

    assert not Subscription.objects.exists()


def test_an_author_is_muted_and_unmuted_from_the_page(client: Client) -> None:
    digest = sent_digest([make_paper(authors=["Zoë  Ångström"], num_authors=1)])

    client.post(vote_path(digest), {"w": "mute", "author": "Zoë  Ångström"})
    term = Term.objects.get()
    page = client.get(vote_path(digest)).content.decode()
    client.post(vote_path(digest), {"w": "unmute", "author": "Zoë  Ångström"})

    assert (term.kind, term.key, term.is_muted) == ("author", "zoe angstrom", True)
    assert page.count("Muted:") == 1
    assert not Term.objects.exists()


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"w": "everything"},
        {"w": "mute"},
        {"w": "mute", "author": "Nobody Of It"},
        {"w": "mute", "topic": "no-such-topic"},
        {"w": "more\x00"},
    ],
)
def test_an_unknown_wish_changes_nothing(client: Client, wish: dict[str, str]) -> None:
    digest = sent_digest()

    answer = client.post(vote_path(digest), wish)

    assert answer.status_code == 303
    assert (votes(), list(Term.objects.all())) == ([], [])
    assert not Subscription.objects.filter(emphasis=MUTED).exists()


def test_a_reader_votes_only_on_papers_they_were_sent(client: Client) -> None:
    digest, other = sent_digest(), make_paper()
    path = vote_path(digest).rpartition("/")[0]

    for number in (other.pk, 0, 999_999_999_999_999_999):
        assert client.get(f"{path}/{number}").status_code == 404
        assert client.post(f"{path}/{number}", {"w": "more"}).status_code == 404
    assert votes() == []


def test_a_token_for_reading_does_not_vote(client: Client) -> None:
    digest = sent_digest()
    token = read_path(digest).split("/")[2]

    answer = client.post(f"/v/{token}/{digest.paper_ids[0]}", {"w": "more"})

    assert (answer.status_code, votes()) == (404, [])


def test_a_link_expires_after_its_month_and_the_next(client: Client) -> None:
    path = vote_path(sent_digest())
    assert client.get(path).status_code == 200

    with time_machine.travel(timezone.now() + timedelta(days=62)):
        assert client.get(path).status_code == 410


def test_an_unsubscribed_reader_cannot_vote(client: Client) -> None:
    digest = sent_digest()
    Subscriber.objects.update(state=Subscriber.State.UNSUBSCRIBED)

    client.post(vote_path(digest), {"w": "more"})

    assert votes() == []


def test_characters_that_a_mail_program_appends_are_ignored(client: Client) -> None:
    path = vote_path(sent_digest())

    for added in ("/", ">", "=3D", "?w=more>", "/?w=less"):
        assert client.get(path + added).status_code == 200


def test_nobody_may_cache_or_index_the_page(client: Client) -> None:
    answer = client.get(vote_path(sent_digest()))

    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"]) == (
        "no-referrer",
        "noindex, nofollow",
    )
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("papers", [3, 12])
def test_the_page_takes_the_same_queries_for_any_digest(
    client: Client, papers: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    digest = sent_digest([make_paper() for _ in range(papers)])

    with django_assert_num_queries(10):
        client.get(vote_path(digest))
