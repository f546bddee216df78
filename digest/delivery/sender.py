"""A sender: one thread, one connection to the mail service, one chunk after another."""

import logging
import random
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from queue import Queue
from threading import Event, Thread
from uuid import UUID

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from digest.choosing.composing import Composed
from digest.mail.message import DigestMessage
from digest.models import Digest, Hold
from subscribers.addresses import hashed
from subscribers.leaving import suppression
from subscribers.models import Suppression

from . import leases
from .connection import MailService
from .limits.gate import Gate, Passed
from .limits.providers import is_throttling
from .outcomes import Outcome, Verdict

logger = logging.getLogger(__name__)

State = Digest.State
# After a mail service could not be reached, nobody knocks again for this long.
UNREACHABLE = timedelta(seconds=30)
QUOTA_USED_UP = "The day's quota is used up."
# How long a worker waits for the database to come back: less than it has for its own end.
PATIENCE = timedelta(seconds=15)
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=1)


@dataclass
class Tally:
    """What a run did: digests by the state it left them in, and skips by reason."""

    states: Counter[str] = field(default_factory=Counter)
    skip_reasons: Counter[str] = field(default_factory=Counter)

    def add_skips(self, reasons: Counter[str]) -> None:
        self.skip_reasons.update(reasons)
        self.states[State.SKIPPED] += reasons.total()

    def add(self, other: "Tally") -> None:
        self.states.update(other.states)
        self.skip_reasons.update(other.skip_reasons)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A digest that is ready to be handed over, but for its recipient."""

    claimed: leases.Claimed
    composed: Composed
    message: DigestMessage


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rendered digests that are marked, handed over and recorded together."""

    token: UUID
    rendered: Sequence[Rendered]

    @property
    def ids(self) -> list[int]:
        return [one.composed.digest_id for one in self.rendered]


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
        """What this sender did. Raises what ended it, if something did. Call it after join."""
        if self._error is not None:
            raise self._error
        return self._tally

    def run(self) -> None:
        try:
            with MailService(self._gate.mail_service) as service:
                while (chunk := self._chunks.get()) is not None:
                    self._take(chunk, service)
        except BaseException as error:
            self._error = error
            self._halted.set()
            while self._chunks.get() is not None:
                pass  # whoever fills the queue must not wait for us; the leases will run out
        finally:
            connection.close()

    def _take(self, chunk: Chunk, service: MailService) -> None:
        if self._halted.is_set():
            leases.release(chunk.token, chunk.ids)
        elif not _hand_over_chunk(chunk, self._gate, service, self._tally):
            self._halted.set()


def _hand_over_chunk(chunk: Chunk, gate: Gate, service: MailService, tally: Tally) -> bool:
    """Mark, hand over and record one chunk. False: the run must stop."""
    if problem := service.connect():
        hold(service.name, problem.detail, _length_of(problem))
        leases.release(chunk.token, chunk.ids)
        return False
    providers = {one.composed.digest_id: one.claimed.provider for one in chunk.rendered}
    passed = gate.admit(providers)
    _send_back(chunk.token, passed.waits)
    until = time.monotonic() + settings.DELIVERY_LEASE.total_seconds()
    addresses = leases.mark_sending(
        chunk.token,
        [one.composed for one in chunk.rendered if one.composed.digest_id in passed.ids],
        lease=settings.DELIVERY_LEASE,
        late=settings.DELIVERY_LATE,
        mail_service=service.name,
    )
    _set_aside(chunk.token, passed.ids - set(addresses), tally)
    gate.give_back(passed, len(passed.ids) - len(addresses))
    marked = [one for one in chunk.rendered if one.composed.digest_id in addresses]
    outcomes, problem = _hand_over(marked, addresses, passed, service, until)
    results = [_result(one, outcome) for one, outcome in zip(marked, outcomes, strict=True)]
    _record(chunk.token, results)
    tally.states.update(result.state for result in results)
    _note_providers(gate, marked, outcomes)
    if problem:
        hold(service.name, problem.detail, _length_of(problem))
    if passed.too_many:
        # The hold first: what is given back is free for another mail service, not for this one.
        hold(service.name, QUOTA_USED_UP, passed.quota_wait)
        leases.release(chunk.token, passed.too_many)
    return problem is None and not passed.too_many


