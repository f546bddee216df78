"""Holding a mail service: nothing is handed to it for a time, or until an operator releases it."""

import logging
from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from digest.delivery.outcomes import Outcome, sameness
from digest.models import Hold
from subscribers.addresses import hashed
from subscribers.database import Lock, wait_for_lock
from subscribers.leaving import suppression
from subscribers.models import Suppression

from . import breaker, rates, refusals

logger = logging.getLogger(__name__)

QUOTA_USED_UP = "The day's quota is used up."


def hold(
    mail_service: str, reason: str, length: timedelta | None, *, is_quota: bool = False
) -> None:
    """Hold the mail service for `length`, or until it is released (None). Logs the reason.

    "" stands for all mail services. Several workers that find the same out at once make one row,
    which somebody then releases once.
    """
    # By the database's clock, because that clock also ends the hold.
    until = None if length is None else Now() + length
    with transaction.atomic():
        wait_for_lock(Lock.HOLDING_A_MAIL_SERVICE)
        active = Hold.objects.active().filter(mail_service=mail_service)
        for one in active.filter(until__isnull=length is None):
            if sameness(one.reason) == sameness(reason):
                active.filter(pk=one.pk).update(until=until)
                return
        Hold.objects.create(
            mail_service=mail_service, reason=reason, until=until, is_quota=is_quota
        )
    logger.error("Mail service %s is held: %s", mail_service or "(every)", reason)


def hold_if_used_up(mail_service: str, quota: int) -> bool:
    """Hold the mail service until tomorrow if nothing is left of today's `quota`. Returns whether
    it is held for that. The hold ends if some of it is given back (`rates.give_back`)."""
    with transaction.atomic():
        if not rates.is_used_up(mail_service, quota):
            return False
        if not Hold.objects.active().filter(mail_service=mail_service, is_quota=True).exists():
            hold(mail_service, QUOTA_USED_UP, rates.until_new_quota(), is_quota=True)
    return True


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
    return bool(reason) or hold_if_refused(mail_service)


def hold_if_refused(mail_service: str) -> bool:
    """Hold the mail service if it refused the last readers, all of them in the same words. Returns
    whether it did so now.

    Then the refusal was about us. Their digests are given back, and nobody is suppressed by it.
    """
    if not refusals.run_of_refusals(mail_service, least=settings.BREAKER_SAME_REFUSAL):
        return False
    with transaction.atomic():
        # Many senders find it at once. Whoever comes second finds nothing left.
        wait_for_lock(Lock.HOLDING_A_MAIL_SERVICE)
        run = refusals.run_of_refusals(mail_service, least=settings.BREAKER_SAME_REFUSAL)
        if run is None:
            return False
        hold_once(mail_service, run.reason)
        refusals.give_back(run.ids)
    return True


def hold_or_suppress(mail_service: str, refused: Iterable[tuple[int, str, Outcome]]) -> bool:
    """Suppress the addresses that were refused, unless the refusals turn out to be about us: then
    hold the mail service. Returns whether it did. Safe to repeat.

    `refused` are digests by id, where they went to, and what was said.
    """
    if hold_if_refused(mail_service):
        return True
    for digest_id, address, outcome in refused:
        if outcome.is_bad_address or (
            outcome.is_suspect and refusals.repeats(digest_id, address, outcome.detail)
        ):
            suppression.suppress(hashed(address), Suppression.Reason.BOUNCED, timezone.now())
    return False


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
        return hold_once(mail_service, reason)


def hold_once(mail_service: str, reason: str) -> bool:
    """Hold the mail service until it is released, unless it is held like that already. Returns
    whether it did so now; call it under the lock."""
    holds = Hold.objects.active().filter(mail_service__in=(mail_service, ""), until=None)
    if is_new := not holds.exists():
        hold(mail_service, reason, None)
    return is_new


def _doubt_in_a_row() -> int:
    """How much doubt in a row is too much. A service that restarts leaves one message in doubt on
    each connection, which is none of it."""
    return settings.BREAKER_DOUBT_IN_A_ROW + settings.SENDERS * settings.MAIL_CONNECTIONS
