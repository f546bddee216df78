"""Celery tasks. A task carries no work: it says "look now", and the rows say what is to be done."""

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings

from subscribers.database import database_now

from .delivery import doubt, handover, leases, plan, routing
from .delivery.limits import providers
from .delivery.run import deliver
from .papers import editions, looking

logger = logging.getLogger(__name__)

# Short enough that a worker can stop in time, long enough to be worth starting.
SEND_SECONDS = 20


@shared_task(name="digest.tick")
def tick() -> None:
    """Once a minute: see what is due, and start it. Safe to run twice, concurrently or late."""
    for source in looking.sources_due(timedelta(minutes=settings.SOURCE_MINUTES)):
        look.delay(source)
    editions.close_if_due(database_now(), hour=settings.EDITION_CLOSES_HOUR)
    handover.sweep(doubt=settings.DELIVERY_DOUBT)
    resolve.delay()
    providers.tidy()
    if not start_senders():
        # No worker may claim the readers who are due, or there is nothing to send them.
        plan.plan_due()


@shared_task(name="digest.look")
def look(source: str) -> None:
    """Look at one source."""
    looking.look_back(source)


@shared_task(name="digest.send")
def send() -> None:
    """Hand over what is ready for a while, and queue another task if there is more."""
    deliver(seconds=SEND_SECONDS)
    if _is_there_work():
        send.delay()


@shared_task(name="digest.resolve")
def resolve() -> None:
    """Settle digests in doubt. Not part of the tick, because a mail service that is slow to answer
    must not hold up the planning."""
    doubt.resolve(seconds=SEND_SECONDS)


def start_senders() -> bool:
    """Queue a task for every sender if there is anything to send. Returns whether there is."""
    if is_there_work := _is_there_work():
        for _ in range(settings.SENDERS):
            send.delay()
    return is_there_work


def _is_there_work() -> bool:
    is_work = leases.is_anything_ready() or plan.is_anybody_due()
    return is_work and bool(routing.open_names())
