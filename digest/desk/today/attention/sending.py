"""What keeps digests and letters from going out."""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.urls import reverse_lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_stubs_ext import StrOrPromise

from digest.desk import reasons
from digest.desk.today.standing import Rows, Standing
from digest.desk.today.trouble import STUCK, Action, Trouble
from digest.desk.words import clock, duration, number
from digest.models import Digest, Hold

# How long digests may be due while none goes out, and letters may wait.
STUCK_AFTER = timedelta(minutes=15)
LETTERS_AFTER = timedelta(minutes=30)
_SEE = "digest.view_digest"


def held(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    for hold in rows.holds:
        until = clock(hold.until, standing.now) if hold.until else None
        name, reason = hold.mail_service, reasons.in_words(hold.reason)
        yield Trouble(
            f"held:{name}",
            (_("Sending through %(service)s is held: ") % {"service": name}) + reason
            if name
            else _("All sending is held: ") + reason,
            _("It goes on by itself at %(time)s.") % {"time": until}
            if until
            else _("It goes on when somebody says what had been sent.")
            if hold.is_of_safe_mode
            else _("It goes on when somebody releases the hold."),
            is_urgent=until is None,
            action=safe_mode_link() if hold.is_of_safe_mode else release_button(hold),
            # A used-up quota is no news.
            is_told=not hold.is_quota,
        )


def safe_mode_link() -> Action:
    return Action(
        reverse_lazy("admin:after_restore"), _("Say what had been sent"), "digest.change_hold"
    )


def release_button(hold: Hold) -> Action:
    url = reverse_lazy("admin:release_hold", args=[hold.pk])
    return Action(url, _("Release"), "digest.change_hold", is_post=True)


def stuck(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    since = rows.run.due_since
    is_explained = rows.clock.is_still or not any(not one.holds for one in rows.services)
    if since is None or is_explained or rows.run.per_second:
        return
    if standing.now - since > STUCK_AFTER:
        yield Trouble(
            STUCK,
            _("Digests have been due since %(time)s, and none goes out.")
            % {"time": clock(since, standing.now)},
            _("Look at the workers of the queue “digests” and their logs."),
        )


def only_to_some(standing: Standing) -> Iterator[Trouble]:
    if settings.MAIL_ONLY_TO:
        yield Trouble(
            "only_to",
            _("This installation sends mail to nobody who is not in MAIL_ONLY_TO."),
            _("That is for staging. Digests to others are skipped, and letters given up."),
            is_urgent=False,
            is_told=False,
            needs=(),
        )


def in_doubt(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    doubtful, patience = rows.run.in_doubt, settings.DELIVERY_DOUBT
    if doubtful.since and standing.now - doubtful.since > patience / 2:
        words = ngettext(
            "%(number)s digest has been in doubt since %(time)s: it may have gone out or not.",
            "%(number)s digests have been in doubt since %(time)s: they may have gone out or not.",
            doubtful.number,
        )
        since = clock(doubtful.since, standing.now)
        end = clock(doubtful.since + patience, standing.now)
        yield Trouble(
            "doubt",
            words % {"number": number(doubtful.number), "time": since},
            _("The mail server’s log knows. From %(time)s on they count as sent.") % {"time": end},
            action=Action(_digests("doubt=7"), _("See which"), permission=_SEE),
        )


def letters_waiting(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    oldest = rows.clock.oldest_letter
    if oldest and standing.now - oldest > LETTERS_AFTER:
        words = ngettext(
            "%(number)s letter waits, the oldest for %(time)s.",
            "%(number)s letters wait, the oldest for %(time)s.",
            rows.clock.letters,
        )
        yield Trouble(
            "letters",
            words % {"number": number(rows.clock.letters), "time": duration(standing.now - oldest)},
            _("Somebody who signs up waits for each. The log of the worker says why."),
            is_urgent=False,
            action=Action(
                reverse_lazy("admin:subscribers_letter_changelist"),
                _("Letters"),
                permission="subscribers.view_letter",
            ),
        )


def quota_too_small(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    lefts = [service.left for service in rows.services]
    if None in lefts or not rows.run.left:
        return
    left = sum(one or 0 for one in lefts)
    if left < rows.run.left:
        yield Trouble(
            "quota",
            _("%(waiting)s digests wait, and today’s quota has room for %(left)s.")
            % {"waiting": number(rows.run.left), "left": number(left)},
            _("The others go out after midnight UTC, unless they are too late by then."),
            is_urgent=False,
            is_told=False,
        )


def failed_today(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    if failed := rows.run.states.get(Digest.State.FAILED, 0):
        words = ngettext(
            "%(number)s of today’s digests failed.", "%(number)s of today’s digests failed.", failed
        )
        yield Trouble(
            "failed",
            words % {"number": number(failed)},
            _("The mail service refused them. Each says why."),
            is_urgent=False,
            is_told=False,
            action=Action(_digests("state__exact=failed"), _("See which"), permission=_SEE),
        )


def _digests(query: str) -> StrOrPromise:
    return format_lazy("{}?{}", reverse_lazy("admin:digest_digest_changelist"), query)
