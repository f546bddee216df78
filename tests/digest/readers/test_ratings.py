"""The page that asks a reader to rate a few papers."""

import re
from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from digest.choosing import interests
from digest.models import Digest, Paper, Vote
from digest.readers import examples, ratings
from digest.readers.votes import vote
from subscribers import links
from subscribers.export import everything_about
from subscribers.leaving.erasing import erase
from subscribers.models import Subscriber, Subscription, Term
from subscribers.wishes import terms
from tests.digest.choosing.liking import votes
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db

MORE, LESS = Vote.Value.MORE, Vote.Value.LESS
MAIL, RATING = Vote.Origin.MAIL, Vote.Origin.RATING
TODAY = date(2026, 11, 27)


@pytest.fixture
def reader() -> Subscriber:
    return make_reader()


def path_of(reader: Subscriber) -> str:
    links.ensure([reader], timezone.now())
    return f"/p/{links.monthly(reader.pk, timezone.now()).preferences}/rate"


def papers_of(days_ago: int, number: int, **fields: object) -> list[Paper]:
    """Papers of an edition in the past."""
    papers = [make_paper(**fields) for _ in range(number)]
    make_edition(papers, day=TODAY - timedelta(days=days_ago))
    return papers


def ids(papers: list[Paper]) -> set[int]:
    return {paper.pk for paper in papers}


def shown(client: Client, path: str) -> dict[int, str]:
    """The papers on the page, and the opinion that is ticked for each."""
    answer = client.get(path)
    assert (answer.status_code, answer.cookies) == (200, {})
    found = re.findall(r'name="paper-(\d+)" value="(\w*)" checked>', answer.content.decode())
    return {int(paper_id): opinion for paper_id, opinion in found}


# --- answers -------------------------------------------------------------------------------
def test_opinions_become_votes_as_from_a_mail(client: Client, reader: Subscriber) -> None:
    papers_of(1, 9)
    one, two, three, *others = shown(client, path_of(reader))
    assert len(others) == 6

    answer = client.post(
        path_of(reader),
        {f"paper-{one}": "more", f"paper-{two}": "less", f"paper-{three}": "", "paper-x": "more"},
    )

    assert answer.status_code == 303
    assert answer["Location"] == f"{path_of(reader)}?saved&passed={three}"
    assert sorted(votes()) == sorted([(one, 1, RATING), (two, -1, RATING)])
    unasked = dict.fromkeys(others, "")
    assert shown(client, answer["Location"]) == {one: "more", two: "less"} | unasked


def test_rated_papers_are_not_asked_about_again(client: Client, reader: Subscriber) -> None:
    papers_of(1, 2 * ratings.NUMBER)
    first = shown(client, path_of(reader))
    client.post(path_of(reader), {f"paper-{pk}": "more" for pk in first})

    second = shown(client, path_of(reader))

    unrated = {pk for pk, opinion in second.items() if not opinion}
    assert (len(first), len(unrated), unrated & first.keys()) == (
        ratings.NUMBER,
        ratings.NUMBER,
        set(),
    )


@pytest.mark.parametrize("method", ["get", "head"])
def test_opening_the_page_stores_nothing(client: Client, reader: Subscriber, method: str) -> None:
    [paper] = papers_of(1, 1)
    query = f"?paper-{paper.pk}=more"

    answer = getattr(client, method)(f"{path_of(reader)}{query}")

    assert (answer.status_code, votes()) == (200, [])
    client.post(path_of(reader), {f"paper-{paper.pk}": "more"})
    assert len(votes()) == 1


def test_a_form_without_opinions_stores_nothing_and_says_so(
    client: Client, reader: Subscriber
) -> None:
    [paper] = papers_of(1, 1)

    answer = client.post(path_of(reader), {f"paper-{paper.pk}": ""}, follow=True)

    assert votes() == []
    assert "Nothing was saved" in answer.content.decode()


def test_an_opinion_is_changed_and_taken_back(client: Client, reader: Subscriber) -> None:
    one, two = papers_of(1, 2)
    client.post(path_of(reader), {f"paper-{one.pk}": "more", f"paper-{two.pk}": "more"})
    at = Vote.objects.get(paper=one).at

    client.post(path_of(reader), {f"paper-{one.pk}": "more", f"paper-{two.pk}": "less"})
    assert votes() == [(one.pk, 1, RATING), (two.pk, -1, RATING)]
    assert Vote.objects.get(paper=one).at == at

    client.post(path_of(reader), {f"paper-{two.pk}": "undo"})
    assert votes() == [(one.pk, 1, RATING)]


