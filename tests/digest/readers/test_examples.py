"""The page "Papers you like": examples picked by hand."""

from collections.abc import Sequence
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from digest.choosing import interests
from digest.models import Edition, Vote
from digest.readers import bibliography, examples
from digest.readers.votes import vote
from subscribers import links
from subscribers.export import everything_about
from subscribers.leaving.erasing import erase
from subscribers.models import Link, Subscriber, Subscription, Topic
from tests.digest.choosing.liking import bibtex, boxes, library_of, path_of, shown, titled, votes
from tests.factories import make_edition, make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db

MAIL, EXAMPLE, IMPORT = Vote.Origin.MAIL, Vote.Origin.EXAMPLE, Vote.Origin.IMPORT


@pytest.fixture
def reader() -> Subscriber:
    return make_reader()


# --- picking -------------------------------------------------------------------------------
def test_ticked_papers_become_votes_and_are_shown(client: Client, reader: Subscriber) -> None:
    one, two, three = titled(1, 2, 3)
    assert shown(client, path_of(reader)) == {one.pk: False, two.pk: False, three.pk: False}

    answer = client.post(path_of(reader), {"paper": [one.pk, three.pk], "save": "1"})

    assert (answer.status_code, answer["Location"]) == (303, f"{path_of(reader)}?saved")
    assert votes() == [(one.pk, 1, EXAMPLE), (three.pk, 1, EXAMPLE)]
    assert shown(client, path_of(reader)) == {one.pk: True, three.pk: True, two.pk: False}


def test_an_unticked_paper_is_no_longer_picked(client: Client, reader: Subscriber) -> None:
    one, two = titled(1, 2)
    client.post(path_of(reader), {"paper": [one.pk, two.pk], "save": "1"})
    since = Vote.objects.get(paper=two).at

    client.post(path_of(reader), {"paper": two.pk, "save": "1"})

    assert votes() == [(two.pk, 1, EXAMPLE)]
    assert Vote.objects.get().at == since


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_page_picks_nothing(client: Client, reader: Subscriber, method: str) -> None:
    [paper] = titled(1)
    query = f"?paper={paper.pk}&save=1&library=1&forget=1"

    answer = getattr(client, method)(f"{path_of(reader)}{query}")

    assert (answer.status_code, votes()) == (200, [])
    client.post(path_of(reader), {"paper": paper.pk, "save": "1"})
    assert len(votes()) == 1


def test_without_a_button_nothing_changes(client: Client, reader: Subscriber) -> None:
    one, two = titled(1, 2)
    examples.pick(reader, [one.pk], timezone.now())

    for fields in ({}, {"paper": two.pk}, {"List-Unsubscribe": "One-Click"}):
        answer = client.post(path_of(reader), fields)
        assert (answer.status_code, answer["Location"]) == (303, path_of(reader))

    assert votes() == [(one.pk, 1, EXAMPLE)]


def test_the_latest_vote_on_a_paper_counts(client: Client, reader: Subscriber) -> None:
    one, two = titled(1, 2)
    for paper in (one, two):
        vote(reader, paper, Vote.Value.LESS, MAIL, timezone.now())

    client.post(path_of(reader), {"paper": one.pk, "save": "1"})

    assert votes() == [(one.pk, 1, EXAMPLE), (two.pk, -1, MAIL)]


def test_other_readers_votes_stay(client: Client, reader: Subscriber) -> None:
    [paper] = titled(1)
    other = make_reader()
    examples.pick(other, [paper.pk], timezone.now())

    client.post(path_of(reader), {"save": "1"})

    assert votes() == [(paper.pk, 1, EXAMPLE)]


def test_at_most_twenty_papers_can_be_picked(client: Client, reader: Subscriber) -> None:
    papers = titled(*range(21))
    ids = [paper.pk for paper in papers]

    answer = client.post(path_of(reader), {"paper": ids, "save": "1"})

    html = answer.content.decode()
    assert ("pick no more than 20" in html, votes()) == (True, [])
    assert boxes(html) == dict.fromkeys(ids, True)
    client.post(path_of(reader), {"paper": ids[1:], "save": "1"})
    assert len(votes()) == 20


@pytest.mark.parametrize("asked", ["x", "-1", "9" * 18, "9" * 30, "²", ""])
def test_a_paper_that_is_not_public_cannot_be_picked(
    client: Client, reader: Subscriber, asked: str
) -> None:
    waiting = make_paper()

    answer = client.post(path_of(reader), {"paper": [asked, waiting.pk], "save": "1"})

    assert (answer.status_code, votes()) == (303, [])


def test_picks_count_from_the_next_digest_on(client: Client, reader: Subscriber) -> None:
    [paper] = titled(1)

    client.post(path_of(reader), {"paper": paper.pk, "save": "1"})

    [like] = interests.read_interests([reader.pk], timezone.now()).likes[reader.pk]
    assert (like.paper_id, round(like.weight, 3)) == (paper.pk, 1.0)


# --- what is offered -----------------------------------------------------------------------
def offered_topics(reader: Subscriber, topics: Sequence[Topic]) -> list[int]:
    """Return the index in `topics` of each offered paper's topic."""
    fits = [list(each.fits) for each in examples.offered(reader, [])]
    return [[str(topic.pk) for topic in topics].index(topic) for [topic] in fits]


