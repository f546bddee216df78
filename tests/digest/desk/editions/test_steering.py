"""What an operator makes of papers, in real mails and on pages."""

from collections.abc import Callable, Sequence
from threading import Thread

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from digest.choosing import reasons
from digest.choosing.candidates import MOST_PINNED
from digest.delivery import handover, plan
from digest.delivery.doubt.retry import Attempted, make_again
from digest.delivery.run import deliver
from digest.desk.editions import previews, steering
from digest.models import Curation, Digest, Edition, Paper
from digest.papers import editions
from subscribers.models import Subscriber, Topic
from tests.contract import check_digest, html_of, parsed, text_of
from tests.digest.sent import read_path
from tests.factories import LONG_AFTER, make_edition, make_paper, make_reader, make_topic
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def topic() -> Topic:
    return make_topic(name="Boats")


@pytest.fixture
def papers() -> list[Paper]:
    return [make_paper(votes=votes) for votes in range(8)]


@pytest.fixture
def edition(papers: list[Paper], topic: Topic) -> Edition:
    """Eight papers, of which the one with the most votes, the last, comes first for all."""
    return make_edition(papers, fits={topic.pk: 0.9})


def sent(reader: Subscriber) -> Digest:
    return Digest.objects.get(subscriber=reader, state=Digest.State.SENT)


def send_early() -> None:
    """Send what is due; what a change sends back goes with the next run."""
    plan.plan_due()
    deliver(seconds=60)
    deliver(seconds=60)


def in_a_thread(act: Callable[..., object], *arguments: object) -> None:
    """The sink's own thread runs an event loop, in which Django does nothing."""

    def run() -> None:
        act(*arguments)
        connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join()


def titles_of(reader: Subscriber) -> list[str]:
    papers = Paper.objects.in_bulk(sent(reader).paper_ids)
    return [papers[pk].title for pk in sent(reader).paper_ids]


def test_pinned_papers_come_first_in_their_order_in_everybodys_mail(
    sink: Sink, papers: list[Paper], edition: Edition, topic: Topic
) -> None:
    follows, open_minded = make_reader(topic, length=4), make_reader(length=4)
    assert steering.pin(papers[0], None)
    assert not steering.pin(papers[0], None)
    assert steering.pin(papers[1], None)
    assert steering.move(papers[1], None, place=1)
    assert not steering.move(papers[1], None, place=1)

    send_early()

    for reader in (follows, open_minded):
        assert titles_of(reader)[:2] == [papers[1].title, papers[0].title]
        assert sent(reader).reasons[:2] == ["pinned", "pinned"]
    assert len(sent(follows).paper_ids) == 4
    for received in sink.messages:
        message = parsed(received.content)
        check_digest(received.content)
        assert message["Subject"] == papers[1].title
        assert html_of(message).count("Chosen by the editor") == 2
        assert text_of(message).count("Chosen by the editor.") == 2
    assert reasons.words("pinned", {}) == "Chosen by the editor"


def test_no_more_than_three_are_pinned_and_one_can_be_unpinned(
    papers: list[Paper], edition: Edition
) -> None:
    assert all(steering.pin(paper, None) for paper in papers[:MOST_PINNED])

    with pytest.raises(steering.SteeringError, match="No more than 3"):
        steering.pin(papers[3], None)

    assert steering.unpin(papers[0], None)
    assert not steering.unpin(papers[0], None)
    assert steering.pin(papers[3], None)
    pinned = [one.paper_id for one in steering.pinned(edition.pk)]
    assert pinned == [papers[1].pk, papers[2].pk, papers[3].pk]


def test_a_pin_bars_nobodys_wishes_and_makes_no_digest(
    sink: Sink, papers: list[Paper], edition: Edition, topic: Topic
) -> None:
    """Who muted its topic does not get it; who would get nothing gets nothing."""
    mutes = make_reader(make_topic(name="Other"), length=4)
    mutes.subscription_set.create(topic=topic, emphasis=-2)
    matches_nothing = make_reader(make_topic(name="Else"), length=4)
    steering.pin(papers[0], None)

    send_early()

    assert not sink.messages
    reasons_of = dict(Digest.objects.values_list("subscriber", "skip_reason"))
    assert reasons_of[matches_nothing.pk] == Digest.SkipReason.NO_MATCH
    assert reasons_of[mutes.pk] == Digest.SkipReason.NO_MATCH