def test_a_vote_from_a_mail_stays_one_when_it_is_changed(
    client: Client, reader: Subscriber
) -> None:
    [voted] = papers_of(1, 1)
    vote(reader, voted, LESS, MAIL, timezone.now())

    client.post(path_of(reader), {f"paper-{voted.pk}": "more"})

    assert votes() == [(voted.pk, 1, MAIL)]


def test_without_an_opinion_an_example_stays(client: Client, reader: Subscriber) -> None:
    [paper] = papers_of(1, 1)
    examples.pick(reader, [paper.pk], timezone.now())

    client.post(path_of(reader), {f"paper-{paper.pk}": ""})

    assert votes() == [(paper.pk, 1, Vote.Origin.EXAMPLE)]


@pytest.mark.parametrize("name", ["paper-²", "paper--1", "paper-99999999999999999999", "paper-7"])
def test_an_invented_field_stores_nothing(client: Client, reader: Subscriber, name: str) -> None:
    [hidden] = [make_paper()]  # in no edition, so not public

    answer = client.post(path_of(reader), {name: "more", f"paper-{hidden.pk}": "more"})

    assert (answer.status_code, votes()) == (303, [])


def test_the_link_of_a_reader_who_has_left_shows_no_paper(client: Client) -> None:
    reader = make_reader(state=Subscriber.State.UNSUBSCRIBED)
    [paper] = papers_of(1, 1)

    answer = client.post(path_of(reader), {f"paper-{paper.pk}": "more"})

    assert (answer.status_code, votes()) == (200, [])
    assert str(paper.title) not in answer.content.decode()


def test_a_rating_counts_less_than_a_vote_on_a_digest(client: Client, reader: Subscriber) -> None:
    one, two = papers_of(1, 2)
    vote(reader, one, MORE, MAIL, timezone.now())
    client.post(path_of(reader), {f"paper-{two.pk}": "more"})

    likes = interests.read_interests([reader.pk], timezone.now()).likes[reader.pk]

    weights = {like.paper_id: like.weight for like in likes}
    assert 0 < weights[two.pk] < weights[one.pk]


def test_ratings_teach_are_exported_and_erased(client: Client, reader: Subscriber) -> None:
    one, two = papers_of(1, 2)
    client.post(path_of(reader), {f"paper-{one.pk}": "more", f"paper-{two.pk}": "less"})

    likes = interests.read_interests([reader.pk], timezone.now()).likes[reader.pk]
    exported = everything_about(reader)["votes"]

    assert {(like.paper_id, like.code, like.weight > 0) for like in likes} == {
        (one.pk, "like", True),
        (two.pk, "like", False),
    }
    assert {(row["paper__title"], row["value"]) for row in exported} == {
        (one.title, 1),
        (two.title, -1),
    }
    erase(reader, timezone.now())
    assert votes() == []


# --- asking --------------------------------------------------------------------------------
def asked(reader: Subscriber) -> set[int]:
    return {candidate.paper_id for candidate in ratings.asked(reader)}


def test_papers_that_may_still_be_sent_are_left_for_the_digest(reader: Subscriber) -> None:
    newest, older, oldest = papers_of(0, 9), papers_of(1, 9), papers_of(8, 9)
    weekly = make_reader(frequency=Subscriber.Frequency.WEEKLY)

    assert asked(reader) == ids(older) | ids(oldest)
    assert asked(weekly) == ids(oldest)
    assert not asked(reader) & ids(newest)


def test_a_new_site_asks_about_its_only_edition(reader: Subscriber) -> None:
    assert ratings.asked(reader) == []

    papers = papers_of(0, 5)

    assert asked(reader) == ids(papers)


def test_papers_sent_or_voted_on_are_not_asked_about(reader: Subscriber) -> None:
    sent, voted, example, *others = papers_of(1, 8)
    today = make_edition([make_paper()], day=TODAY)
    make_digest(today, reader, state=Digest.State.SENT, paper_ids=[sent.pk])
    vote(reader, voted, LESS, MAIL, timezone.now())
    examples.pick(reader, [example.pk], timezone.now())

    assert asked(reader) - {today.candidates.get().paper_id} == ids(others)