def test_the_readers_topics_come_first_and_topics_are_mixed() -> None:
    topics = [make_topic() for _ in range(5)]
    muted = topics[-1]
    for number, topic in enumerate(topics):
        papers = [make_paper(votes=10 * number + n) for n in range(9)]
        make_edition(papers, day=date(2026, 11, 1 + number), fits={topic.pk: 0.9})
    reader = make_reader(topics[0], topics[1])
    Subscription.objects.create(
        subscriber=reader, topic=muted, emphasis=Subscription.Emphasis.MUTED
    )

    assert offered_topics(reader, topics) == [1, 0, 1, 0, 1, 0, 1, 0, 3, 2, 3, 2]
    assert offered_topics(make_reader(), topics) == [4, 3, 2, 1, 0] * 2 + [4, 3]


def test_papers_that_the_reader_has_voted_on_are_not_offered(reader: Subscriber) -> None:
    one, two = titled(1, 2)
    vote(reader, one, Vote.Value.MORE, MAIL, timezone.now())

    assert [each.paper_id for each in examples.offered(reader, [])] == [two.pk]


def test_papers_of_an_open_edition_are_not_offered(reader: Subscriber) -> None:
    [paper] = titled(1)
    Edition.objects.update(closed_at=None)

    assert (examples.offered(reader, []), examples.papers([paper.pk])) == ([], [])


@pytest.mark.parametrize("number", [1, 3])
def test_the_page_takes_the_same_queries_for_any_number_of_papers(
    client: Client,
    reader: Subscriber,
    number: int,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    papers = titled(*range(2 * number))
    path = path_of(reader)
    client.post(path, {"paper": [paper.pk for paper in papers[:number]], "save": "1"})

    with django_assert_num_queries(11):
        assert len(shown(client, path)) == 2 * number


# --- finding others ------------------------------------------------------------------------
def test_further_papers_are_found_by_title_and_by_author(
    client: Client, reader: Subscriber
) -> None:
    wanted = make_paper(title="Folding towels", authors=["Yann LeCun"])
    library_of([wanted, *(make_paper(votes=9) for _ in range(15))])
    path = path_of(reader)
    assert wanted.pk not in shown(client, path)

    for text in ("towel", "yann lecun", wanted.key):
        assert next(iter(shown(client, f"{path}?q={text}"))) == wanted.pk


def test_a_search_keeps_what_is_ticked_and_saves_nothing(
    client: Client, reader: Subscriber
) -> None:
    one, two, three = titled(1, 2, 3)
    examples.pick(reader, [one.pk], timezone.now())

    html = client.get(f"{path_of(reader)}?q=zzz&paper={two.pk}").content.decode()

    assert boxes(html) == {two.pk: True, three.pk: False}
    assert "Not saved yet" in html
    assert votes() == [(one.pk, 1, EXAMPLE)]


# --- who may, and what is kept -------------------------------------------------------------
def test_only_the_readers_own_link_works(client: Client, reader: Subscriber) -> None:
    [paper] = titled(1)
    good = path_of(reader)
    vote = links.monthly(reader.pk, timezone.now()).vote

    for path in ("/p/nonsense/papers", f"/p/{vote}/papers"):
        assert client.post(path, {"paper": paper.pk, "save": "1"}).status_code == 404

    assert votes() == []
    answer = client.post(good, {"paper": paper.pk, "save": "1"})
    assert (answer.status_code, answer["Referrer-Policy"]) == (303, "no-referrer")


def test_an_unsubscribed_reader_cannot_pick(client: Client) -> None:
    reader = make_reader(state=Subscriber.State.UNSUBSCRIBED)
    [paper] = titled(1)

    answer = client.post(path_of(reader), {"paper": paper.pk, "save": "1"})

    assert ("No digests go to this address" in answer.content.decode(), votes()) == (True, [])


def test_the_preferences_page_links_to_the_page(client: Client, reader: Subscriber) -> None:
    path = path_of(reader)

    html = client.get(path.removesuffix("/papers")).content.decode()

    assert f'href="{path}' in html


def test_the_page_after_confirming_links_to_the_page(client: Client, reader: Subscriber) -> None:
    path = path_of(reader)
    now = timezone.now()
    link = links.issue(reader, Link.Purpose.CONFIRM, timedelta(hours=1), now)

    html = client.get(urlsplit(link).path).content.decode()

    assert f'{path}"' in html


def test_the_readers_download_has_the_votes_with_their_origin(reader: Subscriber) -> None:
    one, two = titled(1, 2)
    examples.pick(reader, [one.pk], timezone.now())
    examples.add_library(reader, bibliography.read(bibtex(two).encode()), timezone.now())

    known = everything_about(reader)["votes"]

    said = [(vote["paper__title"], vote["value"], vote["origin"]) for vote in known]
    assert said == [(one.title, 1, EXAMPLE), (two.title, 1, IMPORT)]


def test_an_erased_reader_leaves_no_votes(reader: Subscriber) -> None:
    one, two = titled(1, 2)
    examples.pick(reader, [one.pk], timezone.now())
    examples.add_library(reader, bibliography.read(bibtex(two).encode()), timezone.now())
    assert len(votes()) == 2

    erase(reader, timezone.now())

    assert votes() == []
