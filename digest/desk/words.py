"""States, reasons, numbers and times in a few plain words, as operators read them."""

from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from digest.models import Digest
from subscribers.models import Consent

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
    Skip.SUPERSEDED: gettext_lazy("next day’s came first"),
    Skip.LATE: gettext_lazy("too late"),
}
# The ways to leave, and the reasons that readers give.
LEAVING: dict[str, Promise] = {
    Consent.Act.UNSUBSCRIBED: gettext_lazy("on the page"),
    Consent.Act.ONE_CLICK: gettext_lazy("with one click"),
    Consent.Act.BY_MAIL: gettext_lazy("by mail"),
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


def skip_words(reason: str) -> str:
    """Why a digest was not sent; one that is not known here as it is stored."""
    return str(SKIPS.get(reason, reason))


def state_words(state: str) -> str:
    return str(STATES.get(state, state))


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


def rate(per_second: float) -> str:
    """A rate in whole numbers: for each second, or for each minute if they are few."""
    if per_second >= 10:
        return _("%(number)s a second") % {"number": number(per_second)}
    return _("%(number)s a minute") % {"number": number(60 * per_second)}
