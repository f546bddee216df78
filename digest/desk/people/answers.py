"""Why a reader got a digest, will get it, or did not: each in one sentence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.utils.dateformat import format as format_date
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from digest.delivery import plan
from digest.desk import reasons
from digest.desk.today import machinery, services
from digest.models import Digest, Edition, Event, Hold
from subscribers.models import Subscriber, Suppression
from subscribers.wishes import preferences, zones

from .words import SUPPRESSIONS, because

State = Digest.State
GOOD, BAD, WAITING, NONE = "good", "bad", "waiting", "none"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a digest. `kind` is for the page's colours."""

    kind: str
    words: str


class Clock:
    """Times as the reader's own clock shows them."""

    def __init__(self, zone: str, now: datetime) -> None:
        self.now, self._zone = now, zones.zone_of(zone)
        self.today = self.local(now).date()

    def local(self, at: datetime) -> datetime:
        return at.astimezone(self._zone)

    def at(self, at: datetime, on: date | None = None) -> str:
        """The time of day, with its date unless that is `on`, or today."""
        local = self.local(at)
        if local.date() == (on or self.today):
            return f"{local:%H:%M}"
        return f"{self.day(local.date())}, {local:%H:%M}"

    def day(self, day: date) -> str:
        """A date such as “Tuesday, 24 November”, with the year unless that is this one."""
        is_near = day.year == self.today.year
        return format_date(
            day,
            pgettext("date format", "l, j F") if is_near else pgettext("date format", "l, j F Y"),
        )


class Outlook:
    """What keeps all digests from going out now. Looked up once, when it is first asked for."""

    @cached_property
    def holds(self) -> Sequence[Hold]:
        """Those that leave no mail service to send through."""
        active = services.active_holds()
        held = {hold.mail_service for hold in active}
        is_all = "" in held or held >= set(plan_names())
        return active if is_all else []

    @cached_property
    def is_still(self) -> bool:
        return machinery.look().is_still

    @cached_property
    def edition(self) -> Edition | None:
        return plan.newest_edition(machinery.look().now)

    @cached_property
    def open_edition(self) -> Edition | None:
        found: Edition | None = Edition.objects.held().first()
        return found


# --- a digest ------------------------------------------------------------------------------
def verdict(digest: Digest, clock: Clock, outlook: Outlook, event: Event | None = None) -> Verdict:
    """What became of the digest, or what it waits for. `event` is the latest about it."""
    if digest.state == State.SKIPPED:
        said = {"time": clock.at(digest.due_at, digest.local_date)}
        words = _("not sent at %(time)s, %(because)s.")
        return Verdict(NONE, words % {**said, "because": because(digest.skip_reason)})
    if digest.state == State.READY:
        return Verdict(WAITING, _waits(digest, clock, outlook))
    kind, words_of = _OF_STATE[digest.state]
    at = digest.handed_over_at or digest.due_at
    said = {"time": clock.at(at, digest.local_date), "error": _error(digest, event)}
    if digest.state == State.UNCERTAIN:
        said["end"] = clock.at(at + settings.DELIVERY_DOUBT, digest.local_date)
    return Verdict(kind, words_of() % said)


_OF_STATE: Mapping[str, tuple[str, Callable[[], str]]] = {
    State.SENDING: (WAITING, lambda: _("being handed over since %(time)s.")),
    State.SENT: (
        GOOD,
        lambda: _("got it at %(time)s: the mail service took it, and nothing came back."),
    ),
    State.DELIVERED: (GOOD, lambda: _("got it at %(time)s; it has arrived.")),
    State.DEFERRED: (
        WAITING,
        lambda: _(
            "handed over at %(time)s, and on its way: the reader’s mail server asked the mail "
            "service to wait."
        ),
    ),
    State.UNCERTAIN: (
        BAD,
        lambda: _(
            "may have gone out at %(time)s, nobody knows. Unless the mail service says something, "
            "it counts as sent from %(end)s on."
        ),
    ),
    State.ASSUMED: (
        BAD,
        lambda: _("may have gone out at %(time)s, nobody knows; it counts as sent."),
    ),
    State.FAILED: (
        BAD,
        lambda: _("did not go out at %(time)s, because the mail service refused it: %(error)s"),
    ),
    State.BOUNCED: (BAD, lambda: _("handed over at %(time)s, but it bounced: %(error)s")),
    State.COMPLAINED: (BAD, lambda: _("got it at %(time)s, and reported it as spam.")),
}


