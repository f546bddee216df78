"""Holding a mail service: nothing is handed to it for a time, or until an operator releases it."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from digest.models import Hold

from . import breaker

logger = logging.getLogger(__name__)


def hold(mail_service: str, reason: str, length: timedelta | None) -> None:
    """Hold the mail service for `length`, or until it is released (None). Logs the reason."""
    logger.error("Mail service %s is held: %s", mail_service, reason)
    Hold.objects.create(
        mail_service=mail_service,
        reason=reason,
        # By the database's clock, because that clock also ends the hold.
        until=None if length is None else Now() + length,
    )


def break_circuit(mail_service: str) -> bool:
    """Hold the mail service if too much of its mail goes wrong. Returns whether it did so now.

    Only one worker in ten seconds looks; see ``breaker``.
    """
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
