"""A sender: one thread, one connection to the mail service, one chunk after another."""

import random
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from queue import Queue
from threading import Event, Thread
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.db import connection as database
from django.utils import timezone

from digest.models import Digest
from subscribers.addresses import hashed
from subscribers.leaving import suppression
from subscribers.models import Suppression

from . import handover, leases
from .chunks import Chunk, Rendered, Tally
from .connection import Connection
from .handover import HandOver
from .limits.gate import Gate, Passed
from .limits.holds import hold
from .limits.providers import is_throttling
from .outcomes import Outcome, Verdict

State = Digest.State
# How long a mail service that could not be reached is left alone.
UNREACHABLE = timedelta(seconds=30)
QUOTA_USED_UP = "The day's quota is used up."
# How long a worker waits for the database to come back: less than it is given for its own end.
PATIENCE = timedelta(seconds=15)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)


class Sender(Thread):
    """Takes chunks from a queue until it finds None there.

    Once the run is halted, by this sender or another, it gives back what it takes.
    """

    def __init__(self, chunks: "Queue[Chunk | None]", gate: Gate, halted: Event) -> None:
        super().__init__(name="sender", daemon=True)
        self._gate = gate
        self._chunks = chunks
        self._halted = halted
        self._tally = Tally()
        self._error: BaseException | None = None

    def finish(self) -> Tally:
        """Return what this sender did, or raise what ended it. Call it after `join`."""
        if self._error is not None:
            raise self._error
        return self._tally

    def run(self) -> None:
        try:
            with Connection(self._gate.mail_service) as connection:
                while (chunk := self._chunks.get()) is not None:
                    self._take(chunk, connection)
        except BaseException as error:
            self._error = error
            self._halted.set()
            while self._chunks.get() is not None:
                pass  # the run that fills the queue must not wait for us; the leases will expire
        finally:
            database.close()

    def _take(self, chunk: Chunk, connection: Connection) -> None:
        if self._halted.is_set():
            leases.release(chunk.token, chunk.ids)
        elif not _deliver_chunk(chunk, self._gate, connection, self._tally):
            self._halted.set()


def _deliver_chunk(chunk: Chunk, gate: Gate, connection: Connection, tally: Tally) -> bool:
    """Mark, hand over and record one chunk. Returns False if the run must stop."""
    if problem := connection.open():
        hold(gate.mail_service, problem.detail, _length_of(problem))
        leases.release(chunk.token, chunk.ids)
        return False
    providers = {one.composed.digest_id: one.claimed.recipient.provider for one in chunk.rendered}
    passed = gate.admit(providers)
    _send_back(chunk.token, passed.waits)
    until = time.monotonic() + settings.DELIVERY_LEASE.total_seconds()
    addresses = _mark(chunk, passed, gate, tally)
    marked = [one for one in chunk.rendered if one.composed.digest_id in addresses]
    outcomes, problem = _hand_over(marked, addresses, passed, connection, until)
    hand_overs = [
        _hand_over_of(one, outcome) for one, outcome in zip(marked, outcomes, strict=True)
    ]
    _record(chunk.token, hand_overs)
    tally.states.update(hand_over.state for hand_over in hand_overs)
    _note_providers(gate, marked, outcomes)
    if problem:
        hold(gate.mail_service, problem.detail, _length_of(problem))
    if passed.too_many:
        # The hold comes first, so that only another mail service can claim what is given back.
        hold(gate.mail_service, QUOTA_USED_UP, passed.quota_wait)
        leases.release(chunk.token, passed.too_many)
    return problem is None and not passed.too_many


def _mark(chunk: Chunk, passed: Passed, gate: Gate, tally: Tally) -> dict[int, str]:
    """Mark those who passed the gate. Returns the addresses of those that may be handed over."""
    addresses = handover.mark_sending(
        chunk.token,
        [one.composed for one in chunk.rendered if one.composed.digest_id in passed.ids],
        lease=settings.DELIVERY_LEASE,
        late=settings.DELIVERY_LATE,
        mail_service=gate.mail_service,
    )
    _set_aside(chunk.token, passed.ids - set(addresses), tally)
    gate.give_back(passed, len(passed.ids) - len(addresses))
    return addresses


def _record(token: UUID, hand_overs: Sequence[HandOver]) -> None:
    """Store what became of a chunk, even if the database is being restarted just now: what surely
    went out should not fall into doubt because of that."""
    patience = time.monotonic() + PATIENCE.total_seconds()
    while True:
        try:
            handover.record(token, hand_overs)
        except (OperationalError, InterfaceError):
            database.close()
            if time.monotonic() >= patience:
                raise
            time.sleep(0.5)
        else:
            return


