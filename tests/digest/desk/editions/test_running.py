"""The control of a run, with the mails that it lets through."""

from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from digest.delivery import plan
from digest.delivery.run import deliver
from digest.desk.editions import catching_up, running
from digest.models import CatchUp, Curation, Digest, Edition, Hold
from subscribers.models import Subscriber
from tests.digest.desk.editions.test_steering import in_a_thread
from tests.factories import LONG_AFTER, make_digest, make_edition, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def edition() -> Edition:
    """One that closed before any reader here is due, at whatever hour the test runs."""
    edition = make_edition(6)
    edition.closed_at = timezone.now() - timedelta(hours=1)
    edition.save()
    return edition


def send() -> None:
    plan.plan_due()
    deliver(seconds=60)
    deliver(seconds=60)


def sent_after_all(edition: Edition) -> int:
    return catching_up.begin(CatchUp.Kind.MISSED, edition).number


def outcomes() -> Counter[str]:
    rows = Digest.objects.values_list("state", "skip_reason")
    return Counter(reason or state for state, reason in rows)


def test_a_run_that_is_stopped_says_so_and_goes_on_when_it_is_started_again(
    sink: Sink, edition: Edition
) -> None:
    make_reader(length=4)
    send()
    make_reader(length=4)

    assert running.stop(edition, None, timezone.now())
    assert not running.stop(edition, None, timezone.now())
    edition.refresh_from_db()
    send()
    assert outcomes() == {"sent": 1, "stopped": 1}
    assert len(sink.messages) == 1
    assert Digest.objects.get(skip_reason="stopped").edition == edition

    assert running.start(edition, None)
    assert not running.start(edition, None)
    assert (sent_after_all(edition), sent_after_all(edition)) == (1, 0)
    send()
    assert outcomes() == {"sent": 2}
    assert len(sink.messages) == 2
    acts = list(Curation.objects.order_by("pk").values_list("act", "edition"))
    assert acts == [("stop", edition.pk), ("start", edition.pk)]


def test_a_stop_is_heard_in_the_middle_of_a_chunk(
    sink: Sink, edition: Edition, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MAIL_CONNECTIONS = 1
    monkeypatch.setattr("digest.delivery.sender.FRESH_SECONDS", 0.0)
    for _ in range(3):
        make_reader(length=4)

    def stop_at_the_first(envelope: object) -> str:
        in_a_thread(running.stop, edition, None, timezone.now())
        return "250 OK"

    sink.on_data = stop_at_the_first

    send()

    assert len(sink.messages) == 1
    assert outcomes() == {"sent": 1, "stopped": 2}


def test_the_next_edition_is_not_stopped_and_has_what_was_left(
    sink: Sink, edition: Edition
) -> None:
    Edition.objects.filter(pk=edition.pk).update(date=edition.date - timedelta(days=1))
    edition.refresh_from_db()
    running.stop(edition, None, timezone.now())
    following = make_edition(2)
    reader = make_reader(length=20, confirmed_at=timezone.now() - timedelta(days=30))
    make_digest(
        None, reader, local_date=edition.date, state=Digest.State.SKIPPED, skip_reason="stopped"
    )
    had = make_edition(1, day=edition.date - timedelta(days=1))
    make_digest(had, reader, state=Digest.State.SENT)

    send()

    digest = Digest.objects.get(edition=following)
    assert digest.state == Digest.State.SENT
    assert set(following.papers.values_list("pk", flat=True)) <= set(digest.paper_ids)
    assert len(digest.paper_ids) > 2


def test_a_pause_lets_nothing_through_and_is_one_row(sink: Sink, edition: Edition) -> None:
    make_reader(length=4)

    assert running.pause()
    assert not running.pause()
    send()
    assert not sink.messages
    assert Hold.objects.active().get().reason == running.PAUSED

    assert (running.resume(), running.resume()) == (1, 0)
    send()
    assert len(sink.messages) == 1


def test_who_did_not_get_it_gets_it_once_and_nobody_else(sink: Sink, edition: Edition) -> None:
    """Those who got it, are in doubt, left, or wanted nothing of it are left alone."""
    now = timezone.now()

    def had(state: str, reason: str = "", **fields: object) -> Digest:
        reader = make_reader(length=4, next_due_at=LONG_AFTER, **fields)
        return make_digest(edition, reader, state=state, skip_reason=reason)

    missed = [had("skipped", reason) for reason in ("no_edition", "held", "stopped", "late")]
    for state in ("sent", "uncertain", "assumed", "failed", "bounced"):
        had(state)
    for reason in ("thin", "nothing_new", "no_match", "paused", "suppressed", "superseded"):
        had("skipped", reason)
    gone = had("skipped", "late")
    Subscriber.objects.filter(pk=gone.subscriber_id or 0).update(state="unsubscribed")
    newer = had("skipped", "late")
    assert newer.subscriber
    make_digest(None, newer.subscriber, local_date=edition.date + timedelta(days=1))
    Digest.objects.filter(edition=None).update(state="sent")
    long_ago = had("skipped", "no_edition")
    Digest.objects.filter(pk=long_ago.pk).update(due_at=now - timedelta(days=2))

    assert sent_after_all(edition) == 4
    deliver(seconds=60)

    again = Digest.objects.filter(pk__in=[one.pk for one in missed])
    assert {one.state for one in again} == {"sent"}
    assert len(sink.messages) == 4
    assert sent_after_all(edition) == 0


def test_however_many_missed_it_they_are_found_batch_by_batch(
    edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The press of the button begins, and whoever goes on later ends where all have been found."""
    monkeypatch.setattr(catching_up, "BATCH", 2)
    readers = [make_reader(next_due_at=None) for _ in range(5)]
    for reader in readers:
        make_digest(edition, reader, state="skipped", skip_reason="late")
    refused = [make_digest(edition, make_reader(), state="failed") for _ in range(3)]

    begun = catching_up.begin(CatchUp.Kind.MISSED, edition)
    assert (begun.number, begun.done_at) == (2, None)
    assert catching_up.begin(CatchUp.Kind.REFUSED).number == 2
    assert outcomes() == {"late": 3, "failed": 1, "ready": 4}
    while catching_up.go_on():
        pass

    assert outcomes() == {"ready": len(readers) + len(refused)}
    numbers = CatchUp.objects.order_by("pk").exclude(done_at=None)
    assert list(numbers.values_list("number", flat=True)) == [5, 3]


def test_what_fails_again_is_not_tried_again_for_ever(
    edition: Edition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "BATCH", 1)
    for _ in range(2):
        make_digest(edition, make_reader(), state="failed")

    catching_up.begin(CatchUp.Kind.REFUSED)
    Digest.objects.update(state="failed")
    while catching_up.go_on():
        Digest.objects.update(state="failed")

    assert CatchUp.objects.get().number == 2
