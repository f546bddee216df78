"""Trials of a ranking: digests record which ranking took a paper, credit goes to that ranking, and
reasons stay true."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from digest.checks import check_trial
from digest.choosing import trial
from digest.choosing.composing import Composed, Request, compose
from digest.delivery.run import deliver
from digest.models import Click, Digest, Edition, Paper, Vote
from digest.ranking.batch import Part
from digest.ranking.weights import CLEAR_TOPIC, CLOSEST, TOPIC
from digest.readers.votes import vote
from subscribers.models import Subscriber, Subscription, Topic
from tests.digest.sent import edition_of
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db

BY_VOTES = "VOTE_WEIGHT=9"
# The weight of votes outside of trials, where the fit to a topic decides.
VOTES = 0.002


def edition_on(topic: Topic, number: int = 12) -> Edition:
    """An edition in which papers with more votes fit the topic less."""
    papers = [make_paper(votes=3**place) for place in range(number)]
    edition = make_edition(papers)
    for place, paper in enumerate(papers):
        edition.candidates.filter(paper=paper).update(fits={str(topic.pk): 0.9 - place / 20})
    return edition


def composed_for(
    readers: Sequence[Subscriber], edition: Edition, challenger: str | None = BY_VOTES
) -> list[Composed]:
    requests = [
        Request(reader.pk, edition.pk, reader.pk, "daily", 6, "en", False, None)
        for reader in readers
    ]
    tried = trial.challenger_of(challenger.split()) if challenger else None
    found = compose(requests, vote_weight=VOTES, least=1, challenger=tried)
    return sorted(found, key=lambda composed: composed.digest_id)


# --- the draft -----------------------------------------------------------------------------
def test_without_a_trial_no_ranking_is_named() -> None:
    topic = make_topic()

    (composed,) = composed_for([make_reader(topic)], edition_on(topic), challenger=None)

    assert composed.chosen_by is None
    assert len(composed.paper_ids) == 6


def test_in_a_trial_both_rankings_take_turns_and_are_named() -> None:
    topic = make_topic()
    edition, reader = edition_on(topic), make_reader(topic)
    (alone,) = composed_for([reader], edition, challenger=None)

    (composed,) = composed_for([reader], edition)

    assert composed.chosen_by is not None
    pairs = list(zip(composed.paper_ids, composed.chosen_by, strict=True))
    assert len(set(composed.paper_ids)) == len(pairs) == 6
    for start in (0, 2, 4):
        assert {name for _, name in pairs[start : start + 2]} == {"", BY_VOTES}
    most_voted = edition.candidates.order_by("-votes").values_list("paper_id", flat=True)
    assert [paper for paper, name in pairs if not name] == list(alone.paper_ids[:3])
    assert [paper for paper, name in pairs if name] == list(most_voted[:3])


def test_a_digest_composed_again_is_drafted_the_same() -> None:
    topic = make_topic()
    edition, readers = edition_on(topic), [make_reader(topic) for _ in range(20)]

    first, again = composed_for(readers, edition), composed_for(readers[::-1], edition)

    assert first == again
    assert {composed.chosen_by[0] for composed in first if composed.chosen_by} == {"", BY_VOTES}


def test_each_paper_has_the_reason_and_the_parts_of_the_ranking_that_chose_it() -> None:
    topic = make_topic()
    edition, reader = edition_on(topic), make_reader(topic)
    (alone,) = composed_for([reader], edition, challenger=None)

    (composed,) = composed_for([reader], edition)

    parts = dict(zip(composed.paper_ids, composed.contributions, strict=True))
    best = alone.paper_ids[0]
    most_voted = edition.candidates.latest("votes").paper_id
    assert parts[best] == alone.contributions[0]
    assert parts[most_voted][Part.VOTES] > parts[most_voted][Part.TOPICS] > 0
    topics = [row[Part.TOPICS] / 1000 for row in composed.contributions]
    assert composed.reasons == tuple(
        f"topic:{topic.pk}"
        if added >= 1.5 * CLEAR_TOPIC * TOPIC
        else ("closest" if added >= CLOSEST else "rest")
        for added in topics
    )


@pytest.mark.parametrize(
    ("challenger", "ignored"), [("TASTE_WEIGHT=0", Part.TASTE), ("TOPIC_WEIGHT=0", Part.TOPICS)]
)
def test_a_reason_is_true_for_the_ranking_that_chose_the_paper(
    challenger: str, ignored: Part
) -> None:
    topic, bread = make_topic(), "Bread rises slower on cold mornings, say bakers."
    reader, liked = make_reader(topic), make_paper(abstract=f"{bread} We bake on cold mornings.")
    vote(reader, liked, Vote.Value.MORE, Vote.Origin.EXAMPLE, timezone.now())
    edition = make_edition([make_paper(abstract=bread), *(make_paper() for _ in range(8))])
    edition.candidates.update(fits={str(topic.pk): 0.9})

    (composed,) = composed_for([reader], edition, challenger=challenger)

    assert set(composed.chosen_by or ()) == {"", challenger}
    part_of = {"topic": Part.TOPICS, "picked": Part.TASTE}
    for place, (code, name) in enumerate(
        zip(composed.reasons, composed.chosen_by or (), strict=True)
    ):
        parts = composed.contributions[place]
        part = part_of.get(code.partition(":")[0])
        assert part is None or parts[part] == max(parts[: Part.VOTES]) > 0
        assert name == "" or parts[ignored] == 0


def test_two_rankings_that_agree_draft_what_each_chose() -> None:
    topic = make_topic()
    edition, reader = edition_on(topic), make_reader(topic)
    (alone,) = composed_for([reader], edition, challenger=None)

    (composed,) = composed_for([reader], edition, challenger=f"VOTE_WEIGHT={VOTES}")

    assert (composed.paper_ids, composed.reasons, composed.contributions) == (
        alone.paper_ids,
        alone.reasons,
        alone.contributions,
    )


def test_the_same_news_does_not_come_from_both_rankings() -> None:
    topic = make_topic()
    edition, reader = edition_on(topic), make_reader(topic)
    best = edition.candidates.earliest("votes").paper
    same_news = edition.candidates.latest("votes").paper
    Paper.objects.filter(pk=same_news.pk).update(abstract=best.abstract, title=best.title)

    (composed,) = composed_for([reader], edition)

    assert len({best.pk, same_news.pk} & set(composed.paper_ids)) == 1


def test_where_a_reader_wants_nothing_a_trial_sends_nothing() -> None:
    topic = make_topic()
    edition, reader = edition_on(topic), make_reader(topic)
    Subscription.objects.update(emphasis=Subscription.Emphasis.LESS)

    (composed,) = composed_for([reader], edition)

    assert (composed.paper_ids, composed.chosen_by) == ((), ())
    assert composed.skip_reason == Digest.SkipReason.NO_MATCH


# --- the setting ---------------------------------------------------------------------------
def test_the_setting_names_what_the_challenger_does_differently() -> None:
    found = trial.challenger_of(["VOTE_WEIGHT=0.1", "TASTE_WEIGHT = 2"])

    assert found == trial.Challenger("TASTE_WEIGHT=2,VOTE_WEIGHT=0.1", taste=2, votes=0.1)
    assert trial.challenger_of([]) is None


@pytest.mark.parametrize(
    "word", ["LUCK_WEIGHT=1", "VOTE_WEIGHT", "VOTE_WEIGHT=", "VOTE_WEIGHT=-1", "VOTE_WEIGHT=nan"]
)
def test_an_unknown_name_or_an_invalid_weight_is_refused(word: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="RANKING_TRIAL"):
        trial.challenger_of([word])


def test_a_wrong_setting_is_reported_at_the_start(settings: Settings) -> None:
    assert check_trial() == []

    settings.RANKING_TRIAL = ["LUCK_WEIGHT=1"]

    assert [error.id for error in check_trial()] == ["broadsheet.E002"]


# --- the row -------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_the_row_of_a_sent_digest_says_who_chose_each_paper(settings: Settings, sink: Sink) -> None:
    topic = make_topic()
    edition = edition_on(topic)
    without = make_digest(edition, make_reader(topic, length=6, is_exploring=False))
    deliver(seconds=20)

    settings.RANKING_TRIAL = [BY_VOTES]
    within = make_digest(edition, make_reader(topic, length=6, is_exploring=False))
    deliver(seconds=20)

    for digest in (without, within):
        digest.refresh_from_db()
    assert (without.state, without.chosen_by) == (Digest.State.SENT, None)
    assert within.state == Digest.State.SENT
    assert sorted(within.chosen_by or []) == ["", "", "", BY_VOTES, BY_VOTES, BY_VOTES]
    assert len(within.chosen_by or []) == len(within.paper_ids) == 6


@pytest.mark.django_db(transaction=True)
def test_the_row_of_a_sent_digest_holds_the_parts_of_each_paper_s_score(
    sink: Sink, settings: Settings
) -> None:
    settings.RANKING_VOTE_WEIGHT = VOTES
    topic = make_topic()
    edition, reader = edition_on(topic), make_reader(topic, length=6, is_exploring=False)
    (expected,) = composed_for([reader], edition, challenger=None)
    digest = make_digest(edition, reader)

    deliver(seconds=20)

    digest.refresh_from_db()
    assert digest.state == Digest.State.SENT
    assert digest.contributions == [list(row) for row in expected.contributions]
    assert [len(row) for row in digest.contributions] == [len(Part) + 1] * 6
    assert min(row[Part.TOPICS] for row in digest.contributions) > 0


# --- the result ----------------------------------------------------------------------------
def drafted(reader: Subscriber, edition: Edition, name: str = BY_VOTES) -> Digest:
    """A digest of two papers: the current ranking took the first, the challenger the second."""
    paper_ids = list(edition.candidates.order_by("pk").values_list("paper_id", flat=True)[:2])
    return make_digest(
        edition,
        reader,
        state=Digest.State.SENT,
        paper_ids=paper_ids,
        reasons=["new"] * 2,
        chosen_by=["", name],
    )


def vote_for(digest: Digest, place: int, origin: Vote.Origin = Vote.Origin.MAIL) -> None:
    assert digest.subscriber is not None
    paper = Paper.objects.get(pk=digest.paper_ids[place])
    vote(digest.subscriber, paper, Vote.Value.MORE, origin, timezone.now())


def click_on(digest: Digest, place: int, *, is_machine: bool = False) -> None:
    Click.objects.create(digest=digest, paper_id=digest.paper_ids[place], is_machine=is_machine)


def share_of(result: trial.TrialResult) -> tuple[float, int] | None:
    return (result.share.share, result.share.readers) if result.share else None


def test_a_trial_without_credit_is_not_decided() -> None:
    digest = drafted(make_reader(), make_edition())
    make_digest(edition_of(digest), make_reader(), paper_ids=digest.paper_ids)

    (result,) = trial.results()

    assert (result.name, result.digests, result.readers) == (BY_VOTES, 1, 1)
    assert (result.share, result.verdict[:11]) == (None, "Not decided")


def test_a_vote_up_outweighs_a_click() -> None:
    digest = drafted(make_reader(), make_edition())
    click_on(digest, 0)
    assert [share_of(result) for result in trial.results()] == [(0.0, 1)]

    vote_for(digest, 1)

    assert [share_of(result) for result in trial.results()] == [(1.0, 1)]


def test_a_second_click_and_clicks_by_programs_do_not_count() -> None:
    digest = drafted(make_reader(), make_edition())
    click_on(digest, 0)
    click_on(digest, 1)
    assert [share_of(result) for result in trial.results()] == [None]

    click_on(digest, 0)
    click_on(digest, 0, is_machine=True)

    assert [share_of(result) for result in trial.results()] == [None]


def test_votes_down_and_votes_from_elsewhere_give_no_credit() -> None:
    edition = make_edition()
    downward, example = (drafted(make_reader(), edition) for _ in range(2))
    vote_for(example, 1, Vote.Origin.EXAMPLE)
    vote_for(downward, 1)
    assert [share_of(result) for result in trial.results()] == [(1.0, 1)]

    Vote.objects.filter(subscriber=downward.subscriber).update(value=Vote.Value.LESS)

    assert [share_of(result) for result in trial.results()] == [None]


def test_each_reader_counts_once_however_many_digests_they_had() -> None:
    day = timezone.now().date()
    eager, calm = make_reader(), make_reader()
    for number in range(4):
        edition = make_edition(2, day=day - timedelta(days=number))
        vote_for(drafted(eager, edition), 1)
    vote_for(drafted(calm, edition), 0)

    (result,) = trial.results()

    assert (result.digests, result.readers, share_of(result)) == (5, 2, (0.5, 2))
    assert (result.first, result.last) == (day - timedelta(days=3), day)


@pytest.mark.parametrize(
    ("for_challenger", "for_current", "verdict"),
    [
        (40, 20, "Decided: readers prefer the challenger."),
        (20, 40, "Decided: readers prefer the current ranking."),
        (30, 30, "Not decided: the interval includes 50 %, where both rankings are equally good."),
        (49, 0, "Not decided: fewer than 50 readers gave either ranking credit."),
    ],
)
def test_the_verdict_is_in_plain_words(for_challenger: int, for_current: int, verdict: str) -> None:
    edition = make_edition()
    digests = [drafted(make_reader(), edition) for _ in range(for_challenger + for_current)]
    for number, digest in enumerate(digests):
        vote_for(digest, int(number < for_challenger))

    (result,) = trial.results()

    assert result.verdict == verdict


def test_two_trials_are_told_apart_and_the_newest_comes_first() -> None:
    today = timezone.now().date()
    vote_for(drafted(make_reader(), make_edition(2, day=today - timedelta(days=9))), 1)
    drafted(make_reader(), make_edition(2, day=today), name="TASTE_WEIGHT=2")

    results = trial.results()

    assert [(result.name, share_of(result)) for result in results] == [
        ("TASTE_WEIGHT=2", None),
        (BY_VOTES, (1.0, 1)),
    ]


# --- the page ------------------------------------------------------------------------------
def test_the_page_shows_the_share_its_interval_and_the_verdict(admin_client: Client) -> None:
    edition = make_edition()
    for number in range(60):
        vote_for(drafted(make_reader(), edition), int(number < 45))

    page = admin_client.get(reverse("admin:digest_digest_trial"), secure=True).content.decode()

    assert "<h2>VOTE_WEIGHT=9</h2>" in page
    cells = page.partition("<h2>VOTE_WEIGHT=9</h2>")[2].split("<td>")[1:4]
    assert [cell.partition("</td>")[0] for cell in cells] == ["75 %", "63 – 84 %", "60 of 60"]
    assert "Decided: readers prefer the challenger." in page


def test_without_a_trial_the_page_says_how_to_begin_one(admin_client: Client) -> None:
    page = admin_client.get(reverse("admin:digest_digest_trial"), secure=True).content.decode()

    assert "RANKING_TRIAL" in page
    lists = admin_client.get(reverse("admin:digest_digest_changelist"), secure=True)
    assert reverse("admin:digest_digest_trial") in lists.content.decode()


def test_the_page_is_for_operators_who_may_see_digests(client: Client) -> None:
    user = User.objects.create_user("clerk", password="x", is_staff=True)
    path = reverse("admin:digest_digest_trial")
    assert client.get(path, secure=True).status_code == 302

    client.force_login(user)

    assert client.get(path, secure=True).status_code == 403