def _send_back(token: UUID, waits: Mapping[int, timedelta]) -> None:
    """Give back those whose turn has not come; one statement for each length of wait."""
    for wait in set(waits.values()):
        leases.release(token, [pk for pk, own in waits.items() if own == wait], wait=wait)


def _note_providers(gate: Gate, marked: Sequence[Rendered], outcomes: Sequence[Outcome]) -> None:
    """Back off from providers that asked us to slow down, and note which ones took mail."""
    pairs = list(zip(marked, outcomes, strict=True))
    throttling = {
        one.claimed.recipient.provider
        for one, outcome in pairs
        if outcome.verdict is Verdict.RETRY and is_throttling(outcome.detail)
    }
    for provider in throttling:
        gate.providers.note_deferral(provider)
    took = {one.claimed.recipient.provider for one, outcome in pairs if _is_sent(outcome)}
    for provider in took - throttling:
        gate.providers.note_success(provider)


def _is_sent(outcome: Outcome) -> bool:
    return outcome.verdict is Verdict.SENT


def _set_aside(token: UUID, passed_over: Collection[int], tally: Tally) -> None:
    """Store why some of a chunk were not marked, and give back those that may go later."""
    if ids := list(passed_over):
        reasons = leases.skip_unwanted(token, ids, late=settings.DELIVERY_LATE)
        tally.add_skips(Counter(reasons))
        leases.release(token, ids)


def _hand_over(
    marked: Sequence[Rendered],
    addresses: dict[int, str],
    passed: Passed,
    connection: Connection,
    until: float,
) -> tuple[list[Outcome], Outcome | None]:
    """Give each message to the mail service. After a problem of the service's, the rest waits.

    Nothing is handed over after `until` (monotonic), when the lease has ended: this process may
    have been frozen, and another may have found out meanwhile that the service has no such mail.
    """
    outcomes = []
    problem: Outcome | None = None
    recipients = [addresses[rendered.composed.digest_id] for rendered in marked]
    # A recipient who may have to wait for their turn is not announced to the server in advance.
    following = [""] * len(marked) if passed.is_paced else [*recipients[1:], ""][: len(marked)]
    for rendered, recipient, next_one in zip(marked, recipients, following, strict=True):
        problem = problem or _overdue(until) or connection.open()
        if problem:
            outcome = Outcome(Verdict.RETRY, problem.detail, wait=UNREACHABLE)
        else:
            passed.wait_for_turn(rendered.claimed.recipient.provider)
            rendered.message.to = [recipient]
            outcome = connection.hand_over(rendered.message, following=next_one)
            if outcome.verdict is Verdict.STOP or outcome.wait:
                problem = outcome
        if outcome.is_bad_address:
            suppression.suppress(hashed(recipient), Suppression.Reason.BOUNCED, timezone.now())
        outcomes.append(outcome)
    return outcomes, problem


def _overdue(until: float) -> Outcome | None:
    if time.monotonic() < until:
        return None
    return Outcome(Verdict.RETRY, "The lease had ended before the hand-over.", wait=UNREACHABLE)


_STATES = {
    Verdict.SENT: State.SENT,
    Verdict.FAILED: State.FAILED,
    Verdict.UNCERTAIN: State.UNCERTAIN,
    Verdict.RETRY: State.READY,
}


def _hand_over_of(rendered: Rendered, outcome: Outcome) -> HandOver:
    hand_over = partial(
        HandOver,
        rendered.composed.digest_id,
        message_id=outcome.message_id,
        error=outcome.detail,
    )
    if outcome.wait or outcome.verdict is Verdict.STOP:
        # The mail service said "not now" to everybody, so this digest loses no attempt.
        return hand_over(State.READY, wait=outcome.wait or timedelta(0), is_spent=False)
    attempts = rendered.claimed.attempts + 1
    if outcome.verdict is Verdict.RETRY and attempts >= settings.DELIVERY_ATTEMPTS:
        return hand_over(State.FAILED)
    return hand_over(_STATES[outcome.verdict], wait=_back_off(attempts))


def _back_off(attempts: int) -> timedelta:
    """Twice as long each time, with jitter so that a thousand retries do not come at once."""
    doublings = 2.0 ** (attempts - 1)
    return min(FIRST_WAIT * doublings, LONGEST_WAIT) * random.uniform(0.75, 1.25)


def _length_of(problem: Outcome) -> timedelta | None:
    """How long a problem holds the mail service; None means until an operator has acted."""
    return None if problem.verdict is Verdict.STOP else problem.wait or UNREACHABLE
