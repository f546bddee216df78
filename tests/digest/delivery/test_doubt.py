"""Digests in doubt, resolved with real HTTP services on this machine."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module

import pytest
import time_machine
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from digest.delivery import events, handover, plan
from digest.delivery.doubt import resolve
from digest.delivery.limits import rates
from digest.delivery.run import deliver
from digest.models import DayCount, Digest, Hold
from subscribers.models import Subscriber
from tests.factories import make_edition, make_reader
from tests.fake_service import (
    ACCEPT,
    ACCEPT_AND_HANG_UP,
    HANG_UP,
    Accepted,
    Answer,
    FakeService,
    serving,
)

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
POSTMARK = "anymail.backends.postmark.EmailBackend"
RESEND = "digest.delivery.mail_services.resend.EmailBackend"
BREVO = "digest.delivery.mail_services.brevo.EmailBackend"


@pytest.fixture
def resend(settings: Settings) -> Iterator[FakeService]:
    with serving(settings, RESEND) as running:
        yield running


@pytest.fixture
def postmark(settings: Settings) -> Iterator[FakeService]:
    with serving(settings, POSTMARK) as running:
        yield running


def send_into_doubt(service: FakeService, answer: Answer, readers: int = 1) -> None:
    """Hand over a digest to each of so many readers, with no clear answer to any."""
    service.on_send = lambda _: answer
    if not Digest.objects.exists():
        make_edition()
    for _ in range(readers):
        make_reader()
    plan.plan_due()
    while states()[State.UNCERTAIN] < readers:
        deliver(seconds=60)
        # Three in a row hold the service for a while; the others wait.
        Hold.objects.all().delete()
        Digest.objects.filter(state=State.READY).update(next_attempt_at=Now())
    service.on_send = lambda _: ACCEPT
    wait()


def wait(minutes: float = 0) -> None:
    """Let so much time have passed for what is in doubt."""
    Digest.objects.filter(state=State.UNCERTAIN).update(
        next_attempt_at=Now(), handed_over_at=F("handed_over_at") - timedelta(minutes=minutes)
    )


def resolve_and_close() -> Counter[str]:
    """For a thread of its own: it has a connection to the database of its own."""
    try:
        return resolve(seconds=60)
    finally:
        connection.close()


def states() -> Counter[str]:
    return Counter(Digest.objects.values_list("state", flat=True))


# --- under the same key --------------------------------------------------------------------
@pytest.mark.parametrize("first", [HANG_UP, ACCEPT_AND_HANG_UP])
def test_a_service_that_knows_the_key_is_handed_the_same_message_again(
    resend: FakeService, first: Answer
) -> None:
    send_into_doubt(resend, first)

    assert resolve(seconds=60) == {State.SENT: 1}

    digest = Digest.objects.get()
    (accepted,) = resend.ledger
    assert [sending.key for sending in resend.requests] == [str(digest.uuid)] * 2
    assert resend.requests[0].body == resend.requests[1].body
    assert (digest.state, digest.message_id) == (State.SENT, accepted.message_id)
    assert (digest.attempts, digest.error) == (2, "")


def test_the_same_message_is_made_also_in_the_next_month(resend: FakeService) -> None:
    send_into_doubt(resend, HANG_UP)

    with time_machine.travel(timezone.now() + timedelta(days=31)):
        resolve(seconds=60)

    assert resend.requests[0].body == resend.requests[1].body


def test_a_changed_message_is_refused_and_stays_in_doubt(
    resend: FakeService, settings: Settings
) -> None:
    send_into_doubt(resend, ACCEPT_AND_HANG_UP)
    settings.MAIL_REPLY_TO = "somebody@news.example.org"

    assert resolve(seconds=60) == {State.UNCERTAIN: 1}

    assert (Digest.objects.get().error, len(resend.ledger)) == ("HTTP 409", 1)


def test_a_refused_second_attempt_says_nothing_about_the_first(resend: FakeService) -> None:
    send_into_doubt(resend, ACCEPT_AND_HANG_UP)
    resend.on_send = lambda _: Answer(422)

    assert resolve(seconds=60) == {State.UNCERTAIN: 1}


@pytest.mark.parametrize(("hours", "requests"), [(23.5, 2), (24, 1)])
def test_a_key_that_may_have_run_out_is_not_relied_on(
    resend: FakeService, hours: float, requests: int, settings: Settings
) -> None:
    settings.DELIVERY_LATE = timedelta(hours=72)
    send_into_doubt(resend, ACCEPT_AND_HANG_UP)
    wait(hours * 60)

    resolve(seconds=60)

    assert len(resend.requests) == requests


def test_a_second_attempt_does_not_make_the_key_hold_longer(resend: FakeService) -> None:
    send_into_doubt(resend, ACCEPT_AND_HANG_UP)
    before = Digest.objects.get().handed_over_at
    resend.on_send = lambda _: ACCEPT_AND_HANG_UP

    resolve(seconds=60)

    digest = Digest.objects.get()
    assert (digest.state, digest.attempts, digest.handed_over_at) == (State.UNCERTAIN, 2, before)


@pytest.mark.parametrize("other", [BREVO, POSTMARK, "anymail.backends.resend.EmailBackend"])
def test_no_other_service_gets_a_digest_in_doubt(
    resend: FakeService, settings: Settings, other: str
) -> None:
    send_into_doubt(resend, HANG_UP)
    settings.EMAIL_BACKEND = other

    resolve(seconds=60)
    deliver(seconds=60)

    assert (len(resend.requests), states()) == (1, {State.UNCERTAIN: 1})


def test_a_reader_who_left_meanwhile_is_written_to_no_more(resend: FakeService) -> None:
    send_into_doubt(resend, HANG_UP, readers=2)
    leaver = Digest.objects.latest("id")
    Subscriber.objects.filter(digests=leaver).update(state=Subscriber.State.UNSUBSCRIBED)

    assert resolve(seconds=60) == {State.SENT: 1}

    leaver.refresh_from_db()
    assert (leaver.state, len(resend.ledger)) == (State.UNCERTAIN, 1)


def test_a_service_that_is_held_gets_nothing(resend: FakeService) -> None:
    send_into_doubt(resend, HANG_UP)
    Hold.objects.create(mail_service="Resend", reason="An operator's wish.")

    assert resolve(seconds=60) == {}


def test_templates_that_changed_cannot_make_the_same_message(
    resend: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_into_doubt(resend, HANG_UP)
    retry = import_module("digest.delivery.doubt.retry")
    monkeypatch.setattr(retry, "template_version", lambda: "next")

    assert resolve(seconds=60) == {}


def test_a_service_that_still_does_not_answer_is_tried_with_one_only(resend: FakeService) -> None:
    send_into_doubt(resend, HANG_UP, readers=3)
    resend.on_send = lambda _: HANG_UP

    assert resolve(seconds=60) == {State.UNCERTAIN: 3}

    assert len(resend.requests) == 3 + 1


def test_nothing_is_handed_over_when_the_time_is_over(resend: FakeService) -> None:
    send_into_doubt(resend, HANG_UP)

    assert resolve(seconds=0) == {}

    assert (len(resend.requests), states()) == (1, {State.UNCERTAIN: 1})


def test_what_a_killed_worker_left_is_resolved(resend: FakeService) -> None:
    send_into_doubt(resend, ACCEPT_AND_HANG_UP)
    Digest.objects.update(state=State.SENDING, lease_until=Now() - timedelta(seconds=1))

    assert handover.sweep(doubt=timedelta(hours=1)) == (1, 0)
    assert resolve(seconds=60) == {State.SENT: 1}

    assert len(resend.ledger) == 1


def test_two_at_once_hand_over_each_digest_once(resend: FakeService, settings: Settings) -> None:
    settings.DELIVERY_CHUNK = 2
    send_into_doubt(resend, HANG_UP, readers=12)

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(resolve_and_close) for _ in range(2)]

    assert both[0].result() + both[1].result() == {State.SENT: 12}
    assert len(resend.requests) == 12 + 12
    assert set(resend.times_accepted().values()) == {1}


@pytest.mark.parametrize("backend", [RESEND, POSTMARK])
def test_a_digest_that_another_is_at_is_passed_over(settings: Settings, backend: str) -> None:
    with serving(settings, backend) as service:
        send_into_doubt(service, ACCEPT_AND_HANG_UP, readers=2)

        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            Digest.objects.select_for_update().earliest("id")
            resolved = pool.submit(resolve_and_close).result(timeout=20)

    assert resolved == {State.SENT: 1}


@pytest.mark.parametrize(
    ("first", "state"), [(HANG_UP, State.SENT), (ACCEPT_AND_HANG_UP, State.UNCERTAIN)]
)
def test_brevo_refuses_a_key_it_has_seen_and_doubt_stays(
    settings: Settings, first: Answer, state: str
) -> None:
    with serving(settings, BREVO) as service:
        send_into_doubt(service, first)

        assert resolve(seconds=60) == {state: 1}

    assert (len(service.requests), len(service.ledger)) == (2, 1)


def test_a_message_that_cannot_be_made_again_holds_up_no_other(resend: FakeService) -> None:
    send_into_doubt(resend, HANG_UP, readers=2)
    Digest.objects.filter(pk=Digest.objects.earliest("id").pk).update(paper_ids=[0], reasons=["-"])

    assert resolve(seconds=60) == {State.UNCERTAIN: 1, State.SENT: 1}


# --- within the limits -----------------------------------------------------------------------
def test_a_second_attempt_keeps_to_the_rate(resend: FakeService, settings: Settings) -> None:
    send_into_doubt(resend, HANG_UP, readers=12)
    settings.MAIL_PER_SECOND = {"": 5.0}

    begun = time.monotonic()
    resolved = resolve(seconds=60)
    taken = time.monotonic() - begun

    # A second's worth of turns may be caught up on.
    assert (resolved, len(resend.ledger)) == ({State.SENT: 12}, 12)
    assert taken >= (12 - 1) / 5 - 1


def test_a_second_attempt_waits_its_turn_behind_the_first_ones(
    resend: FakeService, settings: Settings
) -> None:
    send_into_doubt(resend, HANG_UP, readers=3)
    settings.MAIL_PER_SECOND = {"": 5.0}
    assert rates.reserve("Resend", 500, per_second=5) is not None

    assert resolve(seconds=60) == {}

    assert (len(resend.requests), states()) == (3, {State.UNCERTAIN: 3})


def test_a_second_attempt_to_a_slow_provider_keeps_to_its_rate(
    resend: FakeService, settings: Settings
) -> None:
    send_into_doubt(resend, HANG_UP, readers=9)
    settings.PROVIDER_PER_SECOND = {"dest.example": 4.0}

    begun = time.monotonic()
    assert resolve(seconds=60) == {State.SENT: 9}

    assert time.monotonic() - begun >= (9 - 1) / 4 - 1


def quota_taken() -> int:
    return sum(DayCount.objects.values_list("number", flat=True))


def test_a_second_attempt_counts_for_the_days_quota(
    resend: FakeService, settings: Settings
) -> None:
    send_into_doubt(resend, HANG_UP, readers=5)
    settings.MAIL_PER_DAY = {"": 3}

    assert resolve(seconds=60) == {State.SENT: 3}
    wait()
    assert resolve(seconds=60) == {}

    assert (len(resend.ledger), states()) == (3, {State.SENT: 3, State.UNCERTAIN: 2})
    assert quota_taken() == 3


def test_the_quota_of_what_was_not_handed_over_is_given_back(
    resend: FakeService, settings: Settings
) -> None:
    send_into_doubt(resend, HANG_UP, readers=5)
    settings.MAIL_PER_DAY = {"": 100}
    resend.on_send = lambda _: HANG_UP

    resolve(seconds=60)

    assert (len(resend.requests), quota_taken()) == (5 + 1, 1)


def test_a_service_that_asks_to_wait_is_left_alone(resend: FakeService) -> None:
    send_into_doubt(resend, HANG_UP, readers=2)
    resend.on_send = lambda _: Answer(429, headers={"Retry-After": "600"})

    assert resolve(seconds=60) == {State.UNCERTAIN: 2}

    hold = Hold.objects.active().get()
    assert hold.until is not None
    assert hold.until > timezone.now() + timedelta(minutes=9)
    assert len(resend.requests) == 2 + 1


def test_what_was_not_tried_again_keeps_why_it_is_in_doubt(resend: FakeService) -> None:
    send_into_doubt(resend, HANG_UP, readers=3)
    before = set(Digest.objects.values_list("error", flat=True))
    resend.on_send = lambda _: Answer(500)

    resolve(seconds=60)

    assert set(Digest.objects.values_list("error", flat=True)) == {*before, "HTTP 500"}


# --- asking the service ----------------------------------------------------------------------
def send_later(service: FakeService) -> None:
    """Another reader's digest, accepted after what is in doubt."""
    make_reader()
    plan.plan_due()
    deliver(seconds=60)
    assert states()[State.SENT] == 1


