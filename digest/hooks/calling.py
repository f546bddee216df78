"""Calling an endpoint: its calls in turn, by one worker at a time."""

import json
import logging
import random
import time
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_noop

from digest.models import Attempt, Call, Endpoint
from subscribers.database import Lock, only_one
from subscribers.models import Subscriber

from . import signing
from .posting import TOTAL, Reply, Unreachable, post

logger = logging.getLogger(__name__)

FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)
# How long a call is tried, and how long an endpoint may take nothing before it is switched off.
GIVE_UP_AFTER = timedelta(days=3)
# Longer than an attempt may take, so that no other worker makes a call that this one is making.
LEASE = timedelta(seconds=6 * TOTAL)
# Answers about this one call. All others are about the endpoint, which is then left in peace.
_ABOUT_THE_CALL = frozenset({400, 406, 409, 413, 415, 422})
_GONE = 410
_GONE_WORDS = gettext_noop("It answered 410: it wants no more calls.")
_DEAD_WORDS = gettext_noop("It has taken nothing for three days.")


def endpoints_due() -> list[int]:
    """Return the endpoints that have something to be told now."""
    now = timezone.now()
    due = Call.objects.waiting().filter(endpoint=OuterRef("pk"), next_attempt_at__lte=now)
    return list(_awake(now).filter(Exists(due)).values_list("pk", flat=True))


def call_endpoint(endpoint_id: int, *, seconds: float) -> bool:
    """Make the endpoint's calls that are due, oldest first. Returns whether there are more.

    Safe to run anywhere at any time. If a worker is killed, the call that it was making is made
    again after the lease.
    """
    until = time.monotonic() + seconds
    with only_one(Lock.CALLING_AN_ENDPOINT, endpoint_id) as is_ours:
        while is_ours and (call := _claim(endpoint_id)) is not None:
            _make(call)
            if time.monotonic() >= until:
                return True
    return False


def body_of(call: Call) -> bytes:
    """Return what the endpoint is told. An address is looked up now, so that none waits in a table
    and nobody's is told once they are erased."""
    notice = call.notice
    data = dict(notice.data)
    if call.endpoint.includes_addresses and notice.subscriber_id is not None:
        reader = Subscriber.objects.filter(pk=notice.subscriber_id)
        data["email"] = reader.values_list("email", flat=True).first()
    said = {"type": notice.kind, "timestamp": notice.at.isoformat(), "data": data}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


# --- one call ------------------------------------------------------------------------------
def _make(call: Call) -> None:
    now, began = timezone.now(), time.monotonic()
    body = body_of(call)
    reply, error = None, ""
    try:
        headers = signing.headers(call.endpoint, call.notice, body, now)
        reply = post(call.endpoint.url, body, headers)
    except Unreachable as problem:
        error = str(problem)[:200]
    milliseconds = round(1000 * (time.monotonic() - began))
    with transaction.atomic():
        Attempt.objects.create(
            call=call,
            at=now,
            status=reply.status if reply else None,
            milliseconds=milliseconds,
            answer=reply.answer if reply else "",
            error=error,
        )
        _settle(call, reply, timezone.now())


def _settle(call: Call, reply: Reply | None, now: datetime) -> None:
    """Store what became of the call, and how its endpoint does."""
    if reply is not None and 200 <= reply.status < 300:
        Call.objects.filter(pk=call.pk).update(delivered_at=now)
        Endpoint.objects.filter(pk=call.endpoint_id).update(
            failures=0, failing_since=None, wait_until=None, succeeded_at=now
        )
        return
    is_gone = reply is not None and reply.status == _GONE
    is_about_call = reply is not None and reply.status in _ABOUT_THE_CALL
    is_over = is_gone or now - call.since >= GIVE_UP_AFTER
    wait = max(_wait(call.attempts), timedelta(seconds=reply.wait if reply else 0))
    Call.objects.filter(pk=call.pk, delivered_at=None).update(
        given_up_at=now if is_over else None,
        # While the whole endpoint waits, the call keeps its place.
        next_attempt_at=now + wait if is_about_call else now,
    )
    _note_failure(call.endpoint_id, None if is_about_call else now + wait, now)
    if is_gone:
        _switch_off(Q(pk=call.endpoint_id), _GONE_WORDS)
    _switch_off(Q(pk=call.endpoint_id, failing_since__lte=now - GIVE_UP_AFTER), _DEAD_WORDS)


def _note_failure(endpoint_id: int, until: datetime | None, now: datetime) -> None:
    Endpoint.objects.filter(pk=endpoint_id).update(
        failures=F("failures") + 1,
        failing_since=Coalesce("failing_since", now),
        wait_until=until,
    )


def _switch_off(which: Q, why: str) -> None:
    if Endpoint.objects.filter(which, is_on=True).update(is_on=False, disabled_because=why):
        logger.error("A webhook is switched off: %s", why)


def _wait(attempts: int) -> timedelta:
    """Twice as long each time, and not at the same time for all."""
    longest: timedelta = min(FIRST_WAIT * 2 ** min(attempts - 1, 20), LONGEST_WAIT)
    return longest * random.uniform(0.75, 1.25)


# --- the rows ------------------------------------------------------------------------------
@transaction.atomic
def _claim(endpoint_id: int) -> Call | None:
    """Claim the endpoint's oldest call that is due, for the length of a lease."""
    now = timezone.now()
    call: Call | None = (
        Call.objects.waiting()
        .filter(endpoint_id=endpoint_id, endpoint__in=_awake(now), next_attempt_at__lte=now)
        .select_related("endpoint", "notice")
        .select_for_update(skip_locked=True, of=("self",))
        .order_by("pk")
        .first()
    )
    if call is not None:
        call.attempts += 1
        call.next_attempt_at = now + LEASE
        call.save(update_fields=["attempts", "next_attempt_at"])
    return call


def _awake(now: datetime) -> QuerySet[Endpoint]:
    return Endpoint.objects.filter(is_on=True).exclude(wait_until__gt=now)


def call_again(call: Call) -> bool:
    """Have the call made anew, with three more days to try. Returns whether its endpoint is on."""
    now = timezone.now()
    Call.objects.filter(pk=call.pk).update(
        since=now, next_attempt_at=now, attempts=0, delivered_at=None, given_up_at=None
    )
    Endpoint.objects.filter(pk=call.endpoint_id).update(wait_until=None)
    return bool(call.endpoint.is_on)
