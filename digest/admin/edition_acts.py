"""What operators can do at the edition desk: for each button its permission, and what it does.

Every act is safe to press twice. It returns what to tell the operator, and raises one of `REFUSED`
if it cannot be done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from digest import tasks
from digest.desk import audit, reasons
from digest.desk.editions import catching_up, forecasts, running, steering
from digest.desk.editions.candidates import Issue, newest_closed
from digest.desk.editions.tasks import catch_up, forecast
from digest.desk.words import number
from digest.models import CatchUp, Curation, Edition, Hold, Paper
from digest.papers import looking
from digest.papers.editions import EditionError

CHANGE, RUN = "digest.change_edition", "digest.run_edition"
REFUSED = (steering.SteeringError, EditionError)
SAME = gettext_noop("Nothing changed: it was like that already.")
# A source is not asked again so soon after it has been.
ASKED = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A button that was pressed: on the page of which issue, for which paper, by whom."""

    issue: Issue
    paper: Paper | None
    by: User
    now: datetime
    fields: Mapping[str, str]


class Act(NamedTuple):
    """What a button does. `starts` says that digests may be ready to go afterwards."""

    permission: str
    does: Callable[[Pressed], str]
    starts: bool = False


# --- papers --------------------------------------------------------------------------------
def _on_paper(change: Callable[[Paper, Pressed], bool], done: str) -> Callable[[Pressed], str]:
    def does(pressed: Pressed) -> str:
        if pressed.paper is None:
            raise steering.SteeringError(_("This edition has no such paper."))
        return done if change(pressed.paper, pressed) else SAME

    return does


def _move(step: int) -> Callable[[Paper, Pressed], bool]:
    def move(paper: Paper, pressed: Pressed) -> bool:
        order = [one.paper_id for one in steering.pinned(pressed.issue.key)]
        place = order.index(paper.pk) + 1 if paper.pk in order else 1
        return steering.move(paper, pressed.by, place=place + step)

    return move


def _set_texts(paper: Paper, pressed: Pressed) -> bool:
    fields = pressed.fields
    is_note = steering.annotate(paper, pressed.by, note=fields.get("note", ""))
    summary, shows = fields.get("summary", ""), fields.get("shows", Curation.Shows.USUAL)
    return steering.rewrite(paper, pressed.by, summary=summary, shows=shows) or is_note


# --- the edition and its run ---------------------------------------------------------------
def _hold(pressed: Pressed) -> str:
    is_new = running.hold(pressed.issue.day, pressed.now)
    return _("The edition is held until somebody approves it.") if is_new else SAME


def _approve(pressed: Pressed) -> str:
    is_new, edition = running.approve(pressed.issue.day, pressed.now)
    if edition:
        return _("The edition is approved and has closed. Its digests go out now.")
    hour = settings.EDITION_CLOSES_HOUR
    words = _("Approved: the edition closes at %(time)s UTC.") % {"time": f"{hour:02}:00"}
    return words if is_new else SAME


def _close(pressed: Pressed) -> str:
    edition = running.close(pressed.issue.day, pressed.now)
    return (
        _("The edition has closed.") if edition else _("No paper is waiting, so nothing can close.")
    )


def _fetch(pressed: Pressed) -> str:
    names = looking.sources_due(ASKED)
    for name in names:
        transaction.on_commit(partial(tasks.look.delay, name))
    if not names:
        return _("All sources have been asked within the last minute.")
    return _("Asking %(names)s for new papers.") % {"names": ", ".join(names)}


def _forecast(pressed: Pressed) -> str:
    forecasts.ask(pressed.issue.day, pressed.now)
    transaction.on_commit(forecast.delay)
    return _("The forecast is being made. Load this page again in a few seconds.")


def _pause(pressed: Pressed) -> str:
    return _("Sending is paused.") if running.pause() else SAME


def _resume(pressed: Pressed) -> str:
    if not running.resume():
        return SAME
    others = Hold.objects.active()
    if others:
        return _("The pause has ended, but there is another hold: %(hold)s") % {
            "hold": reasons.of_hold(others[0])
        }
    return _("Sending goes on.")