def test_a_weekly_mail_has_the_pinned_under_a_heading_of_their_own(
    sink: Sink, papers: list[Paper], edition: Edition, topic: Topic, client: Client
) -> None:
    reader = make_reader(topic, length=5, frequency="weekly", language="de")
    steering.pin(papers[0], None)

    send_early()

    html = html_of(parsed(sink.messages[0].content))
    assert html.index("Von der Redaktion ausgewählt") < html.index(papers[0].title)
    assert html.index(papers[0].title) < html.index("Boats")
    page = client.get(read_path(sent(reader)), secure=True).content.decode()
    assert page.index("Von der Redaktion ausgewählt") < page.index("Boats")


def test_nobody_gets_what_is_dropped_before_or_after_the_closing(
    sink: Sink, papers: list[Paper], edition: Edition, topic: Topic, client: Client
) -> None:
    before, after = make_reader(topic, length=20), make_reader(topic, length=20)
    Subscriber.objects.filter(pk=after.pk).update(next_due_at=LONG_AFTER)
    send_early()
    assert steering.pin(papers[7], None)

    assert steering.drop(papers[7], None)
    assert not steering.drop(papers[7], None)

    Subscriber.objects.filter(pk=after.pk).update(next_due_at=timezone.now())
    send_early()
    assert papers[7].pk in sent(before).paper_ids
    assert papers[7].pk not in sent(after).paper_ids
    assert steering.pinned(edition.pk) == []
    today = client.get("/today", secure=True).content.decode()
    assert papers[6].title in today
    assert papers[7].title not in today
    assert client.get(f"/papers/{papers[7].pk}/", secure=True, follow=True).status_code == 404
    # Who got it still finds it on the page of their digest.
    assert papers[7].title in client.get(read_path(sent(before)), secure=True).content.decode()
    assert steering.restore(papers[7], None)
    assert not steering.restore(papers[7], None)
    assert client.get(f"/papers/{papers[7].pk}/", secure=True, follow=True).status_code == 200


def test_a_paper_that_waits_can_be_dropped_pinned_and_taken_back(papers: list[Paper]) -> None:
    steering.drop(papers[0], None)
    steering.pin(papers[1], None)
    with pytest.raises(steering.SteeringError):
        steering.pin(Paper.objects.get(pk=papers[0].pk), None)

    edition = editions.close(timezone.now().date(), now=timezone.now())

    assert edition
    ids = set(edition.candidates.values_list("paper_id", flat=True))
    assert ids == {paper.pk for paper in papers[1:]}
    assert [one.paper_id for one in steering.pinned(edition.pk)] == [papers[1].pk]
    steering.restore(papers[0], None)
    assert [paper.pk for paper in editions.waiting_papers()] == [papers[0].pk]


def test_note_and_summary_stand_in_mails_and_on_pages(
    sink: Sink, papers: list[Paper], edition: Edition, topic: Topic, client: Client
) -> None:
    reader = make_reader(topic, length=20)
    note = "Read this <b>first</b>: " + "it is short, and " * 8 + "it is right."
    assert steering.annotate(papers[7], None, note=note)
    assert not steering.annotate(papers[7], None, note=note)
    assert steering.rewrite(papers[7], None, summary="In our own words & short.")
    assert not steering.rewrite(papers[7], None, summary="In our own words & short.")

    send_early()

    message = parsed(sink.messages[0].content)
    check_digest(sink.messages[0].content)
    html, text = html_of(message), " ".join(text_of(message).split())
    assert "Editor’s note:</strong> Read this &lt;b&gt;first&lt;/b&gt;" in html
    assert f"Editor’s note: {note}" in text
    assert "In our own words &amp; short." in html
    assert "In our own words & short." in text
    assert papers[7].abstract not in html
    for path in (read_path(sent(reader)), f"/papers/{papers[7].pk}/", "/today"):
        page = client.get(path, secure=True, follow=True).content.decode()
        assert "Read this &lt;b&gt;first&lt;/b&gt;" in page, path
    assert "In our own words &amp; short." in client.get("/today", secure=True).content.decode()


