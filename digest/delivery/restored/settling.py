"""Closes what was due by the time that somebody says digests had gone out, then ends safe mode."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from digest.delivery import mail_services, plan, routing
from digest.delivery.conditions import RESTORED
from digest.delivery.limits import memory
from digest.delivery.limits.deadline import deadline
from digest.models import Hold, Restoration
from subscribers.database import database_now, execute

# Digests closed by one statement.
BATCH = 5000


class CannotSettle(ValueError):
    """What was said cannot be true. The message, for the operator, says why."""


def latest() -> Restoration | None:
    """The safe mode that the database is in, or None."""
    return Restoration.objects.filter(settled_at=None).order_by("-found_at").first()


def proposal(found: Restoration) -> datetime:
    """Until when digests had gone out at the latest, as far as anything is known.

    Without a mark, that is when it was found: then nobody gets a digest twice.
    """
    until = found.found_at
    if found.sent_until is not None:
        # A run that was killed had not noted its last seconds.
        until = min(found.sent_until + 2 * memory.EVERY, until)
    # In whole seconds, as people write it.
    return until.replace(microsecond=0) + timedelta(seconds=1)


@transaction.atomic
def say(sent_until: datetime) -> None:
    """Say until when digests had gone out. `go_on` then closes what was due by that time.

    Raises `CannotSettle` if there is nothing to settle, or it is surely not true.
    """
    found = Restoration.objects.select_for_update().filter(settled_at=None).first()
    if found is None:
        raise CannotSettle(_("The database is not in safe mode."))
    # An operator may have sent the day's digests before they were due.
    if sent_until > database_now() + timedelta(days=1):
        raise CannotSettle(_("That is more than a day ahead."))
    if found.sent_until and sent_until < found.sent_until:
        until = f"{found.sent_until:%Y-%m-%d %H:%M:%S}"
        raise CannotSettle(
            _("The marks of our hosts say that digests went out until %(time)s UTC.")
            % {"time": until}
        )
    found.said_until = sent_until
    found.save(update_fields=["said_until"])


def go_on(*, seconds: float) -> bool:
    """Do more of what was asked for, if anything was. Returns whether nothing is left of it.

    Safe to repeat, to run twice at once, and to be killed: safe mode ends with the last statement.
    """
    found = Restoration.objects.filter(settled_at=None).exclude(said_until=None).first()
    if found is None:
        return True
    is_over = deadline(seconds)
    for step in (_plan, _ask, _assume):
        while step(found):
            if is_over():
                return False
    with transaction.atomic():
        ended = Restoration.objects.filter(pk=found.pk, settled_at=None)
        if ended.update(settled_at=Now()):
            Hold.objects.filter(pk=found.hold_id).update(released_at=Now())
    return True


def _plan(found: Restoration) -> int:
    """Make the rows of those who were due by then, a batch of them."""
    assert found.said_until is not None
    return plan.plan_until(found.said_until)


def _ask(found: Restoration) -> int:
    """Put those in doubt whose row is as old as the backup, if their service can be asked.

    A row that was made anew has another ID than the one in the mail, by which nobody knows it.
    """
    names = routing.names()
    kinds = [routing.kind_of(routing.connection_to(name)) for name in names]
    if len(names) != 1 or mail_services.traits_of(kinds[0]).look_up is None:
        return 0
    asked = execute(
        """
        UPDATE digest_digest
        SET state = 'uncertain', error = %(restored)s, mail_service = %(name)s,
            handed_over_at = now(), next_attempt_at = now(), lease_token = NULL, lease_until = NULL
        WHERE id IN (
            SELECT id FROM digest_digest
            WHERE state = 'ready' AND due_at <= %(until)s AND created_at < %(found)s
            LIMIT %(batch)s
            FOR UPDATE SKIP LOCKED
        )
        """,
        {**_parameters(found), "name": names[0]},
    )
    Restoration.objects.filter(pk=found.pk).update(asked=F("asked") + asked)
    return asked


def _assume(found: Restoration) -> int:
    """Assume the others sent, and the days that were missed only by this database."""
    assumed = execute(
        """
        UPDATE digest_digest
        SET state = 'assumed', error = %(restored)s, skip_reason = '', handed_over_at = due_at,
            lease_token = NULL, lease_until = NULL
        WHERE id IN (
            SELECT id FROM digest_digest
            WHERE due_at <= %(until)s AND (
                state = 'ready' OR created_at >= %(found)s
                    AND state = 'skipped' AND skip_reason IN ('late', 'superseded')
            )
            LIMIT %(batch)s
            FOR UPDATE SKIP LOCKED
        )
        """,
        _parameters(found),
    )
    Restoration.objects.filter(pk=found.pk).update(assumed=F("assumed") + assumed)
    return assumed


def _parameters(found: Restoration) -> dict[str, object]:
    return {
        "restored": RESTORED,
        "until": found.said_until,
        "found": found.found_at,
        "batch": BATCH,
    }
