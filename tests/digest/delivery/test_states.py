"""Every order of events at once: Hypothesis plays workers, readers, operators and the mail
service against the real statements, and a model keeps count of what was handed over.

A worker here is what one is to the database: a token, the digests it leased, and those that it
marked. It crashes by being forgotten; it is slow by acting after `time_passes`.
"""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import pytest
from anymail.signals import AnymailTrackingEvent, EventType
from django.db.models.functions import Now
from django.utils import timezone
from hypothesis import settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from digest.choosing.candidates import Window
from digest.choosing.composing import Composed
from digest.delivery import events, handover, leases
from digest.models import Digest, Edition, Event, Hold
from subscribers.leaving.suppression import suppress
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Subscriber, Suppression
from tests.factories import make_digest, make_edition, make_reader

State = Digest.State
READERS = 3
WORKERS = 3
LONG = timedelta(hours=1)
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "30"))
SERVICE = "smtp"

# Where each state may go, in one step. An event may come at any time and shows that the service
# has the digest, whatever we believed; nothing but the word of the worker that handed it over makes
# it ready again.
_TOLD = {State.DEFERRED, State.DELIVERED, State.BOUNCED, State.COMPLAINED}
ARROWS: dict[str, set[State]] = {
    State.READY: {State.SENDING, State.SKIPPED, State.SENT, State.FAILED, *_TOLD},
    State.SENDING: {State.READY, State.SENT, State.FAILED, State.UNCERTAIN, State.ASSUMED, *_TOLD},
    State.UNCERTAIN: {State.READY, State.SENT, State.FAILED, State.ASSUMED, *_TOLD},
    State.ASSUMED: {State.SENT, State.FAILED, *_TOLD},
    State.SENT: {State.FAILED, *_TOLD},
    State.DEFERRED: {State.FAILED, *_TOLD},
    State.FAILED: {State.DELIVERED, State.BOUNCED, State.COMPLAINED},
    State.DELIVERED: {State.BOUNCED, State.COMPLAINED},
    State.BOUNCED: {State.COMPLAINED},
    State.COMPLAINED: set(),
    State.SKIPPED: {State.SENT, State.FAILED, *_TOLD},
}
WORDS = [State.SENT, State.FAILED, State.UNCERTAIN, State.READY]
EVENTS = [
    EventType.SENT,
    EventType.DEFERRED,
    EventType.REJECTED,
    EventType.DELIVERED,
    EventType.BOUNCED,
    EventType.COMPLAINED,
]


@dataclass
class Worker:
    """A worker as the model knows it: which digests it may mark, and which it handed over.

    `lapsed` were leased too long and nobody has taken them up yet. It may still give them back
    or set them aside, but not mark them.
    """

    token: UUID
    leased: set[int]
    lapsed: set[int] = field(default_factory=set)
    handed_over: set[int] = field(default_factory=set)
    said: dict[int, State] = field(default_factory=dict)

    @property
    def held(self) -> set[int]:
        return self.leased | self.lapsed

    def forget(self, digest_ids: set[int]) -> None:
        self.leased -= digest_ids
        self.lapsed -= digest_ids


def is_anything_held(delivery: "Delivery") -> bool:
    return any(worker.held for worker in delivery.workers)


def is_anything_handed_over(delivery: "Delivery") -> bool:
    return bool(delivery.in_the_dark and delivery.workers)


def is_anything_under_way(delivery: "Delivery") -> bool:
    return any(worker.leased or worker.handed_over for worker in delivery.workers)


