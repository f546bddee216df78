"""What a worker keeps of papers and topics: one that has been running for days chooses and writes
the same as one that has just started."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from digest.choosing.candidate_index import library_of, space_of
from digest.choosing.candidates import candidate_set
from digest.choosing.composing import Composed, Request, compose
from digest.desk.editions import steering
from digest.mail.rendering import render
from digest.mail.shared import shared_parts
from digest.models import Change, Digest, Edition, EditionPaper, Paper, Vote
from digest.papers.matching import match
from digest.readers.votes import vote
from subscribers import links
from subscribers.models import Subscriber, Subscription, Term, Topic
from subscribers.wishes import terms
from tests.factories import make_digest, make_edition, make_paper, make_reader, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture
def digest() -> Digest:
    """A digest for a reader with all kinds of wishes, of papers that fit a topic or two."""
    topics = [make_topic(seed_terms=[word]) for word in ("walruses", "bridges")]
    reader = make_reader(topics[0])
    terms.replace(reader, Term.Kind.KEYWORD, followed=["Old bridges"], muted=["whales"])
    terms.replace(reader, Term.Kind.AUTHOR, followed=["J. Doe"], muted=["Bo Muted"])
    papers = [make_paper(title=f"Walruses number {number}") for number in range(6)]
    match(papers)
    liked = make_paper(title="Bread and bridges", abstract="Bread, bridges, and old stones.")
    edition = make_edition(papers, fits={topics[0].pk: 0.5})
    vote(reader, liked, Vote.Value.MORE, Vote.Origin.MAIL, timezone.now())
    return make_digest(edition, reader)


def in_this_process(digest: Digest) -> tuple[Composed, bytes]:
    """The reader's selection, and the mail, made with whatever this process keeps."""
    assert digest.edition_id
    assert digest.subscriber_id
    request = Request(
        digest.pk, digest.edition_id, digest.subscriber_id, "daily", 4, "en", False, None
    )
    (composed,) = compose([request], vote_weight=0.02, least=1)
    reader = Subscriber.objects.get(pk=digest.subscriber_id)
    now = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    links.ensure([reader], now)
    shared = shared_parts(composed.window, "en")
    message = render(shared, composed, uuid=digest.uuid, subscriber_id=reader.pk, now=now)
    return composed, str(message.subject).encode() + str(message.body).encode()


def in_a_fresh_one(digest: Digest) -> tuple[Composed, bytes]:
    for function in (shared_parts, candidate_set, space_of, library_of):
        function.cache_clear()
    return in_this_process(digest)


def first(digest: Digest) -> Paper:
    return Paper.objects.filter(candidate__edition=digest.edition).order_by("pk")[0]


def last_of(digest: Digest) -> Paper:
    return Paper.objects.filter(candidate__edition=digest.edition).order_by("-pk")[0]


def add_topic(digest: Digest) -> None:
    topic = make_topic(name="Brand new")
    assert digest.subscriber
    Subscription.objects.create(subscriber=digest.subscriber, topic=topic, emphasis=1)
    EditionPaper.objects.filter(paper=first(digest)).update(fits={str(topic.pk): 1.0})


def rename_topic(digest: Digest) -> None:
    Topic.objects.filter(slug__startswith="topic-").update(name="Renamed since")


def delete_topic(digest: Digest) -> None:
    Topic.objects.filter(seed_terms=["walruses"]).delete()


def retitle(digest: Digest) -> None:
    Paper.objects.filter(pk=first(digest).pk).update(title="Old bridges, a survey")


def rewrite(digest: Digest) -> None:
    paper = first(digest)
    paper.abstract = "Whales are muted."
    paper.save()
    match([paper])


def rewrite_a_liked_paper(digest: Digest) -> None:
    paper = Paper.objects.get(title="Bread and bridges")
    paper.title, paper.abstract = "Walruses at night", "Tigers, walruses, wool and lemons."
    paper.save()
    match([paper])


def add_author(digest: Digest) -> None:
    Paper.objects.filter(pk=first(digest).pk).update(authors=["Jane Doe"], num_authors=1)


def set_aside(digest: Digest) -> None:
    Paper.objects.filter(pk=first(digest).pk).update(set_aside="withdrawn")


def move_link(digest: Digest) -> None:
    Paper.objects.filter(candidate__edition=digest.edition).update(url="https://moved.example/")


def drop_paper(digest: Digest) -> None:
    EditionPaper.objects.filter(paper=first(digest)).delete()


def backdate(digest: Digest) -> None:
    """An older paper that comes late is in no edition, but says which words are common."""
    closed_at = Edition.objects.get().closed_at
    assert closed_at
    make_paper(title="Walruses, walruses", first_seen_at=closed_at - timedelta(hours=1))


def pin(digest: Digest) -> None:
    steering.pin(last_of(digest), None)


def annotate(digest: Digest) -> None:
    steering.annotate(last_of(digest), None, note="An operator's words")


def summarize(digest: Digest) -> None:
    steering.rewrite(last_of(digest), None, summary="An operator's summary")


def drop_by_an_operator(digest: Digest) -> None:
    steering.drop(first(digest), None)


CHANGES = (
    *(add_topic, rename_topic, delete_topic, retitle, rewrite, rewrite_a_liked_paper, add_author),
    *(set_aside, move_link, drop_paper, backdate, pin, annotate, summarize, drop_by_an_operator),
)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_running_process_and_a_fresh_one_give_the_same(
    change: Callable[[Digest], None], digest: Digest
) -> None:
    before = in_this_process(digest)
    assert before == in_this_process(digest)

    change(digest)

    after = in_this_process(digest)
    assert after == in_a_fresh_one(digest)
    assert after != before or change is backdate


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_each_change_is_noted_for_what_is_kept(
    change: Callable[[Digest], None], digest: Digest
) -> None:
    before = Change.version()

    change(digest)

    assert Change.version() != before


def test_what_changes_every_hour_changes_nothing_that_is_kept(digest: Digest) -> None:
    in_this_process(digest)  # also stores features that were missing
    before = Change.version()

    Paper.objects.update(votes=77, comments=3)
    match([make_paper(title="For tomorrow")])
    match(list(Paper.objects.all()))

    assert Change.version() == before
    with CaptureQueriesContext(connection) as queries:
        in_this_process(digest)
    assert not [one for one in queries if "abstract" in one["sql"]]


def test_changes_are_forgotten_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    Change.objects.bulk_create(Change(at=timezone.now()) for _ in range(3))
    Change.objects.update(at="2026-01-01T00:00Z")
    newest = Change.objects.create()

    Change.forget_old()
    assert Change.objects.count() >= 4

    monkeypatch.setattr("digest.models.change._MOST", 2)
    Change.forget_old()
    assert list(Change.objects.all()) == [newest]
