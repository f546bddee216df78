from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery import events, handover
from digest.models import Digest, Event
from subscribers.leaving.suppression import is_suppressed, lift_bounce
from subscribers.models import Consent, Letter, Subscriber, Suppression
from tests.factories import make_digest, make_edition, make_reader

State = Digest.State
KINDS = sorted(events.STATE_OF_KIND)


def sent_digest(**fields: Any) -> Digest:
    return make_digest(make_edition(), make_reader(), **{"state": State.SENT, **fields})


def event_of(digest: Digest, kind: str, **fields: Any) -> AnymailTrackingEvent:
    assert digest.subscriber is not None
    return AnymailTrackingEvent(
        event_type=kind,
        **{
            "timestamp": datetime(2026, 11, 22, 7, tzinfo=UTC),
            "metadata": {"digest": str(digest.uuid)},
            "recipient": digest.subscriber.email,
            **fields,
        },
    )


def hard_bounce(digest: Digest, **fields: Any) -> AnymailTrackingEvent:
    raw = {"Type": "HardBounce"}
    told = {"reject_reason": RejectReason.BOUNCED, "esp_event": raw, **fields}
    return event_of(digest, EventType.BOUNCED, **told)


def state_of(digest: Digest) -> str:
    digest.refresh_from_db()
    return digest.state


def is_out_of_reach(digest: Digest) -> bool:
    assert digest.subscriber is not None
    return is_suppressed(digest.subscriber.address_hash)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "before",
    [State.READY, State.SKIPPED, State.SENDING, State.UNCERTAIN, State.ASSUMED, State.SENT],
)
def test_a_delivered_event_ends_the_doubt(before: str) -> None:
    digest = sent_digest(state=before)

    events.record(event_of(digest, EventType.DELIVERED), "Postmark")

    assert state_of(digest) == State.DELIVERED


@pytest.mark.django_db
@pytest.mark.parametrize(
    "kind",
    [EventType.OPENED, EventType.CLICKED, EventType.AUTORESPONDED, EventType.UNSUBSCRIBED],
)
def test_what_only_a_mail_that_arrived_can_cause_ends_the_doubt(kind: str) -> None:
    digest = sent_digest(state=State.UNCERTAIN)

    events.record(event_of(digest, kind), "Postmark")

    assert state_of(digest) == State.DELIVERED


@pytest.mark.django_db
def test_a_digest_that_was_skipped_after_all_forgets_the_reason_when_it_was_delivered() -> None:
    digest = sent_digest(state=State.SKIPPED, skip_reason=Digest.SkipReason.LATE)

    events.record(event_of(digest, EventType.DELIVERED), "Postmark")

    digest.refresh_from_db()
    assert (digest.state, digest.skip_reason) == (State.DELIVERED, "")


@pytest.mark.django_db
def test_an_event_that_is_repeated_is_stored_once() -> None:
    digest = sent_digest()
    event = event_of(digest, EventType.DELIVERED)

    assert [events.record(event, "Postmark") for _ in range(3)] == [True, False, False]
    assert Event.objects.count() == 1


@pytest.mark.django_db
def test_an_event_finds_its_digest_by_the_service_s_id() -> None:
    digest = sent_digest(message_id="abc")

    events.record(event_of(digest, EventType.DELIVERED, metadata={}, message_id="abc"), "SES")

    assert state_of(digest) == State.DELIVERED


@pytest.mark.django_db
def test_a_hard_bounce_suppresses_the_address() -> None:
    digest = sent_digest()
    assert not is_out_of_reach(digest)

    events.record(hard_bounce(digest), "Postmark")

    assert is_out_of_reach(digest)
    assert state_of(digest) == State.BOUNCED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("service", "raw"),
    [
        ("Postmark", {"Type": "SoftBounce"}),
        ("Brevo", {"event": "soft_bounce"}),
        ("MailerSend", {"type": "activity.soft_bounced"}),
        ("Mandrill", {"event": "soft_bounce"}),
        ("Amazon SES", {"bounce": {"bounceType": "Transient"}}),
    ],
)
def test_a_soft_bounce_does_not_suppress(service: str, raw: dict[str, Any]) -> None:
    digest = sent_digest()

    events.record(hard_bounce(digest, esp_event=raw), service)

    assert not is_out_of_reach(digest)
    assert state_of(digest) == State.DEFERRED


@pytest.mark.django_db
def test_a_complaint_suppresses_and_unsubscribes() -> None:
    digest = sent_digest()

    events.record(event_of(digest, EventType.COMPLAINED), "Postmark")

    assert is_out_of_reach(digest)
    assert Subscriber.objects.get().state == Subscriber.State.UNSUBSCRIBED


@pytest.mark.django_db
def test_an_event_about_another_address_is_kept_and_does_nothing() -> None:
    digest = sent_digest()
    bystander = make_reader()

    events.record(event_of(digest, EventType.COMPLAINED, recipient=bystander.email), "Postmark")

    assert Event.objects.get().digest is None
    assert not is_suppressed(bystander.address_hash)
    assert state_of(digest) == State.SENT