def _record(token: UUID, results: Sequence[leases.Result]) -> None:
    """Store what became of a chunk, also when the database is being restarted just now: what
    surely went out should not fall into doubt for that."""
    patience = time.monotonic() + PATIENCE.total_seconds()
    while True:
        try:
            leases.record(token, results)
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() >= patience:
                raise
            time.sleep(0.5)
        else:
            return


def _send_back(token: UUID, waits: Mapping[int, timedelta]) -> None:
    """Give back those whose turn has not come, each group of the same wait at once."""
    for wait in set(waits.values()):
        leases.release(token, [pk for pk, own in waits.items() if own == wait], wait=wait)


def _note_providers(gate: Gate, marked: Sequence[Rendered], outcomes: Sequence[Outcome]) -> None:
    """Let a provider that asked us to slow down rest, and the others know that they took mail."""
    pairs = list(zip(marked, outcomes, strict=True))
    throttling = {
        one.claimed.provider
        for one, outcome in pairs
        if outcome.verdict is Verdict.RETRY and is_throttling(outcome.detail)
    }
    for provider in throttling:
        gate.providers.note_deferral(provider)
    took = {one.claimed.provider for one, outcome in pairs if outcome.verdict is Verdict.SENT}
    for provider in took - throttling:
        gate.providers.note_success(provider)


def _set_aside(token: UUID, passed_by: Collection[int], tally: Tally) -> None:
    """Store why some of a chunk were not marked; give back those that may go later."""
    if passed_by:
        ids = list(passed_by)
        reasons = leases.skip_unwanted(token, ids, late=settings.DELIVERY_LATE)
        tally.add_skips(Counter(reasons))
        leases.release(token, ids)


def _hand_over(
    marked: Sequence[Rendered],
    addresses: dict[int, str],
    passed: Passed,
    service: MailService,
    until: float,
) -> tuple[list[Outcome], Outcome | None]:
    """Give each message to the mail service. After a problem of the service's the rest waits.

    Nothing is handed over after `until` (monotonic), when the lease has ended: this process may
    have been frozen, and somebody else may have found out that the service has no such mail.
    """
    outcomes = []
    problem: Outcome | None = None
    recipients = [addresses[rendered.composed.digest_id] for rendered in marked]
    # Whoever has to wait for their turn is not announced before.
    following = [""] * len(marked) if passed.is_paced else [*recipients[1:], ""][: len(marked)]
    for rendered, recipient, next_one in zip(marked, recipients, following, strict=True):
        problem = problem or _overdue(until) or service.connect()
        if problem:
            outcome = Outcome(Verdict.RETRY, problem.detail, wait=UNREACHABLE)
        else:
            passed.wait_for_turn(rendered.claimed.provider)
            rendered.message.to = [recipient]
            outcome = service.hand_over(rendered.message, following=next_one)
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


def _result(rendered: Rendered, outcome: Outcome) -> leases.Result:
    result = partial(
        leases.Result,
        rendered.composed.digest_id,
        message_id=outcome.message_id,
        error=outcome.detail,
    )
    if outcome.wait or outcome.verdict is Verdict.STOP:
        # The mail service said "not now" to everybody: no attempt of this digest's is spent.
        return result(State.READY, wait=outcome.wait or timedelta(0), is_spent=False)
    tries = rendered.claimed.attempts + 1
    if outcome.verdict is Verdict.RETRY and tries >= settings.DELIVERY_ATTEMPTS:
        return result(State.FAILED)
    return result(_STATES[outcome.verdict], wait=_back_off(tries))


def _back_off(tries: int) -> timedelta:
    """Twice as long each time, with jitter so that a thousand retries do not come at once."""
    doublings = 2.0 ** (tries - 1)
    return min(FIRST_WAIT * doublings, LONGEST_WAIT) * random.uniform(0.75, 1.25)


def _length_of(problem: Outcome) -> timedelta | None:
    """How long a problem holds the mail service up; None: until an operator has acted."""
    return None if problem.verdict is Verdict.STOP else problem.wait or UNREACHABLE


def hold(mail_service: str, reason: str, length: timedelta | None) -> None:
    """Hold the mail service, for `length` or until it is released. Says so in the log."""
    logger.error("Mail service %s is held: %s", mail_service, reason)
    Hold.objects.create(
        mail_service=mail_service,
        reason=reason,
        # By the database's clock, which is the one that ends it.
        until=None if length is None else Now() + length,
    )
