"""Holding a mail service: nothing is handed to it for a time, or until an operator releases it."""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from digest.models import Hold
from subscribers.database import Lock, wait_for_lock

from . import breaker

logger = logging.getLogger(__name__)


def hold(mail_service: str, reason: str, length: timedelta | None) -> None:
    """Hold the mail service for `length`, or until it is released (None). Logs the reason.

    "" stands for all mail services.
    """
    logger.error("Mail service %s is held: %s", mail_service or "(every)", reason)
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
        doubted=settings.BREAKER_DOUBTED,
        doubt_in_a_row=_doubt_in_a_row(),
        least=settings.BREAKER_LEAST,
    )
    if reason:
        hold(mail_service, reason, None)
    return bool(reason)


def hold_if_doubtful(mail_service: str) -> bool:
    """Hold the mail service if its last hand-overs were all left in doubt. Returns whether it did
    so now.

    For a sender that has just left one in doubt: `break_circuit` would look only some time later.
    """
    reason = breaker.run_of_doubt(mail_service, least=_doubt_in_a_row())
    if reason is None:
        return False
    with transaction.atomic():
        # Many senders find it at once, and an operator should find one hold.
        wait_for_lock(Lock.HOLDING_A_MAIL_SERVICE)
        holds = Hold.objects.active().filter(mail_service__in=(mail_service, ""), until=None)
        if is_new := not holds.exists():
            hold(mail_service, reason, None)
    return is_new


def _doubt_in_a_row() -> int:
    """How much doubt in a row is too much. A service that restarts leaves one message in doubt on
    each connection, which is none of it."""
    return settings.BREAKER_DOUBT_IN_A_ROW + settings.SENDERS * settings.MAIL_CONNECTIONS
