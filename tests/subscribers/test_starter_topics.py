"""The topics that come with Broadsheet, on new sites and on those that had older ones."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from digest.models import PaperTopic
from digest.papers.matching import match
from subscribers.models import Topic
from tests.factories import make_paper, starter_topics

BEFORE = ("subscribers", "0011_drop_the_index_for_like")
AFTER = ("subscribers", "0012_learn_starter_topics")


def migrate(*targets: tuple[str, str]) -> Any:
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return executor.loader.project_state(list(targets)).apps


@pytest.fixture
def old() -> Iterator[Any]:
    """The topics of a site before any weights were learnt."""
    starter_topics()
    yield migrate(BEFORE).get_model("subscribers", "Topic")
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())


@pytest.mark.django_db(transaction=True)
def test_what_an_operator_changed_or_made_stays_as_it_is(old: Any) -> None:
    old.objects.filter(slug__in=["deep-research", "other"]).delete()
    old.objects.filter(slug="code").update(seed_terms=["fortran"])
    old.objects.filter(slug="robotics").update(name="Robots", is_offered=False)
    old.objects.filter(slug="speech-audio").delete()
    old.objects.create(slug="other", name="Fishing", description="Rods.", seed_terms=["trout"])
    kept = {topic["slug"]: topic for topic in old.objects.values()}

    migrate(AFTER)

    matched_by = dict(Topic.objects.values_list("slug", "matched_by"))
    now: dict[str, dict[str, Any]] = {one["slug"]: {**one} for one in Topic.objects.values()}
    for topic in now.values():
        del topic["matched_by"]
    new = now.pop("deep-research")
    assert now == kept
    assert (new["name"], new["is_offered"]) == ("Deep research and search agents", True)
    assert {slug for slug, by in matched_by.items() if by == "words"} == {"code", "other"}
    assert set(matched_by.values()) == {"words", "learnt"}


@pytest.mark.django_db
def test_a_new_site_matches_its_starter_topics_by_what_was_learnt() -> None:
    found = dict(Topic.objects.values_list("slug", "matched_by"))

    assert found.pop("other") == "rest"
    assert len(found) == 19
    assert set(found.values()) == {"learnt"}


@pytest.mark.django_db
def test_research_agents_come_after_agents_and_the_rest_is_last_on_the_form(client: Client) -> None:
    Topic.objects.create(slug="moss", name="Moss and lichen", description="Soft.")

    slugs = list(Topic.objects.values_list("slug", flat=True))

    assert slugs.index("deep-research") == slugs.index("agents") + 1
    assert slugs[-2:] == ["moss", "other"]
    page = client.get(reverse("subscribers:front"), secure=True).content.decode()
    assert page.index("Moss and lichen") < page.index("Other subjects")


@pytest.mark.django_db
def test_the_new_topics_are_called_in_german() -> None:
    with override("de"):
        labels = dict.fromkeys(Topic.labels().values())

    assert {"Deep Research und Suchagenten", "Weitere Themen"} <= set(labels)


@pytest.mark.django_db
def test_a_paper_of_no_topic_is_found_under_other_subjects_and_a_search_agent_is_not() -> None:
    soup = make_paper(title="Soup", abstract="Onions and broth simmer in a pot.")
    agent = make_paper(
        title="A deep research agent",
        abstract="An agent for deep research runs web search over many steps and cites evidence.",
    )

    match([soup, agent])

    pairs = PaperTopic.objects.values_list("paper", "topic__slug")
    assert [slug for paper, slug in pairs if paper == soup.pk] == ["other"]
    slugs = {slug for paper, slug in pairs if paper == agent.pk}
    assert {"deep-research", "agents"} <= slugs
    assert "other" not in slugs
