from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest
from anymail.signals import AnymailTrackingEvent, EventType, RejectReason
from hypothesis import given
from hypothesis import strategies as st

from digest import events
from digest.models import Digest, Event
from subscribers.models import Subscriber
from subscribers.suppression import is_suppressed
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
    return event_of(digest, EventType.BOUNCED, **{"reject_reason": RejectReason.BOUNCED, **fields})


def state_of(digest: Digest) -> str:
    digest.refresh_from_db()
    return digest.state


def is_out_of_reach(digest: Digest) -> bool:
    assert digest.subscriber is not None
    return is_suppressed(digest.subscriber.address_hash)


@pytest.mark.django_db
@pytest.mark.parametrize("before", [State.SENDING, State.UNCERTAIN, State.ASSUMED, State.SENT])
def test_a_delivered_event_ends_the_doubt(before: str) -> None:
    digest = sent_digest(state=before)

    events.record(event_of(digest, EventType.DELIVERED), "Postmark")

    assert state_of(digest) == State.DELIVERED


@pytest.mark.django_db
def test_an_event_that_is_repeated_is_stored_once() -> None:
    digest = sent_digest()
    event = event_of(digest, EventType.DELIVERED)

    assert [events.record(event, "Postmark") for _ in range(3)] == [True, False, False]
    assert Event.objects.count() == 1


@pytest.mark.django_db
def test_an_event_finds_its_digest_by_the_service_s_id() -> None:
    digest = sent_digest(provider_id="abc")

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


@pytest.mark.django_db
def test_events_in_any_order_end_alike() -> None:
    ends = set()
    for order in permutations([EventType.SENT, EventType.DELIVERED, EventType.COMPLAINED]):
        state: str = State.UNCERTAIN
        for kind in order:
            state = events.next_state(state, kind, permanent=False)
        ends.add(state)

    assert ends == {State.COMPLAINED}


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


@pytest.mark.parametrize("state", [State.READY, State.SKIPPED])
@pytest.mark.parametrize("kind", KINDS)
def test_an_event_does_not_move_a_digest_that_was_not_handed_over(state: str, kind: str) -> None:
    assert events.next_state(state, kind, permanent=True) == state
