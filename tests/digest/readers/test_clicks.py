"""Counted clicks: ids only, no open redirects, and machines are told apart from people."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from digest.choosing import interests, reasons
from digest.choosing.composing import Composed, Request, compose
from digest.models import Click, Digest, Edition, Paper, Vote
from digest.readers import clicks
from digest.readers.votes import vote
from subscribers.models import Subscriber
from tests.contract import check_digest, html_of, text_of
from tests.digest.sent import click_path, edition_of, html_part, mail_of, sent_digest
from tests.factories import make_digest, make_edition, make_paper, make_reader

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _counted(settings: Settings) -> None:
    settings.TRACK_CLICKS = True


def follow(client: Client, digest: Digest, places: Sequence[int], seconds: float) -> list[bool]:
    """Follow the links at these places, `seconds` apart; return which clicks were flagged."""
    start = timezone.now()
    for number, place in enumerate(places):
        with time_machine.travel(start + timedelta(seconds=number * seconds), tick=False):
            client.get(click_path(digest, place))
    return list(Click.objects.order_by("at").values_list("is_machine", flat=True))


def test_a_link_leads_to_its_paper_and_is_counted(client: Client) -> None:
    digest = sent_digest([make_paper(url="https://arxiv.org/abs/2601.00001?a=1&b=2")])

    answer = client.get(click_path(digest))

    assert (answer.status_code, answer["Location"]) == (
        302,
        "https://arxiv.org/abs/2601.00001?a=1&b=2",
    )
    assert (answer["Referrer-Policy"], answer.cookies) == ("no-referrer", {})
    click = Click.objects.get()
    assert (click.digest, click.paper_id, click.is_machine) == (digest, digest.paper_ids[0], False)


def test_the_mail_links_to_its_papers_through_the_counter() -> None:
    digest = sent_digest()

    message = check_digest(mail_of(digest).message().as_bytes())

    for place in range(3):
        link = f"https://news.example.org{click_path(digest, place)}"
        assert f'href="{link}"' in html_of(message)
        assert link in text_of(message).splitlines()


def test_the_prepared_bytes_match_the_strings() -> None:
    message = mail_of(sent_digest())

    raw = check_digest(message.message().as_bytes())

    assert html_of(raw).splitlines() == html_part(message).splitlines()
    assert text_of(raw).splitlines() == message.body.splitlines()


def test_a_head_request_is_not_counted(client: Client) -> None:
    digest = sent_digest()

    answer = client.head(click_path(digest))

    assert (answer.status_code, Click.objects.count()) == (302, 0)
    client.get(click_path(digest))
    assert Click.objects.count() == 1


def test_links_work_uncounted_after_counting_is_switched_off(
    client: Client, settings: Settings
) -> None:
    digest = sent_digest()
    settings.TRACK_CLICKS = False

    answer = client.get(click_path(digest))

    assert (answer.status_code, Click.objects.count()) == (302, 0)


def test_a_reader_who_was_erased_is_not_counted(client: Client) -> None:
    digest = sent_digest()
    Subscriber.objects.all().delete()

    answer = client.get(click_path(digest))

    assert (answer.status_code, Click.objects.count()) == (302, 0)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "ftp://a.example/x", ""]
)
def test_a_paper_without_a_web_address_is_not_found(client: Client, url: str) -> None:
    digest = sent_digest([make_paper(url=url)])

    assert client.get(click_path(digest)).status_code == 404


@pytest.mark.parametrize(
    "end", ["//evil.example", "/%0d%0aSet-Cookie:%20a=b", "/javascript:alert(1)", "?url=//evil"]
)
def test_nothing_in_the_address_decides_the_target(client: Client, end: str) -> None:
    digest = sent_digest()
    key = click_path(digest).rpartition("/")[0]

    assert client.get(key + end).status_code == 404
    assert client.get(f"{key}/{make_paper().pk}").status_code == 404
    assert client.get(f"/k/{uuid4().hex}/{digest.paper_ids[0]}").status_code == 404
    assert not Click.objects.exists()


def test_slow_clicks_are_a_persons(client: Client) -> None:
    digest = sent_digest([make_paper() for _ in range(10)])

    assert follow(client, digest, [0, 1, 1, 2, 5], seconds=1.5) == [False] * 5


def test_a_link_that_is_opened_without_end_is_not_stored_without_end(client: Client) -> None:
    digest = sent_digest([make_paper() for _ in range(4)])

    flags = follow(client, digest, [0] * 50 + [1], seconds=30)

    assert len(flags) == clicks.MOST_CLICKS + 1
    assert client.get(click_path(digest)).status_code == 302


def test_quick_clicks_on_few_papers_are_a_persons(client: Client) -> None:
    digest = sent_digest([make_paper() for _ in range(10)])

    assert follow(client, digest, [3, 3, 3, 4], seconds=0.1) == [False] * 4


def test_a_burst_over_many_papers_is_a_machines_from_its_first_click(client: Client) -> None:
    digest = sent_digest([make_paper() for _ in range(10)])

    assert follow(client, digest, [0, 1, 2, 3], seconds=0.5) == [True] * 4


def test_clicks_on_all_papers_within_a_minute_are_a_machines(client: Client) -> None:
    digest = sent_digest([make_paper() for _ in range(10)])

    assert follow(client, digest, range(10), seconds=4) == [True] * 10


def test_a_burst_in_one_digest_does_not_flag_another(client: Client) -> None:
    ours = sent_digest([make_paper() for _ in range(10)])
    papers = [make_paper() for _ in range(10)]
    earlier = edition_of(ours)
    earlier.date -= timedelta(days=1)
    earlier.save()
    theirs = sent_digest(papers)

    follow(client, ours, [0], seconds=1)
    follow(client, theirs, [0, 1, 2], seconds=0.1)

    assert Click.objects.filter(digest=ours).values_list("is_machine", flat=True)[0] is False
    assert Click.objects.filter(digest=theirs, is_machine=True).count() == 3


# --- what clicks teach ---------------------------------------------------------------------
ROBOTS = "A robot arm folds towels by touch, and its gripper feels the seams of the cloth."
ROBOTS_TOO = "We teach a robot arm to fold cloth: its gripper feels seams and folds towels well."
OTHERS = (
    "Galaxies drift apart in a survey of faint light.",
    "Bread rises slower on cold mornings, say bakers.",
    "Whales sing lower each year in every ocean.",
    "Old bridges hum when the winter wind is steady.",
)


def opened(**fields: Any) -> Click:
    """Return a click on a paper of an old digest by a reader who follows nothing."""
    paper = make_paper(title="Folding at home", abstract=ROBOTS_TOO)
    day = timezone.now().date() - (8 + Edition.objects.count()) * DAY
    digest = make_digest(
        make_edition([paper], day=day), make_reader(), state="sent", paper_ids=[paper.pk]
    )
    return Click.objects.create(digest=digest, paper=paper, **fields)


def composed_after(*clicks: Click) -> list[Composed]:
    """Return what the readers of these clicks get from today's edition, in the same order."""
    edition = Edition.objects.filter(date=timezone.now().date()).first() or make_edition(
        [make_paper(abstract=text) for text in (*OTHERS, ROBOTS)]
    )
    requests = [
        Request(click.digest_id, edition.pk, click.digest.subscriber_id or 0, "daily", 3, "en",
                False, None)
        for click in clicks
    ]  # fmt: skip
    by_id = {one.digest_id: one for one in compose(requests, vote_weight=0.02, least=1)}
    return [by_id[click.digest_id] for click in clicks]


