"""One worker's run: claim, compose and render here; mark, hand over and record in senders.

A sender is a thread with a connection of its own to the mail service and to the database. The
queue between is short, so a slow mail service slows the claiming, and memory stays as it is.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from queue import Queue
from threading import Event

from django.conf import settings
from django.utils import timezone

from digest.composing import Composed, compose
from digest.models import Digest
from digest.press import press_for
from digest.rendering import DigestMessage
from subscribers import links
from subscribers.models import Subscriber

from . import breaker, leases
from .gate import Gate
from .sender import Chunk, Rendered, Sender, Tally, hold
from .service import service_name

logger = logging.getLogger(__name__)

State = Digest.State
# For so long the readers of a killed worker wait for another; marking renews a chunk's lease.
LONGEST_CLAIM = timedelta(minutes=5)


def deliver(*, seconds: float) -> Tally:
    """Hand over digests that are ready, for about `seconds`; ends early when none is.

    Any number may run at once, on any host. Killed at any moment it leaves at most one chunk
    (``DELIVERY_CHUNK``) for each of its connections (``MAIL_CONNECTIONS``) in doubt; everything
    else that it held is taken up by others when its lease ends. Call it outside a transaction.
    """
    halted = Event()
    deadline = time.monotonic() + seconds
    chunks: Queue[Chunk | None] = Queue(maxsize=settings.MAIL_CONNECTIONS)
    mail_service = service_name()
    gate = Gate(mail_service)
    senders = [Sender(chunks, gate, halted) for _ in range(settings.MAIL_CONNECTIONS)]
    tally = Tally()

    def is_over() -> bool:
        return halted.is_set() or time.monotonic() >= deadline

    for sender in senders:
        sender.start()
    try:
        for chunk in _chunks(tally, mail_service, gate.chunk_size, is_over):
            chunks.put(chunk)
    finally:
        for _ in senders:
            chunks.put(None)
        for sender in senders:
            sender.join()
    for sender in senders:
        tally.add(sender.finish())
    return tally


def _chunks(
    tally: Tally, mail_service: str, size: int, is_over: Callable[[], bool]
) -> Iterator[Chunk]:
    """Claimed digests, rendered, in chunks, until nothing is ready or the run is over."""
    while not is_over() and not break_circuit(mail_service):
        lease = leases.claim(
            settings.DELIVERY_BATCH,
            lease=min(settings.DELIVERY_LEASE, LONGEST_CLAIM),
            mail_service=mail_service,
        )
        if not lease.claimed:
            return
        rendered = _render(lease, _compose(lease, tally), tally)
        for start in range(0, len(rendered), size):
            if is_over():
                ids = [one.composed.digest_id for one in rendered[start:]]
                leases.release(lease.token, ids)
                return
            yield Chunk(lease.token, rendered[start : start + size])


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
    subscriber_ids = [by_id[c.digest_id].request.subscriber_id for c in composed]
    now = timezone.now()
    behind = Subscriber.objects.filter(pk__in=subscriber_ids).exclude(links_epoch=links.epoch(now))
    links.ensure(list(behind), now)
    rendered, errors = [], {}
    for selection in composed:
        claimed = by_id[selection.digest_id]
        try:
            message = DigestMessage(
                press_for(selection.window),
                uuid=claimed.uuid,
                subscriber_id=claimed.request.subscriber_id,
                paper_ids=selection.paper_ids,
                reason_codes=selection.reasons,
                now=now,
            )
        except Exception as error:
            logger.exception("Digest %s could not be rendered.", selection.digest_id)
            errors[selection.digest_id] = f"Rendering failed: {type(error).__name__}"
        else:
            rendered.append(Rendered(claimed, selection, message))
    if errors:
        tally.states[State.FAILED] += leases.fail(lease.token, errors)
    return rendered