@pytest.mark.parametrize("stream", ["", "digests"])
def test_a_digest_that_the_service_shows_was_sent(
    postmark: FakeService, settings: Settings, stream: str
) -> None:
    if stream:
        settings.ANYMAIL = {**settings.ANYMAIL, "POSTMARK_MESSAGE_STREAM": stream}
    send_into_doubt(postmark, ACCEPT_AND_HANG_UP)

    assert resolve(seconds=60) == {State.SENT: 1}

    digest = Digest.objects.get()
    assert (digest.state, digest.message_id) == (State.SENT, "m-1")
    assert len(postmark.requests) == 1


def test_a_digest_that_the_service_surely_lacks_is_sent_after_all(postmark: FakeService) -> None:
    send_into_doubt(postmark, HANG_UP)
    wait(minutes=16)
    send_later(postmark)

    assert resolve(seconds=60) == {State.READY: 1}
    deliver(seconds=60)

    assert states() == {State.SENT: 2}
    assert set(postmark.times_accepted().values()) == {1}


def send_into_wrong_ready(postmark: FakeService) -> Digest:
    """A digest that Postmark accepted, and now says it lacks: its index has lost it."""
    send_into_doubt(postmark, ACCEPT_AND_HANG_UP)
    wait(minutes=16)
    send_later(postmark)
    postmark.is_indexed = lambda accepted: accepted is not postmark.ledger[0]
    return Digest.objects.get(state=State.UNCERTAIN)