def _error(digest: Digest, event: Event | None) -> str:
    said = [event.reject_reason, event.detail] if event else []
    return " ".join(filter(None, said)) or digest.error or _("no reason was given.")


def _waits(digest: Digest, clock: Clock, outlook: Outlook) -> str:
    """Why a digest that is due has not been handed over."""
    said = {"since": clock.at(digest.due_at, digest.local_date)}
    again = {"time": clock.at(digest.next_attempt_at), "error": digest.error or "–"}
    if digest.lease_until and digest.lease_until > clock.now:
        return _("due since %(since)s; a worker has it in hand.") % said
    if why := _holding(outlook):
        return _("due since %(since)s; %(why)s") % {**said, "why": why}
    if digest.attempts and digest.next_attempt_at > clock.now:
        words = _("due since %(since)s; the last try failed (%(error)s), the next is at %(time)s.")
        return words % {**said, **again}
    if digest.next_attempt_at > clock.now and plan.is_awaiting(digest.due_at, outlook.edition):
        return _awaiting(outlook) % {**said, **again}
    return _("due since %(since)s; a worker takes it next.") % said


def _awaiting(outlook: Outlook) -> str:
    if outlook.open_edition:
        return _(
            "due since %(since)s; it waits for its edition, which is held, until %(time)s at most."
        )
    return _("due since %(since)s; it waits for its edition to close, until %(time)s at most.")


def _holding(outlook: Outlook) -> str:
    """What keeps everything from going out, "" if nothing does."""
    if outlook.holds:
        reason = reasons.in_words(outlook.holds[0].reason)
        return _("sending is held: %(reason)s") % {"reason": reason}
    if outlook.is_still:
        return _("nothing is sent, because the clock does not tick.")
    return ""


def plan_names() -> Sequence[str]:
    return [service.name for service in services.look([])]


# --- the reader ----------------------------------------------------------------------------
def about_last(
    reader: Subscriber, digest: Digest | None, clock: Clock, outlook: Outlook, event: Event | None
) -> Verdict:
    """What became of the reader's latest digest, which is today's, or was due by now."""
    due = reader.next_due_at
    if due is not None and due <= clock.now:
        why = _holding(outlook) or _("it is planned at the next tick.")
        words = _("%(which)s: due since %(since)s; %(why)s")
        which = _which(reader.next_due_on or clock.local(due).date(), clock)
        return Verdict(WAITING, words % {"which": which, "since": clock.at(due), "why": why})
    if digest is None:
        return Verdict(NONE, _("No digest has been due yet."))
    found = verdict(digest, clock, outlook, event)
    which = _which(digest.local_date, clock)
    words = _("%(which)s: %(what)s") % {"which": which, "what": found.words}
    return Verdict(found.kind, words)


def _which(day: date, clock: Clock) -> str:
    if day == clock.today:
        return _("Today’s digest")
    if day == clock.today - timedelta(days=1):
        return _("Yesterday’s digest")
    return _("Digest of %(day)s") % {"day": clock.day(day)}


def about_next(reader: Subscriber, suppression: Suppression | None, clock: Clock) -> Verdict:
    """When the next digest comes, or why none does."""
    if why := _why_none(reader, suppression, clock):
        return Verdict(BAD, _("Next: none, because %(why)s") % {"why": why})
    due = reader.next_due_at
    if due is None or due <= clock.now:
        return Verdict(WAITING, _("Next: as soon as what is due has been planned."))
    words = preferences.next_digest_in_words(reader, clock.now)
    if reader.paused_until and reader.paused_until > clock.today:
        said = {"when": words, "day": clock.day(reader.paused_until)}
        return Verdict(
            WAITING, _("Next: %(when)s, because the reader has paused it until %(day)s.") % said
        )
    return Verdict(GOOD, _("Next: %(when)s.") % {"when": words})


def _why_none(reader: Subscriber, suppression: Suppression | None, clock: Clock) -> str:
    if suppression is not None:
        said = {
            "day": clock.day(clock.local(suppression.created_at).date()),
            "why": SUPPRESSIONS.get(suppression.reason, suppression.reason),
        }
        return _("the address has been suppressed since %(day)s: %(why)s.") % said
    if reader.state == Subscriber.State.PENDING:
        return _("the address has not been confirmed.")
    if reader.state == Subscriber.State.UNSUBSCRIBED:
        left = reader.unsubscribed_at
        day = clock.day(clock.local(left).date()) if left else "–"
        return _("the reader unsubscribed on %(day)s.") % {"day": day}
    return ""