def first_of(composed: Composed) -> tuple[str, str]:
    abstract = Paper.objects.get(pk=composed.paper_ids[0]).abstract
    return abstract, reasons.words(composed.reasons[0], {})


def test_a_click_brings_a_similar_paper_and_says_so() -> None:
    (composed,) = composed_after(opened())

    assert first_of(composed) == (ROBOTS, "Like “Folding at home”, which you opened")
    (label, share), *_ = reasons.contributions_in_words(composed.contributions, 0)
    assert (label, share > 50) == ("Papers you voted up, picked or opened", True)


def test_a_machines_click_teaches_nothing() -> None:
    (taught,) = composed_after(opened())
    assert taught.reasons[0].startswith("opened:")

    (composed,) = composed_after(opened(is_machine=True))

    assert [reason.partition(":")[0] for reason in composed.reasons] == ["votes"] * 3


def test_clicks_teach_nothing_after_counting_is_switched_off(settings: Settings) -> None:
    click = opened()
    (taught,) = composed_after(click)
    assert taught.reasons[0].startswith("opened:")

    settings.TRACK_CLICKS = False
    (composed,) = composed_after(click)

    assert [reason.partition(":")[0] for reason in composed.reasons] == ["votes"] * 3


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Vote.Value.MORE, "Like “Folding at home”, which you voted up"),
        (Vote.Value.LESS, "New today"),
    ],
)
def test_a_vote_on_the_same_paper_overrules_the_click(value: Vote.Value, reason: str) -> None:
    click = opened()
    assert click.digest.subscriber is not None
    vote(click.digest.subscriber, click.paper, value, Vote.Origin.MAIL, timezone.now())

    (composed,) = composed_after(click)

    assert first_of(composed)[1] == reason


def test_a_click_weighs_a_fifth_of_a_vote_and_fades_like_one() -> None:
    now = timezone.now()
    fresh, old = opened(at=now), opened(at=now - interests.HALF_LIFE)
    Click.objects.create(digest=fresh.digest, paper=fresh.paper, at=now - DAY)
    readers = [click.digest.subscriber_id or 0 for click in (fresh, old)]

    likes = interests.read_interests(readers, now, with_clicks=True).likes

    assert [[like.weight for like in likes[reader]] for reader in readers] == [
        [pytest.approx(0.2)],
        [pytest.approx(0.1)],
    ]
    assert not interests.read_interests(readers, now).likes


def test_more_clicks_take_no_more_queries() -> None:
    clicks = [opened() for _ in range(4)]
    composed_after(*clicks)  # fills the caches

    with CaptureQueriesContext(connection) as of_one:
        composed_after(clicks[0])
    with CaptureQueriesContext(connection) as of_all:
        composed_after(*clicks)

    assert len(of_one) == len(of_all)