def tell(digest: Digest, kind: str) -> None:
    assert digest.subscriber is not None
    events.record(
        AnymailTrackingEvent(
            event_type=kind,
            recipient=digest.subscriber.email,
            metadata={"digest": str(digest.uuid)},
            timestamp=timezone.now(),
            reject_reason=RejectReason.BOUNCED,
            esp_event={"Type": "HardBounce"},
        ),
        "Postmark",
    )


TOLD = [
    (EventType.SENT, State.SENT),
    (EventType.DEFERRED, State.DEFERRED),
    (EventType.DELIVERED, State.DELIVERED),
    (EventType.BOUNCED, State.BOUNCED),
    (EventType.COMPLAINED, State.COMPLAINED),
    (EventType.OPENED, State.DELIVERED),
]


@pytest.mark.parametrize(("kind", "state"), TOLD)
def test_an_event_after_a_wrong_look_up_keeps_the_digest_from_a_second_mail(
    postmark: FakeService, kind: str, state: str
) -> None:
    digest = send_into_wrong_ready(postmark)
    assert resolve(seconds=60) == {State.READY: 1}

    tell(digest, kind)
    deliver(seconds=60)

    assert states() == Counter([state, State.SENT])
    assert set(postmark.times_accepted().values()) == {1}


@pytest.mark.parametrize(("kind", "state"), TOLD)
def test_a_wrong_look_up_does_not_outweigh_an_event_that_is_stored(
    postmark: FakeService, kind: str, state: str
) -> None:
    digest = send_into_wrong_ready(postmark)
    tell(digest, kind)
    # As a version before this one left it, which ignored some events.
    Digest.objects.filter(pk=digest.pk).update(state=State.UNCERTAIN)

    assert resolve(seconds=60) == {state: 1}
    deliver(seconds=60)

    assert states() == Counter([state, State.SENT])
    assert set(postmark.times_accepted().values()) == {1}


