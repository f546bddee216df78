"""States, reasons, numbers and times in a few plain words, as operators read them."""

from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from digest.models import Digest, Edition
from subscribers.models import Consent, ImportFile

State, Skip = Digest.State, Digest.SkipReason

STATES: dict[str, Promise] = {
    State.READY: pgettext_lazy("digests", "waiting"),
    State.SENDING: pgettext_lazy("digests", "being sent"),
    State.SENT: pgettext_lazy("digests", "sent"),
    State.UNCERTAIN: pgettext_lazy("digests", "in doubt"),
    State.ASSUMED: pgettext_lazy("digests", "assumed sent"),
    State.SKIPPED: pgettext_lazy("digests", "skipped"),
    State.FAILED: pgettext_lazy("digests", "failed"),
    State.DEFERRED: pgettext_lazy("digests", "deferred"),
    State.DELIVERED: pgettext_lazy("digests", "delivered"),
    State.BOUNCED: pgettext_lazy("digests", "bounced"),
    State.COMPLAINED: pgettext_lazy("digests", "reported as spam"),
}
SKIPS: dict[str, Promise] = {
    Skip.PENDING: gettext_lazy("not confirmed"),
    Skip.UNSUBSCRIBED: gettext_lazy("unsubscribed"),
    Skip.SUPPRESSED: gettext_lazy("address suppressed"),
    Skip.PAUSED: gettext_lazy("paused"),
    Skip.ERASED: gettext_lazy("erased"),
    Skip.THIN: gettext_lazy("too few papers"),
    Skip.NOTHING_NEW: gettext_lazy("nothing new"),
    Skip.NO_MATCH: gettext_lazy("nothing on their topics"),
    Skip.NO_EDITION: gettext_lazy("no edition"),
    Skip.HELD: gettext_lazy("the edition was held"),
    Skip.STOPPED: gettext_lazy("the run was stopped"),
    "held": gettext_lazy("edition held"),
    "stopped": gettext_lazy("run stopped"),
    Skip.UNLISTED: gettext_lazy("not in MAIL_ONLY_TO"),
    Skip.SUPERSEDED: gettext_lazy("next day’s came first"),
    Skip.LATE: gettext_lazy("too late"),
    "not_due": gettext_lazy("not their day"),
}
# The ways to leave, and the reasons that readers give.
LEAVING: dict[str, Promise] = {
    Consent.Act.UNSUBSCRIBED: gettext_lazy("on the page"),
    Consent.Act.ONE_CLICK: gettext_lazy("with one click"),
    Consent.Act.BY_MAIL: gettext_lazy("by mail"),
    Consent.Act.BY_PROGRAM: gettext_lazy("by another program"),
    Consent.Act.REFUSED: gettext_lazy("never signed up"),
    Consent.Act.ERASED: gettext_lazy("erased"),
    Consent.Act.COMPLAINED: gettext_lazy("reported as spam"),
}
WHY_LEFT: dict[str, Promise] = {
    Consent.Reason.TOO_MANY: gettext_lazy("too many mails"),
    Consent.Reason.NOT_FOR_ME: gettext_lazy("not the right papers"),
    Consent.Reason.NEVER_ASKED: gettext_lazy("never asked for it"),
    Consent.Reason.OTHER: gettext_lazy("another reason"),
    "": gettext_lazy("gave no reason"),
}


# What mail services tell of a digest, in anymail's words, and why they refused it.
EVENTS: dict[str, Promise] = {
    "queued": gettext_lazy("queued"),
    "sent": gettext_lazy("sent on"),
    "delivered": pgettext_lazy("digests", "delivered"),
    "deferred": pgettext_lazy("digests", "deferred"),
    "bounced": pgettext_lazy("digests", "bounced"),
    "rejected": gettext_lazy("refused"),
    "failed": pgettext_lazy("digests", "failed"),
    "complained": pgettext_lazy("digests", "reported as spam"),
    "unsubscribed": gettext_lazy("unsubscribed"),
    "subscribed": gettext_lazy("subscribed again"),
    "opened": gettext_lazy("opened"),
    "clicked": gettext_lazy("clicked"),
    "autoresponded": gettext_lazy("answered by a program"),
    "inbound": gettext_lazy("mail came in"),
    "unknown": gettext_lazy("something else"),
}
REJECTS: dict[str, Promise] = {
    "invalid": gettext_lazy("no such address"),
    "bounced": pgettext_lazy("digests", "bounced"),
    "timed_out": gettext_lazy("tried for too long"),
    "blocked": gettext_lazy("blocked"),
    "spam": gettext_lazy("taken for spam"),
    "unsubscribed": gettext_lazy("unsubscribed"),
    "other": gettext_lazy("another reason"),
}


