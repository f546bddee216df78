"""A sender: one thread, one connection to the mail service, one chunk after another."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from itertools import zip_longest
from queue import Queue
from threading import Event, Thread
from uuid import UUID

from django.conf import settings
from django.db import connection as database

from digest.mail.message import DigestMessage
from digest.models import Digest

from . import handover, leases
from .chunks import Chunk, Rendered, Tally
from .connection import UNREACHABLE, Connection
from .doubt.journal import Journal
from .handover import HandOver
from .limits import refusals
from .limits.breaker import doubt_in
from .limits.deadline import FRESH_SECONDS, deadline, patiently, stale_after
from .limits.gate import Gate, Passed
from .limits.holds import hold, hold_if_doubtful, hold_or_suppress
from .limits.lines import are_others_sending
from .limits.providers import is_throttling
from .outcomes import Outcome, Verdict

State = Digest.State
# The longest that a sender without a connection waits, in seconds, before it tries again.
LONGEST_REST = 4.0
# A chunk ends after this long, well below every limit above it; the rest is given back.
CHUNK_SECONDS = 30.0


class Sender(Thread):
    """Takes chunks from a queue until it finds None there.

    Once the run is halted, by this sender or another, it gives back what it takes.
    """

    def __init__(
        self, chunks: "Queue[Chunk | None]", gate: Gate, halted: Event, journal: Journal
    ) -> None:
        super().__init__(name="sender", daemon=True)
        self._journal = journal
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
            with Connection(self._gate.mail_service, self._gate.lines) as connection:
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
        elif not _deliver_chunk(chunk, self._gate, connection, self._tally, self._journal):
            self._halted.set()
        elif connection.failures:
            self._halted.wait(min(2.0 ** (connection.failures - 1), LONGEST_REST))


def _deliver_chunk(
    chunk: Chunk, gate: Gate, connection: Connection, tally: Tally, journal: Journal
) -> bool:
    """Mark, hand over and record one chunk. Returns False if the run must stop."""
    if problem := connection.open():
        is_held = _hold(problem, chunk.token, gate, connection)
        leases.release(chunk.token, chunk.ids)
        return not is_held
    providers = {one.composed.digest_id: one.claimed.recipient.provider for one in chunk.rendered}
    passed = gate.admit(providers)
    _send_back(chunk.token, passed.waits)
    journal.marking(chunk.token, passed.ids)
    marked = Marked(chunk, passed, gate, tally)
    outcomes, problem = _hand_over(marked, passed, connection, journal)
    gate.give_back(passed, len(marked.rendered) - len(outcomes))
    hand_overs = _hand_overs(marked.rendered, outcomes, problem)
    patiently(lambda: handover.record(chunk.token, hand_overs))
    journal.recorded(chunk.token, passed.ids)
    tally.states.update(hand_over.state for hand_over in hand_overs)
    _note_providers(gate, marked.rendered, outcomes)
    is_held = problem is not None and _hold(problem, chunk.token, gate, connection)
    if any(hand_over.state == State.UNCERTAIN for hand_over in hand_overs):
        is_held = hold_if_doubtful(gate.mail_service) or is_held
    is_held = _judge_refusals(gate.mail_service, marked.rendered, outcomes) or is_held
    if passed.too_many:
        # The hold comes first, so that only another mail service can claim what is given back.
        is_held = gate.hold_if_used_up() or is_held
        leases.release(chunk.token, passed.too_many)
    return not is_held


def _hold(problem: Outcome, token: UUID, gate: Gate, connection: Connection) -> bool:
    """Hold the mail service, unless only this connection could not be opened. Returns whether it
    did."""
    is_ours = bool(connection.failures) and problem.verdict is Verdict.RETRY
    if is_ours and (gate.lines.is_any_open() or are_others_sending(token, gate.mail_service)):
        return False
    hold(gate.mail_service, problem.detail, _length_of(problem))
    return True


# --- the mark ------------------------------------------------------------------------------
class Marked:
    """The digests of a chunk that are marked as being sent, and who may still get theirs.

    Consent is as old as the mark. So is the lease, which may have ended while this process or the
    whole machine stood still, and then another may have sent the digest. Hence a mark that is no
    longer fresh, by any of the clocks, is looked at again.
    """

    def __init__(self, chunk: Chunk, passed: Passed, gate: Gate, tally: Tally) -> None:
        """Mark those who passed the gate, and set the others aside."""
        self.token, self._mail_service = chunk.token, gate.mail_service
        self._is_stale = stale_after(FRESH_SECONDS)
        self._addresses = handover.mark_sending(
            chunk.token,
            [one.composed for one in chunk.rendered if one.composed.digest_id in passed.ids],
            lease=settings.DELIVERY_LEASE,
            late=settings.DELIVERY_LATE,
            mail_service=gate.mail_service,
        )
        _set_aside(chunk.token, passed.ids - set(self._addresses), tally)
        gate.give_back(passed, len(passed.ids) - len(self._addresses))
        self.rendered = [one for one in chunk.rendered if one.composed.digest_id in self._addresses]

    def address(self, place: int) -> str | None:
        """Where to hand over the digest at this place now, or None if it must not go any more."""
        if self._is_stale():
            self._look_again(place)
        return self._addresses.get(self.rendered[place].composed.digest_id)

    def following(self, place: int) -> DigestMessage | None:
        """The message after the one at this place, or None if it is not sure that it will go."""
        if place + 1 == len(self.rendered):
            return None
        rendered = self.rendered[place + 1]
        address = self._addresses.get(rendered.composed.digest_id)
        rendered.message.to = [address] if address else []
        return rendered.message if address else None

    def _look_again(self, place: int) -> None:
        self._is_stale = stale_after(FRESH_SECONDS)
        self._addresses = handover.look_again(
            self.token,
            [one.composed.digest_id for one in self.rendered[place:]],
            lease=settings.DELIVERY_LEASE,
            late=settings.DELIVERY_LATE,
            mail_service=self._mail_service,
        )


# --- the hand-over -------------------------------------------------------------------------
def _hand_over(
    marked: Marked, passed: Passed, connection: Connection, journal: Journal
) -> tuple[list[Outcome | None], Outcome | None]:
    """Give each message to the mail service, until there is a problem or the chunk's time is over.

    Returns an outcome for each of the first digests, None for one that must not go any more, and
    the problem. The rest has not been begun.
    """
    is_over = deadline(CHUNK_SECONDS)
    outcomes: list[Outcome | None] = []
    for place, rendered in enumerate(marked.rendered):
        if is_over():
            return outcomes, None
        if problem := connection.open():
            return outcomes, problem
        passed.wait_for_turn(rendered.claimed.recipient.provider)
        address = marked.address(place)
        if address is None:
            outcomes.append(None)
            continue
        # A recipient who may have to wait for their turn is not announced to the server in advance.
        following = None if passed.is_paced else marked.following(place)
        journal.begun(marked.token, rendered.composed.digest_id)
        outcome = _hand_over_one(rendered, address, following, connection)
        outcomes.append(outcome)
        journal.ended(marked.token, _hand_over_of(rendered, outcome))
        if outcome.verdict is Verdict.STOP or outcome.wait:
            return outcomes, outcome
        if outcome.verdict is Verdict.UNCERTAIN and (problem := doubt_in(outcomes)):
            return outcomes, problem
        if outcome.verdict is Verdict.FAILED and refusals.are_alike(
            outcomes, least=settings.BREAKER_SAME_REFUSAL
        ):
            return outcomes, None
    return outcomes, None


def _hand_over_one(
    rendered: Rendered, address: str, following: DigestMessage | None, connection: Connection
) -> Outcome:
    rendered.message.to = [address]
    return connection.hand_over(rendered.message, following=following)


def _hand_over_of(rendered: Rendered, outcome: Outcome) -> HandOver:
    return handover.of_outcome(rendered.composed.digest_id, rendered.claimed.attempts + 1, outcome)


def _hand_overs(
    rendered: Sequence[Rendered], outcomes: Sequence[Outcome | None], problem: Outcome | None
) -> list[HandOver]:
    """What to record: each outcome, and all others of the chunk as not begun.

    Among these are those whose lease had ended when they were looked at again. Unless somebody else
    has settled them since, nobody but us can know that they need not be in doubt.
    """
    wait = UNREACHABLE if problem else timedelta(0)
    detail = problem.detail if problem else ""
    return [
        _hand_over_of(one, outcome)
        if outcome is not None
        else HandOver(one.composed.digest_id, State.READY, error=detail, wait=wait, is_spent=False)
        for one, outcome in zip_longest(rendered, outcomes)
    ]


def _send_back(token: UUID, waits: Mapping[int, timedelta]) -> None:
    """Give back those whose turn has not come; one statement for each length of wait."""
    for wait in set(waits.values()):
        leases.release(token, [pk for pk, own in waits.items() if own == wait], wait=wait)


def _set_aside(token: UUID, passed_over: Collection[int], tally: Tally) -> None:
    """Store why some of a chunk were not marked, and give back those that may go later."""
    if ids := list(passed_over):
        reasons = leases.skip_unwanted(token, ids, late=settings.DELIVERY_LATE)
        tally.add_skips(Counter(reasons))
        leases.release(token, ids)


def _judge_refusals(
    mail_service: str, rendered: Sequence[Rendered], outcomes: Sequence[Outcome | None]
) -> bool:
    """Whether the refusals among the outcomes hold the mail service."""
    refused = [
        (one.composed.digest_id, one.message.to[0], outcome)
        for one, outcome in zip(rendered, outcomes, strict=False)
        if outcome is not None and outcome.verdict is Verdict.FAILED
    ]
    return bool(refused) and patiently(lambda: hold_or_suppress(mail_service, refused))


def _note_providers(
    gate: Gate, rendered: Sequence[Rendered], outcomes: Sequence[Outcome | None]
) -> None:
    """Back off from providers that asked us to slow down, and note which ones took mail."""
    throttling, took = set(), set()
    for one, outcome in zip(rendered, outcomes, strict=False):
        provider = one.claimed.recipient.provider
        if outcome is None or outcome.wait:
            continue  # that was about us, not about the provider
        is_busy = not outcome.is_spent or is_throttling(outcome.detail)
        if outcome.verdict is Verdict.RETRY and is_busy:
            throttling.add(provider)
        elif outcome.verdict is Verdict.SENT:
            took.add(provider)
    for provider in throttling:
        gate.providers.note_deferral(provider)
    for provider in took - throttling:
        gate.providers.note_success(provider)


def _length_of(problem: Outcome) -> timedelta | None:
    """How long a problem holds the mail service; None means until an operator has acted."""
    return None if problem.verdict is Verdict.STOP else problem.wait or UNREACHABLE
