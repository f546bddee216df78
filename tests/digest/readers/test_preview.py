"""A preview of today's digest by preferences that are not saved."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from digest.models import Digest, Vote
from subscribers import links
from subscribers.models import Subscriber, Subscription, Term
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic
from tests.subscribers.wishes.test_preferences_page import entered, path_of

pytestmark = pytest.mark.django_db


def a_reader(papers: int = 8) -> tuple[Subscriber, dict[str, Any]]:
    """A reader who follows nothing, and a form that follows the topic of the last three papers."""
    topic = make_topic(name="Robots")
    made = [make_paper(title=f"Title {place}", votes=50 - place) for place in range(papers)]
    edition = make_edition(made)
    for paper in made[-3:]:
        edition.candidates.filter(paper=paper).update(fits={str(topic.pk): 0.9})
    reader = make_reader()
    links.ensure([reader], timezone.now())
    sent = {"state": Digest.State.SENT, "paper_ids": [made[0].pk], "reasons": ["rest"]}
    make_digest(edition, reader, **sent)
    return reader, entered(**{f"topic_{topic.pk}": "1"}, length="3", muted_keywords="quantum")


def everything() -> list[Any]:
    models = (Subscriber, Subscription, Term, Digest, Vote)
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def test_the_preview_goes_by_what_is_ticked_and_stores_nothing(client: Client) -> None:
    reader, form = a_reader()
    before = everything()

    page = client.post(f"{path_of(reader)}/preview", form)

    shown = [(card.title, reason) for card, reason in page.context["preview"]["papers"]]
    assert sorted(shown) == [(f"Title {place}", "You follow Robots") for place in (5, 6, 7)]
    assert everything() == before
    html = page.content.decode()
    assert "Nothing is saved until you press “Save”" in html
    # What was ticked is still there, and "Save" leads to the page that saves.
    assert 'value="3"' in html
    assert ">quantum</textarea>" in html.replace(">\nquantum", ">quantum")
    assert f'action="{path_of(reader)}"' in html


def test_it_is_as_if_todays_digest_had_not_been_sent(client: Client) -> None:
    reader, form = a_reader()
    unfollowing = {name: value for name, value in form.items() if not name.startswith("topic_")}

    page = client.post(f"{path_of(reader)}/preview", unfollowing)

    titles = [card.title for card, _reason in page.context["preview"]["papers"]]
    assert titles[0] == "Title 0"
    assert len(titles) == 3


def test_it_is_in_the_language_that_is_ticked(client: Client) -> None:
    reader, form = a_reader()

    page = client.post(f"{path_of(reader)}/preview", {**form, "language": "de"})

    assert page.context["preview"]["papers"][0][1] == "Sie folgen „Robots“"
    assert "Nothing is saved until" in page.content.decode()


def test_mistakes_are_explained_instead(client: Client) -> None:
    reader, form = a_reader()

    page = client.post(f"{path_of(reader)}/preview", {**form, "length": "99"})

    assert page.context["preview"] is None
    assert "Enter a number from 3 to 20." in page.content.decode()


@pytest.mark.parametrize("method", ["get", "head"])
def test_only_a_form_leads_to_it(client: Client, method: str) -> None:
    reader, _form = a_reader()

    answer = getattr(client, method)(f"{path_of(reader)}/preview")

    assert (answer.status_code, answer["Location"]) == (303, path_of(reader))


def test_without_an_edition_there_is_nothing_to_choose_from(client: Client) -> None:
    reader = make_reader()
    links.ensure([reader], timezone.now())

    page = client.post(f"{path_of(reader)}/preview", entered())

    assert "There is no edition yet to choose from." in page.content.decode()


@pytest.mark.parametrize("papers", [6, 20])
def test_it_takes_the_same_queries_for_any_edition(
    client: Client, papers: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    reader, form = a_reader(papers)
    path = f"{path_of(reader)}/preview"
    client.post(path, form)  # what all readers of the edition share is made once

    with django_assert_num_queries(15):
        client.post(path, form)
