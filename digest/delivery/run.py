"""One worker's run: claim, compose and render here; mark, hand over and record in senders.

A sender is a thread with connections of its own to a mail service and to the database. The queue in
front of the senders is short, so a slow mail service slows the claiming and memory stays constant.
"""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from queue import Queue
from threading import Event

from django.conf import settings
from django.utils import timezone

from digest.choosing import trial
from digest.choosing.composing import Composed, compose
from digest.models import Digest, Edition
from subscribers import links
from subscribers.database import database_now
from subscribers.models import Subscriber

from . import leases, plan, routing
from .chunks import Chunk, Rendered, Tally, message_for
from .doubt import journal
from .doubt.journal import Journal
from .leases import Lease
from .limits import memory
from .limits.deadline import IsOver, deadline
from .limits.gate import Gate
from .limits.holds import break_circuit
from .sender import Sender

logger = logging.getLogger(__name__)

State = Digest.State
# How long a dead worker's readers wait before another takes over. Marking renews a chunk's lease.
LONGEST_CLAIM = timedelta(minutes=5)


class SenderPool:
    """One mail service's senders, and the short queue in front of them."""

    def __init__(self, mail_service: str, kept: Journal) -> None:
        self.gate = Gate(mail_service)
        self._halted = Event()
        self._chunks: Queue[Chunk | None] = Queue(maxsize=settings.MAIL_CONNECTIONS)
        self._senders = [
            Sender(self._chunks, self.gate, self._halted, kept)
            for _ in range(settings.MAIL_CONNECTIONS)
        ]
        for sender in self._senders:
            sender.start()

    @property
    def is_halted(self) -> bool:
        """Whether the mail service can take nothing more in this run."""
        return self._halted.is_set()

    def put(self, chunk: Chunk) -> None:
        """Queue a chunk; waits while all senders are busy."""
        self._chunks.put(chunk)

    def halt(self) -> None:
        """Have the senders give back the chunks that they have not begun."""
        self._halted.set()

    def close(self) -> None:
        """Tell the senders that nothing more comes."""
        for _ in self._senders:
            self._chunks.put(None)

    def join(self) -> None:
        """Wait for the senders, who finish the chunks that they have begun."""
        for sender in self._senders:
            sender.join()

    def finish(self) -> Tally:
        """Return what the senders did, or raise what ended one of them. Call it after `join`."""
        tally = Tally()
        for sender in self._senders:
            tally.add(sender.finish())
        return tally


def deliver(*, seconds: float) -> Tally:
    """Hand over digests that are ready, for about `seconds`; returns early when none are left.

    Any number of processes may run this at once, on any host. Killed at any moment, it leaves at
    most one chunk (``DELIVERY_CHUNK``) in doubt for each of its connections (``MAIL_CONNECTIONS``
    to each mail service); others take up everything else that it held once the lease ends. Call it
    outside a transaction.
    """
    memory.hold_if_forgetful()
    journal.recover()
    plan.prepare()
    is_over = deadline(seconds)
    tally = Tally()
    unusable: set[str] = set()
    with journal.opened() as kept:
        # What a service gave back before it was halted can go to the others.
        while halted := _run(tally, unusable, is_over, kept):
            unusable |= halted
    if tally.states.total() > tally.states[State.SKIPPED]:
        memory.note()  # of the last seconds
    return tally


def _run(tally: Tally, unusable: Collection[str], is_over: IsOver, kept: Journal) -> set[str]:
    """Work until nothing is left to claim. Returns the services that were halted meanwhile."""
    pools: dict[str, SenderPool] = {}
    try:
        while not is_over() and _work_a_batch(pools, tally, unusable, is_over, kept):
            pass
    except BaseException:
        for pool in pools.values():
            pool.halt()
        raise
    finally:
        _end(pools)
    for done in [pool.finish() for pool in pools.values()]:
        tally.add(done)
    return {name for name, pool in pools.items() if pool.is_halted}


def _end(pools: Mapping[str, SenderPool]) -> None:
    """Wait for all senders, however the run ends.

    One that outlived it would hand over what others have been given: without the run, its journal
    counts as that of a dead process.
    """
    for pool in pools.values():
        pool.close()
    for pool in pools.values():
        pool.join()