def test_a_sent_digest_is_shown_as_it_was(
    sink: Sink, papers: list[Paper], edition: Edition, topic: Topic, client: Client
) -> None:
    reader = make_reader(topic, length=20)
    steering.annotate(papers[7], None, note="The first note.")
    send_early()

    steering.annotate(papers[7], None, note="Another note.")

    page = client.get(read_path(sent(reader)), secure=True).content.decode()
    assert "The first note." in page
    assert "Another note." not in page
    assert sent(reader).revision == Curation.objects.order_by("pk")[0].pk


def test_a_digest_in_doubt_is_made_again_as_it_was(
    sink: Sink, papers: list[Paper], edition: Edition, topic: Topic
) -> None:
    """A mail service recognises it only if it is the same, byte for byte."""
    reader = make_reader(topic, length=20)
    steering.annotate(papers[7], None, note="The first note.")
    steering.pin(papers[6], None)
    send_early()
    digest = sent(reader)
    at = digest.handed_over_at
    assert at

    steering.annotate(papers[7], None, note="Another note.")
    steering.unpin(papers[6], None)
    attempted = Attempted(
        digest.pk,
        digest.uuid,
        edition.pk,
        previews.recipient_of(reader),
        tuple(digest.paper_ids),
        tuple(digest.reasons),
        digest.revision,
        "",
        at,
    )
    message = make_again([attempted])[digest.pk]

    def without_date(raw: bytes) -> list[bytes]:
        return [line for line in raw.splitlines() if not line.startswith(b"Date:")]

    again = without_date(message.message().as_bytes())
    assert again == without_date(sink.messages[0].content)


def test_what_is_composed_before_a_change_is_composed_again_before_it_goes(
    sink: Sink, papers: list[Paper], edition: Edition, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change comes when the mails are made, and just about to be marked."""
    reader = make_reader(topic, length=20)
    mark, changes = handover.mark_sending, [lambda: steering.drop(papers[7], None)]

    def mark_after_the_change(*args: object, **named: object) -> dict[int, str]:
        if changes:
            changes.pop()()
        return mark(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(handover, "mark_sending", mark_after_the_change)

    send_early()

    assert not changes
    assert papers[7].pk not in sent(reader).paper_ids
    assert len(sent(reader).paper_ids) > 3
    assert len(sink.messages) == 1


def test_a_change_while_a_chunk_goes_out_stops_the_rest_of_it(
    sink: Sink,
    papers: list[Paper],
    edition: Edition,
    topic: Topic,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mark that is not fresh is looked at again, also for what operators changed."""
    settings.MAIL_CONNECTIONS = 1
    monkeypatch.setattr("digest.delivery.sender.FRESH_SECONDS", 0.0)
    readers = [make_reader(topic, length=20) for _ in range(3)]

    def drop_at_the_first(envelope: object) -> str:
        if not sink.messages:
            in_a_thread(steering.drop, papers[7], None)
        return "250 OK"

    sink.on_data = drop_at_the_first

    send_early()

    assert len(sink.messages) == 3
    had = [papers[7].pk in sent(reader).paper_ids for reader in readers]
    assert had.count(True) == 1


def test_whoever_changed_what_is_kept(papers: Sequence[Paper], django_user_model: type) -> None:
    by = django_user_model.objects.create(username="ed")  # type: ignore[attr-defined]

    steering.annotate(papers[0], by, note="Look")
    steering.pin(papers[0], by)

    rows = Curation.objects.order_by("pk").values_list("act", "by", "note", "pin")
    assert list(rows) == [("note", by.pk, "Look", None), ("pin", by.pk, "Look", 1)]
