"""Celery tasks. A task carries no work: it says "look now", and the rows say what is to be done.

`digest.tick` has a queue of its own, so that it never waits behind the others.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from celery import current_app, shared_task
from django.conf import settings
from django.utils import timezone

from . import retention
from .bounces import reading
from .delivery import doubt, handover, leases, plan, restored, routing
from .delivery.chunks import Tally
from .delivery.doubt import journal
from .delivery.limits import memory, places, providers
from .delivery.run import deliver
from .hooks import calling, noting
from .models import CatchUp, Heartbeat, counts
from .papers import looking
from .papers.pictures import fetching
from .papers.summaries import making

logger = logging.getLogger(__name__)

# Short enough that a worker can stop in time, long enough to be worth starting.
SEND_SECONDS = 20
# The task of the desk (``desk.editions.tasks``) that gives digests another try.
CATCH_UP = "digest.catch_up"
# Sending must not wait long for a worker that does something else.
PICTURE_SECONDS, SUMMARY_SECONDS = 20, 15
PRUNE_SECONDS = 20
BOUNCE_SECONDS = 20
# Something else may wait behind it.
CALL_SECONDS = 10


@shared_task(name="digest.tick")
def tick() -> None:
    """Once a minute: see what is due, and start it. Safe to run twice, concurrently or late.

    A step that fails does not keep the others from running; the task fails at its end.
    """
    failed = [step.__name__ for step in TICK if not _succeeds(step)]
    if failed:
        raise RuntimeError(f"Of the tick failed: {', '.join(failed)}")


def _succeeds(step: Callable[[], object]) -> bool:
    try:
        step()
    except Exception as error:
        logger.exception("The tick's step %s failed: %s", step.__name__, type(error).__name__)
        return False
    return True


def look_at_sources() -> None:
    for source in looking.sources_due(timedelta(minutes=settings.SOURCE_MINUTES)):
        look.delay(source)


def sweep() -> None:
    # After a long outage, what dead workers have written down speaks before their silence does.
    journal.recover()
    handover.sweep(doubt=settings.DELIVERY_DOUBT)


def settle_doubt() -> None:
    resolve.delay()


def send_or_plan() -> None:
    """Start the senders, or make the rows of those who are due if nothing can be sent now."""
    if not start_senders():
        # No worker may claim the readers who are due, or there is nothing to send them.
        plan.plan_due()


def tell_endpoints() -> None:
    """Have each endpoint called that has something to be told."""
    noting.note_finished_runs()
    noting.forget(timezone.now())
    for pk in calling.endpoints_due():
        call_endpoint.delay(pk)


def leave_safe_mode() -> None:
    """Go on with what somebody began who said what had been sent before a restore."""
    restored.go_on(seconds=SEND_SECONDS)


def catch_up() -> None:
    if CatchUp.objects.filter(done_at=None).exists():
        current_app.send_task(CATCH_UP)


def look_at_papers() -> None:
    """Have pictures and summaries made of papers that have none yet. Nothing waits for them."""
    if fetching.is_due():
        fetch_pictures.delay()
    if making.is_due():
        make_summaries.delay()


def look_for_bounces() -> None:
    if reading.is_due():
        read_bounces.delay()


def note_tick() -> None:
    Heartbeat.beat(Heartbeat.TICK)


TICK: tuple[Callable[[], object], ...] = (
    memory.hold_if_forgetful,
    leave_safe_mode,
    look_at_sources,
    plan.prepare,
    sweep,
    settle_doubt,
    providers.tidy,
    send_or_plan,
    catch_up,
    counts.fold,
    tell_endpoints,
    look_at_papers,
    look_for_bounces,
    note_tick,
)


@shared_task(name="digest.look")
def look(source: str) -> None:
    """Look at one source."""
    looking.look_back(source)


@shared_task(name="digest.fetch_pictures")
def fetch_pictures() -> None:
    """Fetch the thumbnails that are due."""
    fetching.fetch_due(seconds=PICTURE_SECONDS)


@shared_task(name="digest.make_summaries")
def make_summaries() -> None:
    """Ask the operator's language model about papers that wait for an edition."""
    making.make(seconds=SUMMARY_SECONDS)


@shared_task(name="digest.read_bounces")
def read_bounces() -> None:
    """Read the mailbox to which bounces come, and go on soon if there is more."""
    if reading.look(seconds=BOUNCE_SECONDS):
        read_bounces.delay()


@shared_task(name="digest.prune")
def prune() -> None:
    """Delete what has been kept for long enough, and go on soon if there is more."""
    gone = retention.prune(timezone.now(), settings.KEEP_DAYS, seconds=PRUNE_SECONDS)
    if gone:
        logger.info("Deleted: %s", ", ".join(f"{number} {kind}" for kind, number in gone.items()))
        prune.delay()


@shared_task(name="digest.send")
def send(place: int, number: int) -> None:
    """Hand over what is ready for a while, and queue the place's next task if there is more."""
    with places.take(place, number) as is_ours:
        if not is_ours:
            return
        began = time.monotonic()
        _log_run(deliver(seconds=SEND_SECONDS), time.monotonic() - began)
        following = places.ring(place) if _is_there_work() else None
    if following is not None:
        send.delay(place, following)  # the place must be free by now


def _log_run(tally: Tally, seconds: float) -> None:
    """Log what a run did, such as “1 999 sent, 2 skipped, 16 s”, unless that is nothing."""
    done = [
        f"{number:,} {state}".replace(",", " ") for state, number in tally.states.items() if number
    ]
    if done:
        logger.info("%s, %.0f s", ", ".join(done), seconds)


@shared_task(name="digest.resolve")
def resolve() -> None:
    """Settle digests in doubt. Not part of the tick, because a mail service that is slow to answer
    must not hold up the planning."""
    doubt.resolve(seconds=SEND_SECONDS)


@shared_task(name="digest.call_endpoint")
def call_endpoint(pk: int) -> None:
    """Tell an endpoint what it has not been told yet."""
    if calling.call_endpoint(pk, seconds=CALL_SECONDS):
        call_endpoint.delay(pk)


def start_at_once() -> None:
    """Queue a task for every free place, as an operator wants it, without a look at what is due:
    that may take longer than a web request should."""
    for place in range(settings.SENDERS):
        if not places.is_taken(place):
            send.delay(place, places.ring(place))


def start_senders() -> bool:
    """Queue a task for every free place if there is anything to send, or if a worker may have died
    with digests that the next one on its host can settle. Returns whether there is work."""
    is_there_work = _is_there_work()
    if is_there_work or leases.is_anything_held():
        for place in range(settings.SENDERS):
            if not places.is_taken(place):
                send.delay(place, places.ring(place))
    return is_there_work


def _is_there_work() -> bool:
    is_work = leases.is_anything_ready() or plan.is_anybody_due()
    return is_work and bool(routing.open_names())
