"""Doorbells. A task carries no work: it says "look now", and the rows say what there is to do."""

import logging
from datetime import timedelta

from celery import shared_task
from django.conf import settings

from . import editions, intake
from .delivery import doubt, leases, plan, providers
from .delivery.run import deliver
from .delivery.service import service_name

logger = logging.getLogger(__name__)

# Short enough that a worker asked to stop is done in time, long enough to be worth the start.
SEND_SECONDS = 20
# A bell that nobody answered for this long is forgotten; the next tick rings again.
BELL_EXPIRES = 120


@shared_task(name="digest.tick")
def tick() -> None:
    """Once a minute: see what is due, and ring for it. Safe to run twice, at once or late."""
    for source in intake.sources_due(timedelta(minutes=settings.SOURCE_MINUTES)):
        look.apply_async([source], expires=BELL_EXPIRES)
    editions.close_if_due(plan.database_now(), hour=settings.EDITION_CLOSES_HOUR)
    leases.sweep(doubt=settings.DELIVERY_DOUBT)
    resolve.apply_async(expires=BELL_EXPIRES)
    providers.tidy()
    plan.plan_due()
    ring()


@shared_task(name="digest.look")
def look(source: str) -> None:
    """Look at one source."""
    intake.look_back(source)


@shared_task(name="digest.send")
def send() -> None:
    """Hand over what is ready for a while, and ring again if there is more."""
    deliver(seconds=SEND_SECONDS)
    if leases.is_anything_ready(mail_service=service_name()):
        send.apply_async(expires=BELL_EXPIRES)


@shared_task(name="digest.resolve")
def resolve() -> None:
    """Ask the mail service about digests in doubt, where it can be asked. Not in the tick: a
    service that is slow to answer must not hold up the planning."""
    doubt.resolve(seconds=SEND_SECONDS)


def ring() -> None:
    """Ring for every sender if there is anything to send."""
    if leases.is_anything_ready(mail_service=service_name()):
        for _ in range(settings.SENDERS):
            send.apply_async(expires=BELL_EXPIRES)