def test_a_digest_that_is_not_found_soon_stays_in_doubt(postmark: FakeService) -> None:
    send_into_doubt(postmark, HANG_UP)
    wait(minutes=14)
    send_later(postmark)

    assert resolve(seconds=60) == {}

    assert states() == {State.UNCERTAIN: 1, State.SENT: 1}


def test_an_index_that_shows_nothing_later_is_not_believed(postmark: FakeService) -> None:
    send_into_doubt(postmark, ACCEPT_AND_HANG_UP)
    wait(minutes=30)
    send_later(postmark)
    postmark.is_indexed = lambda _: False

    assert resolve(seconds=60) == {}

    assert states() == {State.UNCERTAIN: 1, State.SENT: 1}


def test_a_service_that_answers_anything_to_a_search_confirms_nothing(
    postmark: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_into_doubt(postmark, HANG_UP)
    wait(minutes=16)
    send_later(postmark)
    everything = postmark.search({"count": "1", "offset": "0"})
    everything["Messages"][0]["ReceivedAt"] = "2020-01-01T00:00:00Z"
    monkeypatch.setattr(postmark, "search", lambda wanted: everything)

    assert resolve(seconds=60) == {}


@pytest.mark.parametrize("said", [{}, {"Messages": [{}]}, {"Messages": None}])
def test_an_answer_that_is_not_understood_leaves_the_doubt(
    postmark: FakeService, monkeypatch: pytest.MonkeyPatch, said: dict[str, object]
) -> None:
    send_into_doubt(postmark, ACCEPT_AND_HANG_UP)
    monkeypatch.setattr(postmark, "search", lambda wanted: said)

    assert resolve(seconds=60) == {}

    assert states() == {State.UNCERTAIN: 1}


def test_a_service_that_refuses_to_be_asked_leaves_the_doubt(
    postmark: FakeService, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    send_into_doubt(postmark, ACCEPT_AND_HANG_UP)
    settings.ANYMAIL = {**settings.ANYMAIL, "POSTMARK_SERVER_TOKEN": "not-ours"}
    caplog.clear()

    assert resolve(seconds=60) == {}

    assert caplog.messages == ["Could not ask Postmark about digests in doubt: HTTPError"]


def test_an_event_that_came_first_is_not_overwritten(postmark: FakeService) -> None:
    send_into_doubt(postmark, ACCEPT_AND_HANG_UP)

    def deliver_meanwhile(_: Accepted) -> bool:
        Digest.objects.update(state=State.DELIVERED)
        connection.close()  # the service answers in a thread of its own
        return True

    postmark.is_indexed = deliver_meanwhile

    assert resolve(seconds=60).total() == 0

    assert states() == {State.DELIVERED: 1}


def test_a_digest_is_not_asked_about_all_the_time(postmark: FakeService) -> None:
    send_into_doubt(postmark, HANG_UP)
    resolve(seconds=60)
    assert len(postmark.searches) == 2

    resolve(seconds=60)

    assert len(postmark.searches) == 2


def test_over_smtp_nobody_can_be_asked(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.EMAIL_BACKEND = "digest.delivery.mail_services.smtp.EmailBackend"

    with django_assert_num_queries(0):
        assert resolve(seconds=60) == {}
