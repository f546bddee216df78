"""What needs a person: each trouble in words, with what to do about it, the worst first.

In goes a `Standing`; out come `Trouble` values. The page shows them, the alerts tell of those that
are worth a message, and `/ready` fails for some. Each kind of trouble is one function of `KINDS`.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.desk import reasons
from digest.desk.words import ago, clock, duration, hold_words, number
from digest.models import Digest, Edition, Hold
from digest.papers.editions import due_to_close

from .standing import Rows, Standing
from .trouble import DATABASE, REDIS, STUCK, TICK, Action, Trouble
from .webhooks import webhooks_failing

# How long digests may be due while none goes out, and letters may wait.
STUCK_AFTER = timedelta(minutes=15)
LETTERS_AFTER = timedelta(minutes=30)
# An edition has this long after its hour to close.
_CLOSING = timedelta(minutes=10)
# At weekends sources publish little, so that an edition may be missing.
_WEEKEND = timedelta(days=3)
_SEE = "digest.view_digest"


def troubles(standing: Standing) -> list[Trouble]:
    """Return what needs a person, the urgent first."""
    found = [trouble for kind in KINDS for trouble in kind(standing)]
    if standing.rows:
        found += [trouble for of in KINDS_OF_ROWS for trouble in of(standing, standing.rows)]
    return sorted(found, key=lambda trouble: not trouble.is_urgent)


# --- what needs no database ----------------------------------------------------------------
def database_down(standing: Standing) -> Iterator[Trouble]:
    if standing.rows is None:
        yield Trouble(
            DATABASE,
            _("PostgreSQL cannot be reached (%(error)s).") % {"error": standing.problem},
            _("Pages answer 503 and nothing is sent. Nothing is lost: sending goes on by itself."),
            patience=timedelta(seconds=25),
            needs=(),
        )


def redis_down(standing: Standing) -> Iterator[Trouble]:
    if not standing.broker.is_up:
        yield Trouble(
            REDIS,
            _("Redis cannot be reached (%(error)s).") % {"error": standing.broker.problem},
            _("No task is started: nothing is planned, sent or fetched. Nothing is lost."),
            patience=timedelta(seconds=25),
            needs=(),
        )


def queues_without_worker(standing: Standing) -> Iterator[Trouble]:
    for queue in standing.broker.unserved():
        yield Trouble(
            f"queue:{queue}",
            _("No living worker serves the queue “%(queue)s”; %(number)s tasks wait in it.")
            % {"queue": queue, "number": number(standing.broker.queues[queue])},
            _("Start a worker for it, or restart the one that hangs."),
            patience=timedelta(seconds=90),
            needs=(REDIS,),
        )


def disks_full(standing: Standing) -> Iterator[Trouble]:
    for disk in standing.disks:
        if disk.is_full:
            yield Trouble(
                f"disk:{disk.folder}",
                _("The disk with %(folder)s is nearly full: %(percent)s %% free.")
                % {"folder": disk.folder, "percent": f"{disk.free * 100:.0f}"},
                _("Make room. Once it is full, nobody can sign up and nothing is sent."),
                needs=(),
            )


KINDS: tuple[Callable[[Standing], Iterator[Trouble]], ...] = (
    database_down,
    redis_down,
    queues_without_worker,
    disks_full,
)


# --- what the rows say ---------------------------------------------------------------------
def no_tick(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    if not rows.clock.is_still:
        return
    waiting = standing.broker.queues.get("ticks", 0)
    if not standing.broker.is_up:
        advice = _("Redis is down, without which nothing ticks.")
    elif waiting > 1:
        advice = _("%(number)s ticks wait in the queue: restart the worker of the queue “ticks”.")
        advice %= {"number": number(waiting)}
    else:
        advice = _("Restart the clock (celery beat), and look into its log.")
    age = rows.clock.age
    yield Trouble(
        TICK,
        _("No tick for %(time)s: nothing is planned or fetched.") % {"time": duration(age)}
        if age
        else _("There has not been a tick yet: nothing is planned, sent or fetched."),
        advice,
        # Somebody may be starting it for the first time.
        patience=timedelta(0) if age else timedelta(minutes=4),
    )


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
            else _("It goes on when somebody releases the hold."),
            is_urgent=until is None,
            action=release_button(hold),
            # A used-up quota is no news.
            is_told=not hold.is_quota,
        )


def release_button(hold: Hold) -> Action:
    url = reverse("admin:release_hold", args=[hold.pk])
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
            action=Action(f"{_digests()}?doubt=7", _("See which"), permission=_SEE),
        )


def sources_stale(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    for source in rows.sources:
        if source.is_stale:
            words = _("%(source)s was last read: %(time)s.")
            advice = ngettext(
                "%(number)s look has failed since.",
                "%(number)s looks have failed since.",
                source.failed,
            )
            url = reverse("admin:look_now", args=[source.name])
            yield Trouble(
                f"source:{source.name}",
                words % {"source": source.label, "time": ago(source.good_at, standing.now)},
                advice % {"number": number(source.failed)},
                action=Action(url, _("Look now"), "digest.run_edition", is_post=True),
            )


def edition_held(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    edition = rows.run.held
    if edition is None:
        return
    due = due_to_close(edition.date, settings.EDITION_CLOSES_HOUR)
    words = _("The edition of %(day)s is held: %(rule)s")
    words %= {"day": f"{edition.date:%Y-%m-%d}", "rule": hold_words(edition, rows.run.open_papers)}
    advice = _("It should have closed at %(time)s; readers wait for it.")
    yield Trouble(
        "edition_held",
        words,
        (advice if due <= standing.now else _("It does not close at %(time)s."))
        % {"time": clock(due, standing.now)},
        is_urgent=due <= standing.now,
        # Whoever holds it knows.
        is_told=edition.hold_rule != Edition.HoldRule.OPERATOR or due <= standing.now,
        action=Action(
            reverse("admin:digest_edition_act", args=[edition.date.isoformat()]),
            _("Approve"),
            "digest.change_edition",
            is_post=True,
            act="approve",
            question=_(
                "Have it close at its hour whatever the rules say, or now if that hour has come?"
            ),
        ),
    )


def edition_missing(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    """An edition that should have closed today, UTC."""
    if rows.run.held:
        return
    today, newest = standing.now.astimezone(UTC).date(), rows.run.edition
    due = due_to_close(today, settings.EDITION_CLOSES_HOUR)
    is_there = newest is not None and newest.date >= today
    if is_there or standing.now < due + _CLOSING or rows.clock.ticked_at is None:
        return
    is_quiet = newest is not None and today - newest.date <= _WEEKEND
    if today.weekday() >= 5 and is_quiet and not rows.run.open_papers:
        return
    yield Trouble(
        "edition",
        _("Today’s edition has not closed. The newest is of %(day)s.")
        % {"day": f"{newest.date:%Y-%m-%d}"}
        if newest
        else _("Today’s edition has not closed. There has been none yet."),
        ngettext(
            "%(number)s paper waits for it.", "%(number)s papers wait for it.", rows.run.open_papers
        )
        % {"number": number(rows.run.open_papers)},
        action=Action(
            reverse("admin:digest_edition_changelist"),
            _("Editions"),
            permission="digest.view_edition",
        ),
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
                reverse("admin:subscribers_letter_changelist"),
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
            action=Action(f"{_digests()}?state__exact=failed", _("See which"), permission=_SEE),
        )


def _digests() -> str:
    return reverse("admin:digest_digest_changelist")


KINDS_OF_ROWS: tuple[Callable[[Standing, Rows], Iterator[Trouble]], ...] = (
    no_tick,
    edition_held,
    held,
    stuck,
    in_doubt,
    sources_stale,
    edition_missing,
    letters_waiting,
    failed_today,
    quota_too_small,
    webhooks_failing,
)
