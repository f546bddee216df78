"""The control of an edition and its run. Everything is safe to do twice.

Nothing here starts the senders; whoever calls it does (``digest.tasks.start_at_once``).
"""

from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from digest.delivery import plan
from digest.delivery.limits import holds
from digest.models import Curation, Edition, Hold
from digest.models.hold import HoldQuerySet
from digest.papers import editions
from digest.papers.holding import Hold as EditionHold
from subscribers.database import Lock, wait_for_lock

from .steering import By, curating

PAUSED = "Paused by an operator"


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
            _("The edition of %(day)s cannot close before its day: papers still come in for it.")
            % {"day": day}
        )
    return editions.close(day, now=now)


# --- its run -------------------------------------------------------------------------------
def stop(edition: Edition, by: By, now: datetime) -> bool:
    """Have nobody else get a digest from this edition. Those that wait are skipped, and say so.

    Its papers can come with the next edition, except those that are dropped.
    """
    with curating():
        running = Edition.objects.closed().filter(pk=edition.pk, stopped_at=None)
        if not running.update(stopped_at=now):
            return False
        Curation.objects.create(act=Curation.Act.STOP, edition=edition, by=by)
    return True


def start(edition: Edition, by: By) -> bool:
    """Undo `stop` for those who have not been skipped yet; ``catching_up`` is for the others."""
    with curating():
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
