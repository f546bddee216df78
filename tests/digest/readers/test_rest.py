"""The rest of the day in a reader's order."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from digest.models import Digest, Vote
from digest.readers.rest import rest_of
from subscribers import links
from subscribers.models import Subscriber, Subscription, Topic
from tests.digest.sent import edition_of, read_path
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db


def digest_of_three(papers: int = 10) -> tuple[Digest, Subscriber, Topic, Topic]:
    """A digest with the first three papers of an edition, its reader, and two topics.

    The reader follows the first, which the last three papers are on; the fifth is on the other.
    """
    followed, other = make_topic(), make_topic()
    made = [make_paper(votes=number) for number in range(papers)]
    edition = make_edition(made)
    for place, topic in ((4, other), *((place, followed) for place in (-3, -2, -1))):
        row = edition.candidates.get(paper=made[place])
        row.fits = {str(topic.pk): 0.9}
        row.save()
    reader = make_reader(followed)
    links.ensure([reader], timezone.now())
    digest = make_digest(
        edition,
        reader,
        state=Digest.State.SENT,
        paper_ids=[paper.pk for paper in made[:3]],
        reasons=["rest"] * 3,
        handed_over_at=timezone.now(),
    )
    return digest, reader, followed, other


def test_the_rest_has_all_other_papers_those_of_the_readers_topics_first() -> None:
    digest, reader, _followed, _other = digest_of_three()

    rest = rest_of(digest, reader, timezone.now())

    everything = set(edition_of(digest).candidates.values_list("paper_id", flat=True))
    assert set(rest.paper_ids) == everything - set(digest.paper_ids)
    assert len(rest.paper_ids) == len(set(rest.paper_ids)) == 7
    assert sorted(rest.paper_ids[:3]) == sorted(everything)[-3:]
    assert rest.hidden == 0


def test_what_is_muted_is_left_out_and_what_readers_say_changes_the_order() -> None:
    digest, reader, followed, other = digest_of_three()
    before = list(rest_of(digest, reader, timezone.now()).paper_ids)
    Subscription.objects.create(
        subscriber=reader, topic=other, emphasis=Subscription.Emphasis.MUTED
    )
    Subscription.objects.filter(topic=followed).update(emphasis=Subscription.Emphasis.LESS)

    after = rest_of(digest, reader, timezone.now())

    assert set(before) - set(after.paper_ids) == {digest.paper_ids[0] + 4}
    assert after.hidden == 1
    assert sorted(after.paper_ids[-3:]) == sorted(before[:3])


def test_opening_the_page_changes_nothing(client: Client) -> None:
    digest, _reader, _followed, _other = digest_of_three()

    page = client.get(f"{read_path(digest)}/rest")

    assert page.content.decode().count('<article class="paper"') == 7
    assert Digest.objects.values().get() == {**Digest.objects.values().get(), "id": digest.pk}
    assert not Vote.objects.exists()
    assert client.get(read_path(digest).replace("/d/", "/v/") + "/rest").status_code == 404


@pytest.mark.parametrize("papers", [25, 50])
def test_the_page_takes_the_same_queries_for_any_edition(
    client: Client, papers: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    page = f"{read_path(digest_of_three(papers)[0])}/rest"
    client.get(page)  # what all readers of the edition share is made once

    with django_assert_num_queries(15):
        client.get(page)