def _edition_of(pressed: Pressed) -> Edition:
    """The edition whose run is controlled: the newest, because no other is sent."""
    edition = newest_closed()
    if edition is None or edition.pk != pressed.issue.key:
        raise EditionError(_("Only the newest closed edition has a run."))
    return edition


def _stop(pressed: Pressed) -> str:
    is_new = running.stop(_edition_of(pressed), pressed.by, pressed.now)
    return _("The run is stopped: nobody else gets this edition.") if is_new else SAME


def _start(pressed: Pressed) -> str:
    edition = _edition_of(pressed)
    if not running.start(edition, pressed.by):
        return SAME
    return f"{_('The run goes on.')} {_try_again(CatchUp.Kind.MISSED, edition)}"


def _retry(pressed: Pressed) -> str:
    return _try_again(CatchUp.Kind.REFUSED)


def _send_missing(pressed: Pressed) -> str:
    return _try_again(CatchUp.Kind.MISSED, _edition_of(pressed))


def _try_again(kind: str, edition: Edition | None = None) -> str:
    """Begin at once, and leave to a worker what takes longer."""
    wish = catching_up.begin(kind, edition)
    if wish.done_at is None:
        transaction.on_commit(catch_up.delay)
        words = _("Digests that get another try: %(number)s so far, and a worker looks for more.")
    else:
        words = _("Digests that get another try: %(number)s.")
    return words % {"number": number(wish.number)}


ACTS: Mapping[str, Act] = {
    "pin": Act(
        CHANGE, _on_paper(lambda paper, by: steering.pin(paper, by.by), gettext_noop("Pinned."))
    ),
    "unpin": Act(
        CHANGE,
        _on_paper(lambda paper, by: steering.unpin(paper, by.by), gettext_noop("Not pinned.")),
    ),
    "up": Act(CHANGE, _on_paper(_move(-1), gettext_noop("Moved up."))),
    "down": Act(CHANGE, _on_paper(_move(1), gettext_noop("Moved down."))),
    "drop": Act(
        CHANGE,
        _on_paper(
            lambda paper, by: steering.drop(paper, by.by), gettext_noop("Dropped: nobody gets it.")
        ),
    ),
    "restore": Act(
        CHANGE,
        _on_paper(lambda paper, by: steering.restore(paper, by.by), gettext_noop("Taken back in.")),
    ),
    "texts": Act(CHANGE, _on_paper(_set_texts, gettext_noop("Saved."))),
    "no_picture": Act(
        CHANGE,
        _on_paper(
            lambda paper, by: steering.hide_picture(paper, by.by),
            gettext_noop("The picture is hidden."),
        ),
    ),
    "picture": Act(
        CHANGE,
        _on_paper(
            lambda paper, by: steering.show_picture(paper, by.by),
            gettext_noop("The picture is fetched again within a few minutes."),
        ),
    ),
    "hold": Act(CHANGE, _hold),
    "approve": Act(CHANGE, _approve, starts=True),
    "forecast": Act(CHANGE, _forecast),
    "close": Act(RUN, _close, starts=True),
    "fetch": Act(RUN, _fetch),
    "pause": Act(RUN, _pause),
    "resume": Act(RUN, _resume, starts=True),
    "stop": Act(RUN, _stop),
    "start": Act(RUN, _start, starts=True),
    "retry": Act(RUN, _retry, starts=True),
    "missing": Act(RUN, _send_missing, starts=True),
}


@transaction.atomic
def perform(name: str, pressed: Pressed, request: HttpRequest) -> str:
    """Do what a button says, and record it. Returns what to tell the operator."""
    words = ACTS[name].does(pressed)
    _record(name, pressed, request, audit.SAME if words == SAME else audit.DONE)
    return _(words)


def record_refusal(name: str, pressed: Pressed, request: HttpRequest, error: Exception) -> None:
    _record(name, pressed, request, audit.REFUSED, why=str(error))


def _record(
    name: str, pressed: Pressed, request: HttpRequest, result: audit.Result, **more: str
) -> None:
    issue, on = pressed.issue, pressed.paper or pressed.issue.edition
    noun = "paper" if pressed.paper else "edition"
    audit.record(request, f"{noun}.{name}", on=on, result=result, day=str(issue.day), **more)
