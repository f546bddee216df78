"""The send guarantee, statement by statement, against PostgreSQL and a real SMTP server."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from digest.choosing.candidates import Window
from digest.choosing.composing import Composed
from digest.delivery import handover, leases, plan
from digest.delivery.run import deliver
from digest.models import Digest, Hold
from subscribers.leaving.suppression import suppress
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Subscriber, Suppression
from tests.digest.sent import edition_of
from tests.factories import make_digest, make_edition, make_reader, make_topic
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
LEASE = timedelta(seconds=60)
LATE = timedelta(hours=12)


def claim(limit: int = 10, lease: timedelta = LEASE) -> leases.Lease:
    return leases.claim(limit, lease=lease, mail_service="smtp")


def mark(token: object, *digests: Digest, lease: timedelta = LEASE) -> dict[int, str]:
    selections = [
        Composed(digest.pk, Window(edition.pk, edition.date), (1,), ("votes:1",), (), "")
        for digest, edition in zip(digests, map(edition_of, digests), strict=True)
    ]
    return handover.mark_sending(
        token,  # type: ignore[arg-type]  # a lease's token, or a wrong one
        selections,
        lease=lease,
        late=LATE,
        mail_service="smtp",
    )


def ready_digest(**fields: object) -> Digest:
    return make_digest(make_edition(), make_reader(), **fields)


def state_of(digest: Digest) -> str:
    digest.refresh_from_db()
    return digest.state


def test_a_claimed_digest_is_not_claimed_again() -> None:
    ready_digest()

    assert [len(claim().claimed), len(claim().claimed)] == [1, 0]


def test_a_digest_is_claimed_again_when_its_lease_has_ended() -> None:
    ready_digest()
    claim(lease=timedelta(0))

    assert len(claim().claimed) == 1


def test_a_released_digest_is_claimed_again() -> None:
    digest = ready_digest()
    leases.release(claim().token, [digest.pk])

    assert len(claim().claimed) == 1


def test_nothing_is_claimed_while_the_mail_service_is_held() -> None:
    ready_digest()
    hold = Hold.objects.create(mail_service="smtp", reason="test")

    assert claim().claimed == []

    hold.released_at = timezone.now()
    hold.save()
    assert len(claim().claimed) == 1


def test_a_hold_of_another_mail_service_does_not_matter() -> None:
    ready_digest()
    Hold.objects.create(mail_service="Postmark", reason="test")

    assert len(claim().claimed) == 1


def test_marking_answers_the_address() -> None:
    digest = ready_digest()

    assert mark(claim().token, digest) == {digest.pk: digest.subscriber.email}  # type: ignore[union-attr]
    assert state_of(digest) == State.SENDING


def test_marking_twice_hands_over_once() -> None:
    digest = ready_digest()
    token = claim().token

    assert [len(mark(token, digest)), len(mark(token, digest))] == [1, 0]


def test_a_worker_that_lost_its_lease_cannot_mark() -> None:
    digest = ready_digest()
    slow = claim(lease=timedelta(0)).token
    claim()

    assert mark(slow, digest) == {}
    assert mark(uuid4(), digest) == {}
    assert state_of(digest) == State.READY


def test_a_worker_whose_lease_has_ended_cannot_mark_even_if_nobody_took_over() -> None:
    digest = ready_digest()
    token = claim(lease=timedelta(0)).token

    assert mark(token, digest) == {}


def leave(subscriber: Subscriber) -> None:
    unsubscribe(subscriber, Consent.Act.ONE_CLICK, timezone.now())


def suppress_bounced(subscriber: Subscriber) -> None:
    suppress(subscriber.address_hash, Suppression.Reason.BOUNCED, timezone.now())


def pause(subscriber: Subscriber) -> None:
    Subscriber.objects.filter(pk=subscriber.pk).update(
        paused_until=timezone.now() + timedelta(days=9)
    )


def erase(subscriber: Subscriber) -> None:
    subscriber.delete()


def miss(subscriber: Subscriber) -> None:
    Digest.objects.filter(subscriber=subscriber).update(due_at=Now() - timedelta(hours=13))


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (leave, Digest.SkipReason.UNSUBSCRIBED),
        (suppress_bounced, Digest.SkipReason.SUPPRESSED),
        (pause, Digest.SkipReason.PAUSED),
        (erase, Digest.SkipReason.ERASED),
        (miss, Digest.SkipReason.LATE),
    ],
)
def test_whoever_is_gone_since_the_claim_gets_no_mail_and_the_reason_is_kept(
    act: object, reason: str
) -> None:
    digest = ready_digest()
    token = claim().token
    act(digest.subscriber)  # type: ignore[operator]  # one of the functions above

    assert mark(token, digest) == {}
    assert leases.skip_unwanted(token, [digest.pk], late=LATE) == {reason: 1}
    digest.refresh_from_db()
    assert (digest.state, digest.skip_reason) == (State.SKIPPED, reason)


def test_a_sending_digest_whose_worker_fell_silent_is_uncertain() -> None:
    digest = ready_digest()
    mark(claim().token, digest, lease=timedelta(0))

    assert handover.sweep(doubt=timedelta(hours=1)) == (1, 0)
    assert state_of(digest) == State.UNCERTAIN


def test_a_sending_digest_whose_worker_lives_is_left_alone() -> None:
    digest = ready_digest()
    mark(claim().token, digest)

    assert handover.sweep(doubt=timedelta(hours=1)) == (0, 0)
    assert state_of(digest) == State.SENDING


def test_an_uncertain_digest_is_assumed_sent_in_the_end_and_never_claimed() -> None:
    digest = ready_digest()
    mark(claim().token, digest, lease=timedelta(0))

    handover.sweep(doubt=timedelta(0))

    assert state_of(digest) == State.ASSUMED
    assert claim().claimed == []


def test_a_slow_worker_s_word_settles_an_uncertain_digest() -> None:
    digest = ready_digest()
    token = claim().token
    mark(token, digest, lease=timedelta(0))
    handover.sweep(doubt=timedelta(hours=1))

    handover.record(token, [handover.HandOver(digest.pk, State.SENT, message_id="<1@x>")])

    assert state_of(digest) == State.SENT


def test_a_result_under_another_token_is_not_taken() -> None:
    digest = ready_digest()
    mark(claim().token, digest)

    assert handover.record(uuid4(), [handover.HandOver(digest.pk, State.SENT)]) == 0
    assert state_of(digest) == State.SENDING


def test_a_result_does_not_overwrite_what_an_event_has_told() -> None:
    digest = ready_digest()
    token = claim().token
    mark(token, digest)
    Digest.objects.update(state=State.DELIVERED)

    handover.record(token, [handover.HandOver(digest.pk, State.SENT)])

    assert state_of(digest) == State.DELIVERED


def test_a_due_reader_gets_one_mail(sink: Sink) -> None:
    make_edition()
    reader = make_reader()

    plan.plan_due()
    first, second = deliver(seconds=60), deliver(seconds=60)

    assert (first.states, second.states) == ({State.SENT: 1}, {})
    assert [message.recipients for message in sink.messages] == [[reader.email]]


def test_each_reader_gets_papers_on_their_own_topics(sink: Sink) -> None:
    robots, text = make_topic(), make_topic()
    make_edition(4, fits={robots.pk: 0.8})
    reader, stranger = make_reader(robots), make_reader(text)

    plan.plan_due()
    tally = deliver(seconds=60)

    assert [message.recipients for message in sink.messages] == [[reader.email]]
    assert tally.skip_reasons == {Digest.SkipReason.NO_MATCH: 1}
    assert Digest.objects.get(subscriber=reader).reasons == [f"topic:{robots.pk}"] * 4
    assert Digest.objects.get(subscriber=stranger).skip_reason == Digest.SkipReason.NO_MATCH


def test_a_thin_edition_waits_for_the_next(sink: Sink) -> None:
    today = timezone.now().date()
    make_edition(2, day=today)
    reader = make_reader()
    plan.plan_due()
    assert deliver(seconds=60).skip_reasons == {Digest.SkipReason.THIN: 1}

    make_edition(2, day=today + timedelta(days=1))
    Subscriber.objects.update(next_due_at=Now())
    plan.plan_due()
    deliver(seconds=60)

    # A new reader starts with the newest edition, which is thin again.
    assert sink.messages == []
    assert Digest.objects.filter(subscriber=reader, skip_reason="thin").count() == 2


def test_a_paper_never_comes_twice(sink: Sink) -> None:
    yesterday = timezone.now().date() - timedelta(days=1)
    first = make_edition(4, day=yesterday)
    reader = make_reader()
    make_digest(
        first,
        reader,
        state=State.SENT,
        paper_ids=list(first.papers.values_list("id", flat=True)),
        reasons=["votes:0"] * 4,
    )
    second = make_edition(3)

    plan.plan_due()
    deliver(seconds=60)

    digest = Digest.objects.get(edition=second)
    assert set(digest.paper_ids) == set(second.papers.values_list("id", flat=True))


def test_papers_of_a_digest_that_was_not_surely_sent_come_again(sink: Sink) -> None:
    today = timezone.now().date()
    older = make_edition(3, day=today - timedelta(days=2))
    doubtful = make_edition(3, day=today - timedelta(days=1))
    newest = make_edition(3)
    reader = make_reader()
    make_digest(older, reader, state=State.SENT)
    make_digest(
        doubtful,
        reader,
        state=State.ASSUMED,
        paper_ids=list(doubtful.papers.values_list("id", flat=True)),
    )

    plan.plan_due()
    deliver(seconds=60)

    papers = set(Digest.objects.get(edition=newest).paper_ids)
    assert papers == {
        *newest.papers.values_list("id", flat=True),
        *doubtful.papers.values_list("id", flat=True),
    }


def test_a_weekly_reader_gets_the_week(sink: Sink) -> None:
    today = timezone.now().date()
    editions = [make_edition(3, day=today - timedelta(days=back)) for back in (2, 1, 0)]
    make_reader(frequency=Subscriber.Frequency.WEEKLY, length=20)

    plan.plan_due()
    deliver(seconds=60)

    digest = Digest.objects.get()
    assert digest.edition == editions[-1]
    assert len(digest.paper_ids) == 9


def test_a_mail_service_that_cannot_be_reached_holds_the_run_and_spends_nothing(
    settings: Settings,
) -> None:
    settings.EMAIL_BACKEND = (
        "digest.delivery.mail_services.smtp.EmailBackend"  # at port 1, where nobody is
    )
    make_edition()
    make_reader()
    plan.plan_due()

    tally = deliver(seconds=60)

    digest = Digest.objects.get()
    assert tally.states == {}
    assert (digest.state, digest.attempts, digest.lease_token) == (State.READY, 0, None)
    assert Hold.objects.active().count() == 1