class Delivery(RuleBasedStateMachine):
    """`in_the_dark` are the digests that were handed over and not surely refused since: never
    again may a worker be told their address."""

    workers: list[Worker]
    in_the_dark: set[int]
    unwanted: set[int]
    states: dict[int, str]

    @initialize()
    def begin(self) -> None:
        for model in (Event, Digest, Suppression, Hold):
            model.objects.all().delete()
        edition = Edition.objects.first() or make_edition()
        readers = Subscriber.objects.order_by("pk") or [make_reader() for _ in range(READERS)]
        Subscriber.objects.update(state=Subscriber.State.ACTIVE, paused_until=None)
        self.digests = {d.pk: d for d in (make_digest(edition, reader) for reader in readers)}
        self.workers, self.in_the_dark, self.unwanted = [], set(), set()
        self.states = dict.fromkeys(self.digests, State.READY)

    # --- workers ---------------------------------------------------------------------------
    @precondition(lambda self: len(self.workers) < WORKERS)
    @rule(limit=strategies.integers(1, READERS), goes_on=strategies.booleans())
    def claim(self, limit: int, goes_on: bool) -> None:
        lease = leases.claim(limit, lease=LONG, mail_service=SERVICE)

        leased = {claimed.digest_id for claimed in lease.claimed}
        assert not leased & self.in_the_dark
        assert not any(leased & other.leased for other in self.workers)
        for other in self.workers:
            other.lapsed -= leased
        self.workers.append(Worker(lease.token, leased))
        if goes_on:
            self._try_to_mark(self.workers[-1])

    @precondition(lambda self: self.workers)
    @rule(data=strategies.data())
    def mark(self, data: strategies.DataObject) -> None:
        self._try_to_mark(self._any_worker(data))

    @precondition(is_anything_handed_over)
    @rule(data=strategies.data())
    def record(self, data: strategies.DataObject) -> None:
        """The mail service answered; READY says that it surely refused, for now.

        The worker says so of all digests of others, too, which must not be believed.
        """
        worker = self._any_worker(data)
        ours = {pk: data.draw(strategies.sampled_from(WORDS)) for pk in sorted(worker.handed_over)}
        words = dict.fromkeys(self.digests.keys() - worker.said, State.READY) | ours
        before = self._read()

        handover.record(worker.token, [handover.HandOver(pk, word) for pk, word in words.items()])

        for pk, word in ours.items():
            if word == State.READY and before[pk] in {State.SENDING, State.UNCERTAIN}:
                self.in_the_dark.discard(pk)
        worker.said |= ours
        worker.handed_over = set()

    @precondition(is_anything_handed_over)
    @rule(data=strategies.data())
    def record_again(self, data: strategies.DataObject) -> None:
        """The connection broke at the commit, so the worker says the same once more."""
        worker = self._any_worker(data)
        before = self._read()

        said = [handover.HandOver(pk, word) for pk, word in worker.said.items()]
        handover.record(worker.token, said)

        assert self._read() == before

    @precondition(is_anything_held)
    @rule(data=strategies.data())
    def skip_unwanted(self, data: strategies.DataObject) -> None:
        worker = self._any_worker(data)

        skipped = leases.skip_unwanted(worker.token, sorted(self.digests), late=LONG)

        assert sum(skipped.values()) == len(worker.held & self.unwanted)
        worker.forget(self.unwanted)

    @precondition(is_anything_held)
    @rule(data=strategies.data(), is_thin=strategies.booleans())
    def set_aside(self, data: strategies.DataObject, is_thin: bool) -> None:
        """A digest turns out to be thin, or cannot be rendered."""
        worker = self._any_worker(data)
        chosen = self._any_digest(data).pk

        if is_thin:
            number = leases.skip(worker.token, {chosen: Digest.SkipReason.THIN}, None)
        else:
            number = leases.fail(worker.token, {chosen: "It could not be rendered."})

        assert number == len(worker.held & {chosen})
        worker.forget({chosen})

    @precondition(is_anything_held)
    @rule(data=strategies.data())
    def release(self, data: strategies.DataObject) -> None:
        worker = self._any_worker(data)

        assert leases.release(worker.token, sorted(self.digests)) == len(worker.held)
        worker.forget(worker.held)

    @precondition(is_anything_handed_over)
    @rule(data=strategies.data())
    def crash(self, data: strategies.DataObject) -> None:
        self.workers.remove(self._any_worker(data))

    # --- the clock and the tick ------------------------------------------------------------
    @precondition(is_anything_under_way)
    @rule()
    def time_passes(self) -> None:
        """Every lease runs out, also those of workers that are only slow."""
        gone = Now() - timedelta(seconds=1)
        Digest.objects.filter(lease_until__gt=Now()).update(lease_until=gone)
        Digest.objects.filter(next_attempt_at__gt=Now()).update(next_attempt_at=Now())
        for worker in self.workers:
            worker.lapsed |= worker.leased
            worker.leased = set()

    @precondition(is_anything_handed_over)
    @rule(doubt=strategies.sampled_from([timedelta(0), LONG]))
    def sweep(self, doubt: timedelta) -> None:
        handover.sweep(doubt=doubt)

    # --- readers, operators, the mail service ----------------------------------------------
    @rule(data=strategies.data(), how=strategies.sampled_from(["leaves", "complains", "pauses"]))
    def leave_or_return(self, data: strategies.DataObject, how: str) -> None:
        digest = self._any_digest(data)
        reader = digest.subscriber
        assert reader is not None
        if digest.pk in self.unwanted:
            Suppression.objects.filter(address_hash=reader.address_hash).delete()
            self._set(reader, state=Subscriber.State.ACTIVE, paused_until=None)
            self.unwanted.discard(digest.pk)
            return
        if how == "leaves":
            unsubscribe(reader, Consent.Act.ONE_CLICK, timezone.now())
        elif how == "complains":
            suppress(reader.address_hash, Suppression.Reason.COMPLAINED, timezone.now())
        else:
            self._set(reader, paused_until=timezone.now().date() + timedelta(days=9))
        self.unwanted.add(digest.pk)

    @precondition(is_anything_held)
    @rule(data=strategies.data())
    def hold(self, data: strategies.DataObject) -> None:
        """While the mail service is held, nobody gets anything to send."""
        worker = self._any_worker(data)
        hold = Hold.objects.create(mail_service=SERVICE, reason="test")

        assert self._mark(worker) == {}
        assert leases.claim(READERS, lease=LONG, mail_service=SERVICE).claimed == []

        hold.delete()

    @rule(data=strategies.data(), kind=strategies.sampled_from(EVENTS))
    def hear(self, data: strategies.DataObject, kind: str) -> None:
        """An event of the mail service. It has the digest, so nobody may hand it over any more."""
        digest = self._any_digest(data)
        assert digest.subscriber is not None
        events.record(
            AnymailTrackingEvent(
                event_type=kind,
                recipient=digest.subscriber.email,
                metadata={"digest": str(digest.uuid)},
                timestamp=timezone.now(),
                reject_reason="bounced",
                esp_event={"Type": "HardBounce"},
            ),
            "Postmark",
        )
        if kind in {EventType.BOUNCED, EventType.COMPLAINED}:
            self.unwanted.add(digest.pk)
        self.in_the_dark.add(digest.pk)
        for worker in self.workers:
            worker.forget({digest.pk})

    # --- what must hold --------------------------------------------------------------------
    @invariant()
    def the_states_go_only_along_the_arrows(self) -> None:
        now = self._read()
        for pk, state in now.items():
            before = self.states[pk]
            assert state == before or state in ARROWS[before], f"{before} to {state}"
        self.states = now

    @invariant()
    def what_may_have_gone_out_is_never_ready(self) -> None:
        for pk in self.in_the_dark:
            assert self.states[pk] != State.READY

    def teardown(self) -> None:
        """Nobody is forgotten: when all is quiet, one worker finds whatever is left. And whoever
        was skipped can be told why."""
        if not hasattr(self, "digests"):
            return
        self.time_passes()
        handover.sweep(doubt=LONG)
        last = leases.claim(READERS, lease=LONG, mail_service=SERVICE)
        worker = Worker(last.token, {claimed.digest_id for claimed in last.claimed})
        addresses = self._mark(worker)
        leases.skip_unwanted(worker.token, sorted(worker.leased), late=LONG)
        handover.record(worker.token, [handover.HandOver(pk, State.SENT) for pk in addresses])

        assert not set(addresses) & (self.in_the_dark | self.unwanted)
        assert not set(self._read().values()) & {State.READY, State.SENDING}
        assert not Digest.objects.filter(state=State.SKIPPED, skip_reason="").exists()

    # --- helpers ---------------------------------------------------------------------------
    def _try_to_mark(self, worker: Worker) -> None:
        """The worker tries to mark every digest there is; only those that it holds may pass."""
        addresses = self._mark(worker)

        expected = worker.leased - self.unwanted
        assert set(addresses) == expected
        assert not expected & self.in_the_dark
        worker.forget(expected)
        worker.handed_over |= expected
        self.in_the_dark |= expected

    def _any_worker(self, data: strategies.DataObject) -> Worker:
        return self.workers[data.draw(strategies.integers(0, len(self.workers) - 1))]

    def _any_digest(self, data: strategies.DataObject) -> Digest:
        # By position: the ids are others in each example, and Hypothesis wants the same choices.
        return list(self.digests.values())[data.draw(strategies.integers(0, READERS - 1))]

    def _set(self, reader: Subscriber, **fields: object) -> None:
        Subscriber.objects.filter(address_hash=reader.address_hash).update(**fields)

    def _read(self) -> dict[int, str]:
        return dict(Digest.objects.values_list("pk", "state"))

    def _mark(self, worker: Worker) -> dict[int, str]:
        edition = Edition.objects.get()
        window = Window(edition.pk, edition.date)
        return handover.mark_sending(
            worker.token,
            [Composed(pk, window, (1,), ("votes:1",), (), "") for pk in self.digests],
            lease=LONG,
            late=LONG,
            mail_service=SERVICE,
        )


@pytest.mark.django_db(transaction=True)
def test_no_order_of_events_hands_a_digest_over_twice_or_forgets_one() -> None:
    plenty = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)
    run_state_machine_as_test(Delivery, settings=plenty)
