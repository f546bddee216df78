"""One worker's run: claim, compose and render here; mark, hand over and record in senders.

A sender is a thread with a connection of its own to a mail service and to the database. The
queue between is short, so a slow mail service slows the claiming, and memory stays as it is.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from queue import Queue
from threading import Event

from django.conf import settings
from django.utils import timezone

from digest.choosing import trial
from digest.choosing.composing import Composed, compose
from digest.mail.message import DigestMessage
from digest.mail.shared import shared_parts
from digest.models import Digest
from subscribers import links
from subscribers.models import Subscriber

from . import leases, plan, routing
from .limits import breaker
from .limits.gate import Gate
from .sender import Chunk, Rendered, Sender, Tally, hold

logger = logging.getLogger(__name__)

State = Digest.State
# For so long the readers of a killed worker wait for another; marking renews a chunk's lease.
LONGEST_CLAIM = timedelta(minutes=5)


class Lane:
    """One mail service's senders, and the short queue before them."""

    def __init__(self, mail_service: str) -> None:
        self.gate = Gate(mail_service)
        self._halted = Event()
        self._chunks: Queue[Chunk | None] = Queue(maxsize=settings.MAIL_CONNECTIONS)
        self._senders = [
            Sender(self._chunks, self.gate, self._halted) for _ in range(settings.MAIL_CONNECTIONS)
        ]
        for sender in self._senders:
            sender.start()

    @property
    def is_halted(self) -> bool:
        """Whether the service is of no use for the rest of this run."""
        return self._halted.is_set()

    def put(self, chunk: Chunk) -> None:
        """Give a chunk to a sender; waits while all have enough to do."""
        self._chunks.put(chunk)

    def close(self) -> None:
        """Say that nothing more comes."""
        for _ in self._senders:
            self._chunks.put(None)

    def finish(self) -> Tally:
        """Wait for the senders, and answer what they did. Raises what ended one of them."""
        tally = Tally()
        for sender in self._senders:
            sender.join()
        for sender in self._senders:
            tally.add(sender.finish())
        return tally


def deliver(*, seconds: float) -> Tally:
    """Hand over digests that are ready, for about `seconds`; ends early when none is.

    Any number may run at once, on any host. Killed at any moment it leaves at most one chunk
    (``DELIVERY_CHUNK``) for each of its connections (``MAIL_CONNECTIONS``, to each of the mail
    services) in doubt; everything else that it held is taken up by others when its lease ends.
    Call it outside a transaction.
    """
    deadline = time.monotonic() + seconds

    def is_over() -> bool:
        return time.monotonic() >= deadline

    tally = Tally()
    useless: set[str] = set()
    # What a service gave back that became useless is for the others.
    while halted := _run(tally, useless, is_over):
        useless |= halted
    return tally


def _run(tally: Tally, useless: Collection[str], is_over: Callable[[], bool]) -> set[str]:
    """Work until nothing is left to claim. Answers the services that became useless meanwhile."""
    lanes: dict[str, Lane] = {}
    try:
        while not is_over() and _work_a_batch(lanes, tally, useless, is_over):
            pass
    finally:
        for lane in lanes.values():
            lane.close()
    for done in [lane.finish() for lane in lanes.values()]:
        tally.add(done)
    return {name for name, lane in lanes.items() if lane.is_halted}


def _work_a_batch(
    lanes: dict[str, Lane], tally: Tally, useless: Collection[str], is_over: Callable[[], bool]
) -> bool:
    """Claim a batch for a mail service and put it before its senders. False: there is nothing
    to claim, or no service to take it."""
    halted = [name for name, lane in lanes.items() if lane.is_halted]
    mail_service = routing.choose(without={*useless, *halted})
    if mail_service is None:
        return False
    if break_circuit(mail_service):
        return True
    if mail_service not in lanes:
        lanes[mail_service] = Lane(mail_service)
    lane = lanes[mail_service]
    lease = _claim(mail_service, lane.gate.batch_size)
    if lease is None:
        return False
    rendered = _render(lease, _compose(lease, tally), tally)
    size = lane.gate.chunk_size
    for start in range(0, len(rendered), size):
        if is_over() or lane.is_halted:
            leases.release(lease.token, [one.composed.digest_id for one in rendered[start:]])
            break
        lane.put(Chunk(lease.token, rendered[start : start + size]))
    return True


def _claim(mail_service: str, limit: int) -> leases.Lease | None:
    """Digests that are ready again come first, for they have waited longer; then the readers
    whose time has come. None: there are neither."""
    lease = min(settings.DELIVERY_LEASE, LONGEST_CLAIM)
    for claim in (leases.claim, plan.claim_due):
        claimed = claim(limit, lease=lease, mail_service=mail_service)
        if claimed.claimed:
            return claimed
    return None


def break_circuit(mail_service: str) -> bool:
    """Hold the mail service if too much of its mail goes wrong; whether it was held now."""
    if not breaker.is_time_to_look(mail_service):
        return False
    reason = breaker.tripped(
        mail_service,
        refused=settings.BREAKER_REFUSED,
        complained=settings.BREAKER_COMPLAINED,
        least=settings.BREAKER_LEAST,
    )
    if reason:
        hold(mail_service, reason, None)
    return bool(reason)


def _compose(lease: leases.Lease, tally: Tally) -> list[Composed]:
    """The selections worth sending; the others are stored as skipped, with their reason."""
    readers = [c.request for c in lease.claimed if c.request.subscriber_id is not None]
    composed = (
        compose(
            readers,
            vote_weight=settings.RANKING_VOTE_WEIGHT,
            least=settings.DIGEST_LEAST_PAPERS,
            challenger=trial.challenger_of(settings.RANKING_TRIAL),
        )
        if readers
        else []
    )
    skips = {c.digest_id: c.skip_reason for c in composed if c.skip_reason}
    erased = [c.request.digest_id for c in lease.claimed if c.request.subscriber_id is None]
    skips |= dict.fromkeys(erased, Digest.SkipReason.ERASED)
    if skips:
        leases.skip(lease.token, skips)
        tally.add_skips(Counter(skips.values()))
    return [c for c in composed if not c.skip_reason]


def _render(lease: leases.Lease, composed: Sequence[Composed], tally: Tally) -> list[Rendered]:
    """The messages. One that cannot be rendered fails alone; the others go on."""
    by_id = {claimed.request.digest_id: claimed for claimed in lease.claimed}
    now = timezone.now()
    _ensure_links(lease, now)
    rendered, errors = [], {}
    for selection in composed:
        claimed = by_id[selection.digest_id]
        try:
            message = DigestMessage(
                shared_parts(selection.window, claimed.request.language),
                uuid=claimed.uuid,
                subscriber_id=claimed.request.subscriber_id,
                paper_ids=selection.paper_ids,
                reason_codes=selection.reasons,
                now=now,
                is_weekly=claimed.request.is_weekly,
                is_first=selection.is_first,
            )
        except Exception as error:
            logger.exception("Digest %s could not be rendered.", selection.digest_id)
            errors[selection.digest_id] = f"Rendering failed: {type(error).__name__}"
        else:
            rendered.append(Rendered(claimed, selection, message))
    if errors:
        tally.states[State.FAILED] += leases.fail(lease.token, errors)
    return rendered


def _ensure_links(lease: leases.Lease, now: datetime) -> None:
    """Store the links in these mails for the readers who have not had a digest this month."""
    current = links.epoch(now)
    behind = [c.request.subscriber_id for c in lease.claimed if c.links_epoch != current]
    if behind:
        links.ensure(list(Subscriber.objects.filter(pk__in=behind)), now)