def test_muted_and_withdrawn_papers_are_not_asked_about(reader: Subscriber) -> None:
    topic = make_topic()
    [muted] = papers = [make_paper()]
    make_edition(papers, day=TODAY - timedelta(days=2), fits={topic.pk: 0.5})
    by_word, by_author, gone, fine = (
        make_paper(title="Gravel roads"),
        make_paper(authors=["Cy Muted"]),
        make_paper(set_aside=Paper.Aside.WITHDRAWN),
        make_paper(),
    )
    make_edition([by_word, by_author, gone, fine], day=TODAY - timedelta(days=1))
    assert asked(reader) == ids([muted, by_word, by_author, fine])

    Subscription.objects.create(
        subscriber=reader, topic=topic, emphasis=Subscription.Emphasis.MUTED
    )
    Term.objects.create(
        subscriber=reader,
        kind=Term.Kind.KEYWORD,
        text="gravel road",
        key=terms.key("gravel road"),
        is_muted=True,
    )
    terms.mute_author(reader, "Cy Muted")

    assert asked(reader) == ids([fine])


def test_followed_topics_come_first(reader: Subscriber) -> None:
    topic = make_topic()
    on_topic = [make_paper(abstract=f"Robots fold towels in room {n}.") for n in range(20)]
    make_edition(on_topic, day=TODAY - timedelta(days=2), fits={topic.pk: 1})
    papers_of(1, 20)
    papers_of(0, 1)
    follower = make_reader(topic)

    assert {one.paper_id for one in ratings.asked(follower)[:20]} == ids(on_topic)
    assert {one.paper_id for one in ratings.asked(reader)[:20]} != ids(on_topic)


def test_papers_like_those_that_were_marked_come_next(client: Client, reader: Subscriber) -> None:
    about = ("Robots fold towels", "Proteins bind zinc", "Stars orbit dwarfs")
    ours = [
        [make_paper(title=f"{what} {n}", abstract=f"{what} in room {n}.") for n in range(15)]
        for what in about
    ]
    make_edition([paper for of_one in ours for paper in of_one], day=TODAY - timedelta(days=1))
    papers_of(0, 1)
    marked = [paper.pk for paper in ours[2][:2]]
    client.post(path_of(reader), {f"paper-{pk}": "more" for pk in marked})

    nearest = [candidate.paper_id for candidate in ratings.asked(reader)[:8]]

    assert set(nearest) <= ids(ours[2]) - set(marked)


def test_papers_left_without_an_opinion_are_not_shown_on_the_next_pages(
    client: Client, reader: Subscriber
) -> None:
    papers_of(1, 2 * ratings.NUMBER + 9)
    papers_of(0, 1)
    page, seen = path_of(reader), set[int]()
    for _ in range(2):
        first, *others = new = [pk for pk, said in shown(client, page).items() if not said]
        assert (len(new), seen & set(new)) == (ratings.NUMBER, set())
        seen |= set(new)
        marks = {f"paper-{pk}": "" for pk in others} | {f"paper-{first}": "more"}
        page = client.post(page, marks)["Location"]

    assert len([pk for pk, said in shown(client, page).items() if not said]) == 9
    assert len(shown(client, f"{path_of(reader)}?passed=²--x-{'9' * 30}-1")) > 9


def test_the_next_page_comes_by_itself_until_enough_are_marked(
    client: Client, reader: Subscriber
) -> None:
    papers_of(1, 3 * ratings.NUMBER)
    page = path_of(reader)
    for marked in (3, 6):
        unrated = [pk for pk, said in shown(client, page).items() if not said]
        saved = client.post(page, {f"paper-{pk}": "more" for pk in unrated[:3]}, follow=True)
        assert f"Saved: {marked} of {ratings.ENOUGH} marked." in saved.content.decode()
        page = saved.redirect_chain[-1][0]
    unrated = [pk for pk, said in shown(client, page).items() if not said]

    answer = client.post(page, {f"paper-{pk}": "more" for pk in unrated[:2]}, follow=True)

    last = answer.redirect_chain[-1][0]
    assert "Thank you" in answer.content.decode()
    assert [pk for pk, said in shown(client, last).items() if not said] == []
    assert "Thank you" not in client.get(path_of(reader)).content.decode()


def test_who_only_wants_less_is_asked_on(client: Client, reader: Subscriber) -> None:
    papers_of(1, 2)
    one = min(shown(client, path_of(reader)))

    page = client.post(path_of(reader), {f"paper-{one}": "less"}, follow=True).content.decode()

    assert "Saved." in page
    assert "of 8 marked" not in page
    assert 'type="submit">Save</button>' in page


def test_the_number_of_queries_depends_on_no_number_of_papers(
    client: Client, reader: Subscriber, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    papers_of(0, 1)
    papers_of(1, 9)
    path = path_of(reader)
    client.post(path, {f"paper-{min(shown(client, path))}": "less"})
    with django_assert_num_queries(13):
        client.get(path)
    client.post(path, {f"paper-{pk}": "more" for pk in shown(client, path)})
    papers_of(2, 19)
    client.get(path)
    with django_assert_num_queries(13):
        client.get(path)