# --- a mailbox that is full for weeks ------------------------------------------------------
def soft_bounces(reader: Subscriber, days: Sequence[int], delivered: Sequence[int] = ()) -> bool:
    """Digests of so many days ago, that bounced softly or were delivered; whether that is
    enough to suppress the reader."""
    for ago in sorted(days, reverse=True):
        at = timezone.now() - timedelta(days=ago)
        edition = make_edition(1, day=at.date())
        digest = make_digest(edition, reader, state=State.SENT, handed_over_at=at)
        soft = {"reject_reason": RejectReason.BOUNCED, "esp_event": {"Type": "SoftBounce"}}
        events.record(event_of(digest, EventType.BOUNCED, timestamp=at, **soft), "Postmark")
        if ago in delivered:
            events.record(event_of(digest, EventType.DELIVERED, timestamp=at), "Postmark")
    return is_suppressed(reader.address_hash)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("days", "delivered", "expected"),
    [
        ([28, 21, 14, 7, 0], [], True),  # five weekly digests
        (range(15), [], True),  # a daily reader, for two weeks
        (range(14), [], False),  # not so long yet
        ([21, 14, 7, 0], [], False),  # not so many yet
        ([0], [], False),
        (range(15), [3], False),  # one that arrived begins anew
        (range(18), [16], True),  # long ago
        ([28, 21, 14, 7, 0], [0], True),  # it arrived in the end, after all five had bounced
    ],
)
def test_soft_bounces_for_weeks_are_a_bounce_and_a_delivery_begins_anew(
    days: Sequence[int], delivered: Sequence[int], expected: bool
) -> None:
    assert soft_bounces(make_reader(), days, delivered) is expected


@pytest.mark.django_db
def test_who_was_out_of_reach_comes_back_by_confirming_again() -> None:
    reader = make_reader()
    assert soft_bounces(reader, range(15))

    lift_bounce(reader.address_hash)

    assert not is_out_of_reach(Digest.objects.latest("pk"))


# --- strays --------------------------------------------------------------------------------
def written_to(**fields: Any) -> Subscriber:
    """A reader who signed up, as all do: a letter went to them."""
    reader = make_reader(**fields)
    Letter.objects.create(subscriber=reader, kind=Letter.Kind.CONFIRM, sent_at=timezone.now())
    return reader


@pytest.mark.django_db
@pytest.mark.parametrize("kind", [EventType.COMPLAINED, EventType.BOUNCED, EventType.UNSUBSCRIBED])
def test_an_event_that_names_a_digest_of_another_reader_touches_neither(kind: str) -> None:
    digest, bystander = sent_digest(), written_to()

    events.record(
        event_of(digest, kind, recipient=bystander.email, reject_reason=RejectReason.BOUNCED),
        "Postmark",
    )

    assert (Event.objects.get().digest, Suppression.objects.count()) == (None, 0)
    assert set(Subscriber.objects.values_list("state", flat=True)) == {Subscriber.State.ACTIVE}
    assert state_of(digest) == State.SENT


@pytest.mark.django_db
@pytest.mark.parametrize("uuid", [str(UUID(int=5)), "no-uuid", "1' OR '1'='1"])
def test_an_event_that_names_no_digest_of_ours_is_kept_and_does_nothing(uuid: str) -> None:
    reader = written_to()
    stray = hard_bounce(sent_digest(), metadata={"digest": uuid}, recipient=reader.email)

    events.record(stray, "Postmark")

    assert (Event.objects.get().digest, Suppression.objects.count()) == (None, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("recipient", [None, "", "nobody", "a@x.example, b@y.example", "\x00"])
def test_an_event_without_a_recipient_is_kept_and_does_nothing(recipient: str | None) -> None:
    digest = sent_digest()

    events.record(hard_bounce(digest, recipient=recipient), "Postmark")

    assert (Event.objects.get().digest, state_of(digest)) == (None, State.SENT)
    assert not Suppression.objects.exists()


@pytest.mark.django_db
def test_an_event_about_a_reader_who_was_erased_is_kept_and_does_nothing() -> None:
    digest = sent_digest()
    event = hard_bounce(digest, message_id="by-the-service")
    Subscriber.objects.all().delete()

    events.record(event, "Postmark")

    stored = Event.objects.get()
    assert (stored.digest, state_of(digest)) == (None, State.SENT)
    # Nothing of it leads back to the reader, not even by the service's own log.
    assert (stored.address_hash, stored.message_id) == ("", "")
    assert not Suppression.objects.exists()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (EventType.BOUNCED, Suppression.Reason.BOUNCED),
        (EventType.COMPLAINED, Suppression.Reason.COMPLAINED),
    ],
)
def test_what_is_told_of_a_letter_suppresses_who_was_written_to(kind: str, reason: str) -> None:
    reader = written_to(state=Subscriber.State.PENDING)
    named = {"letter": str(Letter.objects.get().pk)}
    told = {**HARD, "timestamp": timezone.now()}

    for about, metadata in ((reader, named), (make_reader(), named), (written_to(), {})):
        event = AnymailTrackingEvent(
            event_type=kind, recipient=about.email, metadata=metadata, **told
        )
        events.record(event, "Postmark")

    suppression = Suppression.objects.get()
    assert (suppression.address_hash, suppression.reason) == (reader.address_hash, reason)


