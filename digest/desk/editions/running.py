"""The control of an edition and its run. Everything is safe to do twice.

Nothing here starts the senders; whoever calls it does (``digest.tasks.start_at_once``).
"""

from datetime import date, datetime

from django.conf import settings
from django.db import transaction

from digest.delivery import plan
from digest.delivery.limits import holds
from digest.delivery.limits.refusals import retry_failed
from digest.models import Curation, Digest, Edition, Hold
from digest.models.hold import HoldQuerySet
from digest.papers import editions
from digest.papers.holding import Hold as EditionHold
from subscribers.database import Lock, execute, wait_for_lock

from .steering import By

PAUSED = "Paused by an operator"
Skip = Digest.SkipReason
# Those who got nothing for these reasons can be sent the edition after all.
MISSED = (Skip.NO_EDITION, Skip.HELD, Skip.STOPPED, Skip.LATE)


# --- before it closes ----------------------------------------------------------------------
def hold(day: date, now: datetime) -> bool:
    """Keep the edition of `day` from closing until an operator approves it."""
    edition = Edition.objects.open().first()
    rule = Edition.HoldRule.OPERATOR
    if edition and edition.hold_rule == rule and edition.date == day:
        return False
    editions.set_hold(day, EditionHold(rule, "An operator holds it until it is approved."), now)
    return True


def approve(day: date, now: datetime) -> tuple[bool, Edition | None]:
    """Have the edition of `day` close at its hour, whatever holds it; at once if that has come.

    Returns whether that is new, and the edition if it has closed now.
    """
    is_new = editions.approve(day, now)
    hour, rules = settings.EDITION_CLOSES_HOUR, plan.closing_rules()
    return is_new, editions.close_if_due(now, hour=hour, rules=rules)


def close(day: date, now: datetime) -> Edition | None:
    """Close the edition of `day` now. Returns None if no paper waits for it, and raises
    EditionError if it is closed, or has not begun."""
    if day > now.date():
        raise editions.EditionError(
            f"The edition of {day} cannot close before its day: papers still come in for it."
        )
    return editions.close(day, now=now)


# --- its run -------------------------------------------------------------------------------
def stop(edition: Edition, by: By, now: datetime) -> bool:
    """Have nobody else get a digest from this edition. Those that wait are skipped, and say so.

    Its papers can come with the next edition, except those that are dropped.
    """
    with transaction.atomic():
        wait_for_lock(Lock.CURATING_PAPERS)
        running = Edition.objects.closed().filter(pk=edition.pk, stopped_at=None)
        if not running.update(stopped_at=now):
            return False
        Curation.objects.create(act=Curation.Act.STOP, edition=edition, by=by)
    return True


def start(edition: Edition, by: By) -> bool:
    """Undo `stop` for those who have not been skipped yet; `send_missing` is for the others."""
    with transaction.atomic():
        wait_for_lock(Lock.CURATING_PAPERS)
        stopped = Edition.objects.filter(pk=edition.pk).exclude(stopped_at=None)
        if not stopped.update(stopped_at=None):
            return False
        Curation.objects.create(act=Curation.Act.START, edition=edition, by=by)
    return True


def pause() -> bool:
    """Hold all mail services until `resume`, in one row however often it is pressed."""
    with transaction.atomic():
        wait_for_lock(Lock.HOLDING_A_MAIL_SERVICE)
        if pauses().exists():
            return False
        holds.hold("", PAUSED, None)
    return True


def resume() -> int:
    """End what `pause` began, and nothing else that may hold a mail service. Returns how many holds
    ended."""
    return pauses().release()


def pauses() -> HoldQuerySet:
    """Return the holds by which operators paused everything, that apply now."""
    found: HoldQuerySet = Hold.objects.active().filter(mail_service="", reason=PAUSED, until=None)
    return found


def retry() -> int:
    """Make the digests ready again that mail services refused. Returns how many."""
    return retry_failed()


def send_missing(edition: Edition) -> int:
    """Make the digests ready again that were skipped because there was no edition, or no time.

    That is for those who were due since the edition was, have not had it, and have no newer digest.
    Their digest is due from now on, so it is not too late. Who has none because nothing was for
    them, or because they want none, is left alone. Returns how many.
    """
    since = editions.due_to_close(edition.date, settings.EDITION_CLOSES_HOUR)
    return execute(
        _SEND_MISSING,
        {
            "edition": edition.pk,
            "day": edition.date,
            "since": min(since, edition.closed_at or since),
            "reasons": [reason.value for reason in MISSED],
        },
    )


_SEND_MISSING = """
    WITH missed AS (
        SELECT d.id FROM subscribers_subscriber s JOIN digest_digest d ON d.subscriber_id = s.id
        WHERE s.state = 'active' AND d.local_date BETWEEN %(day)s::date - 1 AND %(day)s::date + 1
            AND d.state || '' = 'skipped' AND d.skip_reason = ANY(%(reasons)s)
            AND d.due_at >= %(since)s
            AND NOT EXISTS (
                SELECT FROM digest_digest other
                WHERE other.subscriber_id = s.id AND other.id <> d.id
                    AND other.local_date > %(day)s::date - 2
                    AND (
                        other.local_date > d.local_date
                        OR other.edition_id = %(edition)s AND other.state || '' <> 'skipped'
                    )
            )
        FOR NO KEY UPDATE OF d SKIP LOCKED
    )
    UPDATE digest_digest d
    SET state = 'ready', skip_reason = '', edition_id = NULL, attempts = 0, due_at = now(),
        next_attempt_at = now(), lease_token = NULL, lease_until = NULL
    FROM missed
    WHERE d.id = missed.id
"""