def _work_a_batch(
    pools: dict[str, SenderPool],
    tally: Tally,
    unusable: Collection[str],
    is_over: IsOver,
    kept: Journal,
) -> bool:
    """Claim a batch for one mail service and queue it for its senders.

    Returns False if there is nothing to claim, or no service to take it.
    """
    halted = [name for name, pool in pools.items() if pool.is_halted]
    mail_service = routing.choose(without={*unusable, *halted})
    if mail_service is None:
        return False
    if break_circuit(mail_service):
        return True
    if mail_service not in pools:
        pools[mail_service] = SenderPool(mail_service, kept)
    pool = pools[mail_service]
    lease = _claim(mail_service, pool.gate.batch_size)
    if lease is None:
        return False
    kept.leased(lease.token)
    rendered = _render(lease, _compose(lease, tally), tally)
    size = pool.gate.chunk_size
    for start in range(0, len(rendered), size):
        if is_over() or pool.is_halted:
            leases.release(lease.token, [one.composed.digest_id for one in rendered[start:]])
            break
        pool.put(Chunk(lease.token, rendered[start : start + size]))
    return True


def _claim(mail_service: str, limit: int) -> Lease | None:
    """Claim digests that are ready again, which have waited longer, or else readers who are due.

    Returns None if there are neither.
    """
    lease = min(settings.DELIVERY_LEASE, LONGEST_CLAIM)
    for claim in (leases.claim, plan.claim_due):
        claimed = claim(limit, lease=lease, mail_service=mail_service)
        if claimed.claimed:
            return claimed
    return None


def _compose(lease: Lease, tally: Tally) -> list[Composed]:
    """The selections worth sending, from the newest edition. The others are stored as skipped."""
    edition = plan.newest_edition(database_now())
    is_running = edition is not None and edition.stopped_at is None
    readers = [claimed for claimed in lease.claimed if claimed.recipient.subscriber_id is not None]
    composed = compose(
        [one.recipient.request(one.digest_id, edition.pk) for one in readers]
        if edition and is_running
        else [],
        vote_weight=settings.RANKING_VOTE_WEIGHT,
        least=settings.DIGEST_LEAST_PAPERS,
        challenger=trial.challenger_of(settings.RANKING_TRIAL),
    )
    skips = _skips(lease, {one.digest_id: one.skip_reason for one in composed}, edition)
    if skips:
        leases.skip(lease.token, skips, edition.pk if edition else None)
        tally.add_skips(Counter(skips.values()))
    return [one for one in composed if not one.skip_reason]


def _skips(
    lease: Lease, skip_reasons: Mapping[int, str], edition: Edition | None
) -> dict[int, str]:
    """Why these digests are not sent, by id, given what composing said of those it was given.

    That nothing is new to a reader has another reason if their edition never closed.
    """
    skips = {}
    is_stopped = edition is not None and edition.stopped_at is not None
    otherwise = Digest.SkipReason.STOPPED if is_stopped else Digest.SkipReason.NO_EDITION
    for claimed in lease.claimed:
        reason = skip_reasons.get(claimed.digest_id, otherwise)
        if claimed.recipient.subscriber_id is None:
            reason = Digest.SkipReason.ERASED
        elif reason == Digest.SkipReason.NOTHING_NEW and plan.is_awaiting(claimed.due_at, edition):
            reason = Digest.SkipReason.NO_EDITION
        if reason:
            skips[claimed.digest_id] = reason
    return _said_of_holds(skips)


def _said_of_holds(skips: dict[int, str]) -> dict[int, str]:
    """The same reasons, except that an edition which has not closed may be one that is held."""
    missing, held = Digest.SkipReason.NO_EDITION, Digest.SkipReason.HELD
    if missing not in skips.values() or not Edition.objects.held().exists():
        return skips
    return {pk: held if reason == missing else reason for pk, reason in skips.items()}


def _render(lease: Lease, composed: Sequence[Composed], tally: Tally) -> list[Rendered]:
    """The messages. One that cannot be rendered fails alone; the others go on."""
    by_id = {claimed.digest_id: claimed for claimed in lease.claimed}
    now = timezone.now()
    _ensure_links(lease, now)
    rendered, errors = [], {}
    for selection in composed:
        claimed = by_id[selection.digest_id]
        try:
            message = message_for(claimed.recipient, selection, uuid=claimed.uuid, now=now)
        except Exception as error:
            logger.exception("Digest %s could not be rendered.", selection.digest_id)
            errors[selection.digest_id] = f"Rendering failed: {type(error).__name__}"
        else:
            rendered.append(Rendered(claimed, selection, message))
    if errors:
        tally.states[State.FAILED] += leases.fail(lease.token, errors)
    return rendered


def _ensure_links(lease: Lease, now: datetime) -> None:
    """Store the links in these mails for the readers who have not had a digest this month."""
    current = links.epoch(now)
    recipients = [claimed.recipient for claimed in lease.claimed]
    behind = [one.subscriber_id or 0 for one in recipients if one.links_epoch != current]
    if behind:
        links.ensure(list(Subscriber.objects.filter(pk__in=behind)), now)
