"""What an operator sees of a topic before saving it."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from digest.models import Paper, PaperTopic
from digest.papers.matching import match, terms_of
from digest.papers.preview import Preview, preview
from digest.ranking.tfidf import TopicTerms
from subscribers.models import Topic
from tests.factories import make_paper, make_topic

pytestmark = pytest.mark.django_db

ROBOTS = {"name": "Robots", "description": "Arms and grippers", "seed_terms": "robot arm, gripper"}
TERMS = TopicTerms("", "Robots", "Arms and grippers", ("robot arm", "gripper"))
FOLDS = "A robot arm folds towels by touch, and its gripper feels the seams of the cloth."
PROVES = "A proof assistant checks lemmas, and a tactic search finds formal proofs by itself."
# Contains one of the words once, among many others.
TOUCHES = " ".join(
    (
        "A survey of factories in the north asks who repairs looms, lathes, kilns and presses.",
        "Owners name belts, bearings, valves, motors and, once, a gripper among parts that fail.",
        "We count visits, costs, delays and letters, and map them over nine winters of records.",
    )
)


def previewed(days: int = 7) -> Preview:
    return preview(TERMS, days=days, now=timezone.now())


def test_what_is_previewed_is_what_is_matched_once_the_topic_is_saved() -> None:
    papers = [make_paper(abstract=text) for text in (FOLDS, PROVES, TOUCHES)]
    foreseen = {caught.paper.pk: caught.fit for caught in previewed().caught}
    assert set(foreseen) == {papers[0].pk}

    topic = Topic.objects.create(
        slug="robots", name=TERMS.name, description=TERMS.description, seed_terms=TERMS.seed_terms
    )
    match(papers)

    assert dict(PaperTopic.objects.filter(topic=topic).values_list("paper", "fit")) == foreseen


def test_what_only_touches_on_the_topic_is_just_below() -> None:
    make_paper(abstract=PROVES)
    touches = make_paper(abstract=TOUCHES)
    for _ in range(20):
        make_paper()

    found = previewed()

    assert found.caught == []
    assert [one.paper for one in found.nearly] == [touches]


def test_papers_are_counted_by_day_and_older_ones_left_out() -> None:
    now = timezone.now()
    for days, text in ((0, FOLDS), (0, PROVES), (1, PROVES), (10, FOLDS), (40, FOLDS)):
        make_paper(abstract=text, first_seen_at=now - timedelta(days=days))

    week, month = previewed(7), previewed(30)

    today = now.date()
    assert week.a_day == [(today, 1), (today - timedelta(days=1), 0)]
    assert (week.looked_at, week.mean) == (3, 0.5)
    assert (month.looked_at, len(month.caught)) == (4, 2)


def test_preview_without_papers_or_words_is_empty() -> None:
    assert previewed() == Preview(0, [], [], [])
    make_paper(abstract=FOLDS)
    assert preview(TopicTerms("", "A", "", ()), days=7, now=timezone.now()).caught == []


# --- the page ------------------------------------------------------------------------------
def page_for(client: Client, fields: dict[str, Any]) -> str:
    answer = client.post(reverse("admin:subscribers_topic_preview"), fields, secure=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_shows_what_the_words_catch_and_saves_nothing(admin_client: Client) -> None:
    paper = make_paper(title="Folding <towels>", abstract=FOLDS)
    make_paper(abstract=PROVES)
    topic = make_topic(slug="robots")
    before = list(Topic.objects.order_by("pk").values())

    page = page_for(admin_client, {**ROBOTS, "slug": "robots", "days": "7"})

    assert "1 of 2 papers match, 1.0 a day" in page
    assert (
        f'{reverse("admin:digest_paper_change", args=[paper.pk])}">Folding &lt;towels&gt;' in page
    )
    assert list(Topic.objects.order_by("pk").values()) == before
    assert not PaperTopic.objects.filter(topic=topic).exists()


def test_invalid_words_are_reported(admin_client: Client) -> None:
    page = page_for(admin_client, {**ROBOTS, "name": "", "days": "7"})

    assert "This field is required." in page
    assert "papers match, " not in page


@pytest.mark.parametrize("days", ["", "9999"])
def test_days_that_are_not_offered_are_a_week_or_refused(admin_client: Client, days: str) -> None:
    make_paper(abstract=FOLDS)

    page = page_for(admin_client, {**ROBOTS, "days": days})

    assert ("papers match, " in page) == (days == "")


def test_both_forms_of_a_topic_have_the_button(admin_client: Client) -> None:
    topic = make_topic()
    paths = [
        reverse("admin:subscribers_topic_add"),
        reverse("admin:subscribers_topic_change", args=[topic.pk]),
    ]

    pages = [admin_client.get(path, secure=True).content.decode() for path in paths]

    button = f'formaction="{reverse("admin:subscribers_topic_preview")}"'
    assert [page.count(button) for page in pages] == [1, 1]


def test_the_empty_page_is_there_to_try_words(admin_client: Client) -> None:
    page = admin_client.get(reverse("admin:subscribers_topic_preview"), secure=True)

    assert page.status_code == 200
    assert "This field is required." not in page.content.decode()


@pytest.mark.parametrize(
    ("permission", "status"), [("view_topic", 403), ("change_topic", 200), ("add_topic", 200)]
)
def test_only_operators_who_may_edit_topics_can_preview_them(
    client: Client, permission: str, status: int
) -> None:
    path = reverse("admin:subscribers_topic_preview")
    assert client.post(path, ROBOTS, secure=True).status_code == 302
    clerk = User.objects.create_user("clerk", password="x", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename=permission))

    client.force_login(clerk)

    assert client.post(path, ROBOTS, secure=True).status_code == status


@pytest.mark.parametrize(("matched_by", "number"), [("learnt", 1), ("words", 0)])
def test_the_page_counts_what_was_learnt_if_the_form_says_so(
    admin_client: Client, matched_by: str, number: int
) -> None:
    make_paper(title="Scaling laws", abstract="Scaling laws of pretraining, tokenizers.")
    form = {**ROBOTS, "slug": "language-models", "matched_by": matched_by}

    page = page_for(admin_client, form)

    assert f"{number} of 1 papers match, " in page


def test_the_preview_of_the_rest_has_the_papers_of_no_other_topic() -> None:
    Topic.objects.all().delete()
    make_topic(name="Robots", seed_terms=["robot arm", "gripper"])
    make_paper(abstract=FOLDS)
    proves = make_paper(abstract=PROVES)
    rest = make_topic(matched_by=Topic.MatchedBy.REST)
    match(list(Paper.objects.all()))

    found = preview(terms_of(rest), days=7, now=timezone.now())

    assert [caught.paper for caught in found.caught] == [proves]
    assert found.nearly == []
    assert [pair.paper for pair in PaperTopic.objects.filter(topic=rest)] == [proves]
