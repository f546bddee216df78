"""Sources that cannot be read, and editions that do not close."""

from collections.abc import Iterator
from datetime import UTC, timedelta

from django.conf import settings
from django.urls import reverse_lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.desk.today.standing import Rows, Standing
from digest.desk.today.trouble import Action, Trouble
from digest.desk.words import ago, clock, hold_words, number
from digest.models import Edition
from digest.papers.editions import due_to_close

# An edition has this long after its hour to close.
_CLOSING = timedelta(minutes=10)
# At weekends sources publish little, so that an edition may be missing.
_WEEKEND = timedelta(days=3)


def sources_stale(standing: Standing, rows: Rows) -> Iterator[Trouble]:
    for source in rows.sources:
        if source.is_stale:
            words = _("%(source)s was last read: %(time)s.")
            advice = ngettext(
                "%(number)s look has failed since.",
                "%(number)s looks have failed since.",
                source.failed,
            )
            url = reverse_lazy("admin:look_now", args=[source.name])
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
            reverse_lazy("admin:digest_edition_act", args=[edition.date.isoformat()]),
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
            reverse_lazy("admin:digest_edition_changelist"),
            _("Editions"),
            permission="digest.view_edition",
        ),
    )