# --- in any order --------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_one_event_brought_by_many_at_once_is_one_event() -> None:
    event = hard_bounce(sent_digest())

    def bring(_: int) -> bool:
        try:
            return events.record(event, "Postmark")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        news = list(threads.map(bring, range(100)))

    assert (news.count(True), Event.objects.count(), Suppression.objects.count()) == (1, 1, 1)


TOKEN = UUID(int=9)


def word_of_the_worker(digest: Digest) -> None:
    """The worker stores that the service took the message, soon or late."""
    handover.record(TOKEN, [handover.HandOver(digest.pk, State.SENT, message_id="abc")])


def tell(kind: str, **fields: Any) -> Callable[[Digest], object]:
    return lambda digest: events.record(event_of(digest, kind, **fields), "Postmark")


HARD = {"reject_reason": RejectReason.BOUNCED, "esp_event": {"Type": "HardBounce"}}
SOFT = {**HARD, "esp_event": {"Type": "SoftBounce"}, "event_id": "soft"}
STORIES: dict[str, tuple[list[Callable[[Digest], object]], tuple[object, ...]]] = {
    "delivered": (
        [word_of_the_worker, tell(EventType.SENT), tell(EventType.BOUNCED, **SOFT),
         tell(EventType.DELIVERED), tell(EventType.OPENED)],
        (State.DELIVERED, Subscriber.State.ACTIVE, [], []),
    ),
    "bounced": (
        [word_of_the_worker, tell(EventType.QUEUED), tell(EventType.DEFERRED),
         tell(EventType.BOUNCED, **HARD), tell(EventType.DELIVERED)],
        (State.BOUNCED, Subscriber.State.ACTIVE, [Suppression.Reason.BOUNCED], []),
    ),
    "complained": (
        [word_of_the_worker, tell(EventType.DELIVERED), tell(EventType.COMPLAINED),
         tell(EventType.BOUNCED, **HARD), tell(EventType.REJECTED)],
        (
            State.COMPLAINED,
            Subscriber.State.UNSUBSCRIBED,
            [Suppression.Reason.COMPLAINED],
            [Consent.Act.COMPLAINED],
        ),
    ),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("story", "before"),
    [
        ("delivered", State.SENDING),
        ("bounced", State.UNCERTAIN),
        ("complained", State.SENDING),
    ],
)
def test_every_order_of_what_is_told_ends_alike_in_every_table(story: str, before: str) -> None:
    """All 120 orders, each told twice, against the real statements, the worker's among them."""
    told, end = STORIES[story]
    digest = sent_digest(state=before, lease_token=TOKEN)
    ends = []

    for order in permutations(told):
        with transaction.atomic():
            for tell_it in (*order, *reversed(order)):
                tell_it(digest)
            ends.append((state_of(digest), *what_follows()))
            stored = Event.objects.count()
            transaction.set_rollback(True)

    assert ends == [end] * 120
    assert stored == len(told) - 1


def what_follows() -> tuple[object, ...]:
    """Of the one reader: their state, why they are suppressed, and what they agreed to."""
    return (
        Subscriber.objects.get().state,
        list(Suppression.objects.values_list("reason", flat=True)),
        list(Consent.objects.values_list("act", flat=True)),
    )


@given(
    st.lists(st.tuples(st.sampled_from(KINDS), st.booleans()), max_size=6),
    st.randoms(use_true_random=False),
)
def test_the_order_of_events_never_matters(told: list[tuple[str, bool]], random: Any) -> None:
    shuffled = list(told)
    random.shuffle(shuffled)

    assert reduce(told) == reduce(shuffled)


def reduce(told: list[tuple[str, bool]]) -> str:
    state: str = State.SENT
    for kind, permanent in told:
        state = events.next_state(state, kind, permanent=permanent)
    return state


@pytest.mark.parametrize("state", [State.READY, State.SKIPPED, State.SENDING])
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_we_believed_an_event_shows_that_the_service_had_it(state: str, kind: str) -> None:
    assert events.next_state(state, kind, permanent=True) == events.STATE_OF_KIND[kind]


@pytest.mark.parametrize("state", State)
def test_an_event_that_says_nothing_of_the_mail_moves_nothing(state: str) -> None:
    assert events.next_state(state, EventType.UNKNOWN, permanent=False) == state