def event_words(kind: str) -> str:
    return str(EVENTS.get(kind, kind))


def reject_words(reason: str) -> str:
    return str(REJECTS.get(reason, reason))


# How far an uploaded file is.
IMPORT_STATES: dict[str, Promise] = {
    ImportFile.State.UPLOADING: gettext_lazy("being uploaded"),
    ImportFile.State.READY: gettext_lazy("waits to be checked"),
    ImportFile.State.CHECKING: gettext_lazy("being checked"),
    ImportFile.State.CHECKED: gettext_lazy("checked: nothing is imported yet"),
    ImportFile.State.IMPORTING: gettext_lazy("being imported"),
    ImportFile.State.DONE: gettext_lazy("imported"),
    ImportFile.State.FAILED: gettext_lazy("cannot be imported"),
}


def skip_words(reason: str) -> str:
    """Why a digest was not sent; one that is not known here as it is stored."""
    return str(SKIPS.get(reason, reason))


def state_words(state: str) -> str:
    return str(STATES.get(state, state))


def hold_words(edition: Edition, waiting: int) -> str:
    """Why an edition is held, for which `waiting` papers wait."""
    if edition.hold_rule == Edition.HoldRule.THIN:
        words = ngettext(
            "%(number)s paper waits for it, and EDITION_LEAST_PAPERS asks for %(least)s.",
            "%(number)s papers wait for it, and EDITION_LEAST_PAPERS asks for %(least)s.",
            waiting,
        )
        return words % {"number": number(waiting), "least": settings.EDITION_LEAST_PAPERS}
    if edition.hold_rule == Edition.HoldRule.STALE:
        words = _("no source has answered well within %(hours)s hours (EDITION_STALE_HOURS).")
        return words % {"hours": settings.EDITION_STALE_HOURS}
    return _("an operator holds it until it is approved.")


def number(value: float) -> str:
    """A whole number in groups of three, as in “12 345”, with spaces that do not break."""
    return f"{value:,.0f}".replace(",", "\u202f")


def duration(length: timedelta) -> str:
    """A length of time in its two largest units at most, such as “2 h 5 min”."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < 60:
        return _("%(number)d s") % {"number": seconds}
    minutes, hours = seconds // 60, seconds // 3600
    if minutes < 60:
        return _("%(number)d min") % {"number": minutes}
    if hours < 48:
        hours_and = _("%(hours)d h %(minutes)d min")
        return hours_and % {"hours": hours, "minutes": minutes % 60}
    days = hours // 24
    return ngettext("%(number)d day", "%(number)d days", days) % {"number": days}


def ago(at: datetime | None, now: datetime) -> str:
    """How long ago something was, such as “3 min ago”; or “never”."""
    if at is None:
        return _("never")
    return _("%(time)s ago") % {"time": duration(now - at)}


def clock(at: datetime, now: datetime) -> str:
    """A time of day in UTC, with its date if that is not today."""
    at = at.astimezone(timezone.get_default_timezone())
    is_today = at.date() == now.astimezone(timezone.get_default_timezone()).date()
    return f"{at:%H:%M} UTC" if is_today else f"{at:%Y-%m-%d %H:%M} UTC"


def long_day(day: date) -> str:
    """A day with its weekday and year, such as “Tuesday, 14 July 2026”."""
    return date_format(day, pgettext("format of a date", "l, j F Y"))


def weekday_day(day: date) -> str:
    return date_format(day, pgettext("format of a date", "l, j F"))


def day_month(day: date) -> str:
    return date_format(day, pgettext("format of a date", "j F"))


def rate(per_second: float) -> str:
    """A rate in whole numbers: for each second, or for each minute if they are few."""
    if per_second >= 10:
        return _("%(number)s a second") % {"number": number(per_second)}
    return _("%(number)s a minute") % {"number": number(60 * per_second)}
