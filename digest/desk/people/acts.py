"""What operators can do for a reader: for each button its permission, and what it does.

Every act is safe to press twice, and stands in the log of what operators did.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _

from digest.desk import audit
from subscribers.joining import signup
from subscribers.leaving import erasing, suppression
from subscribers.models import Subscriber, Suppression
from subscribers.wishes import preferences

VIEW = "subscribers.view_subscriber"
SEES_ADDRESSES = "subscribers.view_addresses"
EXPORT, ERASE = "export", "erase"


class Act(NamedTuple):
    """What a button does. It returns whether anything changed."""

    permission: str
    does: Callable[[Subscriber, datetime], bool]
    done: Callable[[], str]
    same: Callable[[], str]


def _mail_link(reader: Subscriber, now: datetime) -> bool:
    if reader.state == Subscriber.State.PENDING:
        return signup.mail_again(reader, now)
    return preferences.mail_link(reader, now)


def _suppress(reader: Subscriber, now: datetime) -> bool:
    is_new = not suppression.is_suppressed(reader.address_hash)
    suppression.suppress(reader.address_hash, Suppression.Reason.MANUAL, now)
    return is_new


def _lift(reader: Subscriber, now: datetime) -> bool:
    found = Suppression.objects.filter(address_hash=reader.address_hash)
    return bool(suppression.lift(found))


def _erase(reader: Subscriber, now: datetime) -> bool:
    erasing.erase(reader, now)
    return True


ACTS: Mapping[str, Act] = {
    "link": Act(
        "subscribers.change_subscriber",
        _mail_link,
        lambda: _("A letter with a new link goes out now."),
        lambda: _("No new letter: one went out within a day, or still waits."),
    ),
    "suppress": Act(
        "subscribers.add_suppression",
        _suppress,
        lambda: _("The address is suppressed: it gets no mail, whoever asks."),
        lambda: _("Nothing changed: it was like that already."),
    ),
    "lift": Act(
        "subscribers.delete_suppression",
        _lift,
        lambda: _("The suppression is lifted."),
        lambda: _("Nothing changed: it was like that already."),
    ),
    ERASE: Act(
        "subscribers.delete_subscriber",
        _erase,
        lambda: _("The reader is erased."),
        lambda: _("Nothing changed: it was like that already."),
    ),
}


@transaction.atomic
def perform(name: str, reader: Subscriber, request: HttpRequest, now: datetime) -> tuple[bool, str]:
    """Do what a button says. Returns whether anything changed, and what to tell the operator."""
    act = ACTS[name]
    is_new = act.does(reader, now)
    result = audit.DONE if is_new else audit.SAME
    # By the number alone: an erased reader's row is gone by now.
    audit.record(request, f"reader.{name}", on=_named(reader), result=result)
    return is_new, (act.done if is_new else act.same)()


def note_export(reader: Subscriber, request: HttpRequest) -> None:
    audit.record(request, "reader.export", on=_named(reader))


def _named(reader: Subscriber) -> tuple[str, int]:
    return Subscriber._meta.label_lower, reader.pk
