"""One worker's run: claim, compose, mark, hand over, record, until nothing is ready."""

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.utils import timezone

from digest.composing import Composed, compose
from digest.models import Digest, Hold
from digest.press import press_for
from digest.rendering import DigestMessage
from subscribers import links, suppression
from subscribers.addresses import hashed
from subscribers.models import Subscriber, Suppression

from . import leases
from .policy import Outcome, Verdict
from .service import MailService

logger = logging.getLogger(__name__)

State = Digest.State
# After a mail service could not be reached, nobody knocks again for this long.
UNREACHABLE = timedelta(seconds=30)
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


@dataclass(frozen=True, slots=True)
class _Rendered:
    claimed: leases.Claimed
    composed: Composed
    message: DigestMessage


def deliver(*, seconds: float) -> Tally:
    """Hand over digests that are ready, for about `seconds`; ends early when none is.

    Any number may run at once, on any host. Killed at any moment it leaves at most one chunk
    (``DELIVERY_CHUNK``) in doubt; everything else that it held is taken up by others when its
    lease ends. Call it outside a transaction.
    """
    tally = Tally()
    deadline = time.monotonic() + seconds
    with MailService() as service:
        while time.monotonic() < deadline:
            lease = leases.claim(
                settings.DELIVERY_BATCH,
                lease=settings.DELIVERY_LEASE,
                mail_service=service.name,
            )
            if not lease.claimed:
                break
            _deliver_lease(lease, service, tally, is_over=lambda: time.monotonic() >= deadline)
    return tally


def _deliver_lease(
    lease: leases.Lease, service: MailService, tally: Tally, *, is_over: Callable[[], bool]
) -> None:
    try:
        rendered = _render(lease, _compose(lease, tally), tally)
        for chunk in _chunks(rendered, settings.DELIVERY_CHUNK):
            if is_over() or not _hand_over_chunk(lease, chunk, service, tally):
                break
    finally:
        leases.release(lease.token)


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


def _render(lease: leases.Lease, composed: Sequence[Composed], tally: Tally) -> list[_Rendered]:
    """The messages. One that cannot be rendered fails alone; the others go on."""
    by_id = {claimed.request.digest_id: claimed for claimed in lease.claimed}
    subscriber_ids = [by_id[c.digest_id].request.subscriber_id for c in composed]
    now = timezone.now()
    links.ensure(list(Subscriber.objects.filter(pk__in=subscriber_ids)), now)
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
            rendered.append(_Rendered(claimed, selection, message))
    if errors:
        tally.states[State.FAILED] += leases.fail(lease.token, errors)
    return rendered


def _chunks(rendered: Sequence[_Rendered], size: int) -> Iterator[Sequence[_Rendered]]:
    for start in range(0, len(rendered), size):
        yield rendered[start : start + size]


def _hand_over_chunk(
    lease: leases.Lease, chunk: Sequence[_Rendered], service: MailService, tally: Tally
) -> bool:
    """Mark, hand over and record one chunk. False: the run must stop."""
    if problem := service.connect():
        _hold(service, problem)
        return False
    addresses = leases.mark_sending(
        lease.token,
        [rendered.composed for rendered in chunk],
        lease=settings.DELIVERY_LEASE,
        late=settings.DELIVERY_LATE,
        mail_service=service.name,
    )
    passed_by = [r.composed.digest_id for r in chunk if r.composed.digest_id not in addresses]
    if passed_by:
        reasons = leases.skip_unwanted(lease.token, passed_by, late=settings.DELIVERY_LATE)
        tally.add_skips(Counter(reasons))
    marked = [rendered for rendered in chunk if rendered.composed.digest_id in addresses]
    results, stop = _hand_over(marked, addresses, service)
    leases.record(lease.token, results)
    tally.states.update(result.state for result in results)
    return not stop


def _hand_over(
    marked: Sequence[_Rendered], addresses: dict[int, str], service: MailService
) -> tuple[list[leases.Result], bool]:
    """Give each message to the mail service. After a stop the rest is not tried."""
    results = []
    problem: Outcome | None = None
    for rendered in marked:
        problem = problem or service.connect()
        if problem:
            outcome = Outcome(Verdict.RETRY, problem.detail, wait=UNREACHABLE)
        else:
            rendered.message.to = [addresses[rendered.composed.digest_id]]
            outcome = service.hand_over(rendered.message)
            if outcome.verdict is Verdict.STOP or outcome.wait:
                problem = outcome
        if outcome.is_bad_address:
            bad = addresses[rendered.composed.digest_id]
            suppression.suppress(hashed(bad), Suppression.Reason.BOUNCED, timezone.now())
        results.append(_result(rendered, outcome))
    if problem:
        _hold(service, problem)
    return results, problem is not None


_STATES = {
    Verdict.SENT: State.SENT,
    Verdict.FAILED: State.FAILED,
    Verdict.UNCERTAIN: State.UNCERTAIN,
    Verdict.RETRY: State.READY,
}


def _result(rendered: _Rendered, outcome: Outcome) -> leases.Result:
    result = partial(
        leases.Result,
        rendered.composed.digest_id,
        provider_id=outcome.provider_id,
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


def _hold(service: MailService, problem: Outcome) -> None:
    """Hold the mail service: until an operator acts after a STOP, else for a while."""
    is_final = problem.verdict is Verdict.STOP
    logger.error("Mail service %s is held: %s", service.name, problem.detail)
    Hold.objects.create(
        mail_service=service.name,
        reason=problem.detail,
        until=None if is_final else timezone.now() + (problem.wait or UNREACHABLE),
    )
