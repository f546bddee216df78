"""Editions: the papers of one day, the same for all readers, frozen when the edition closes.

Papers that are in no edition yet are *waiting*, and closing an edition takes all of them. Papers
that arrive later wait for the next one, so none is lost between two editions, and none is a
candidate twice.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext as _

from digest.models import Edition, EditionPaper, Paper, PaperTopic, Summary
from subscribers.database import Lock, wait_for_lock

from .holding import Hold, Rules, is_approved, why_held
from .matching import match
from .sentences import kept, summaries_of

NO_RULES = Rules()


class EditionError(Exception):
    """An edition cannot be made. The text tells the operator why."""


def waiting_papers() -> QuerySet[Paper]:
    """Return the papers that are in no edition yet and belong into one, most votes first."""
    return Paper.objects.filter(candidate=None, set_aside="").order_by("-votes", "-comments", "id")


def open_edition(day: date) -> Edition:
    """Return the open edition. If there is none, open one for `day`."""
    edition, _ = Edition.objects.get_or_create(closed_at=None, defaults={"date": day})
    return edition


def close(day: date, *, now: datetime) -> Edition | None:
    """Freeze the waiting papers, with their current figures, as the edition of `day`.

    Returns None, and makes nothing, if no paper is waiting: a day with nothing new has no
    edition. Safe to repeat and to run twice at once: raises EditionError if the edition of `day`
    is already closed.
    """
    with transaction.atomic():
        wait_for_lock(Lock.CLOSING_AN_EDITION)
        if Edition.objects.closed().filter(date=day).exists():
            raise EditionError(
                _(
                    "The edition of %(day)s is already closed. Papers that have come in since then "
                    "go into the next one."
                )
                % {"day": day}
            )
        match(list(waiting_papers()))
        papers = list(waiting_papers().prefetch_related(_TOPICS))
        if not papers:
            return None
        edition = open_edition(day)
        said = summaries_of(papers)
        EditionPaper.objects.bulk_create(
            _candidate(edition, paper, said.get(paper.pk, {})) for paper in papers
        )
        edition.date, edition.closed_at = day, now
        edition.hold_rule, edition.hold_reason, edition.held_at = "", "", None
        edition.save()
        return edition


@contextmanager
def as_if_closed(day: date, *, now: datetime) -> Iterator[Edition | None]:
    """Close the edition of `day` for as long as the block runs, and undo that, with all that the
    block writes. Nobody else sees any of it; who wants to close an edition meanwhile waits.
    """
    with transaction.atomic():
        try:
            yield close(day, now=now)
        finally:
            transaction.set_rollback(True)


def due_to_close(day: date, hour: int) -> datetime:
    """Return the instant at which the edition of `day` is due to close: at that UTC hour."""
    return datetime.combine(day, time(hour), UTC)


def next_day(now: datetime, hour: int) -> date:
    """Return the day of the edition that closes next: one that is due, or the next one to be."""
    due = (now.astimezone(UTC) - timedelta(hours=hour)).date()
    newest = Edition.objects.closed().order_by("-date").values_list("date", flat=True).first()
    is_missed = newest is None or newest < due
    return due if is_missed or newest is None else max(due, newest) + timedelta(days=1)


def close_if_due(now: datetime, *, hour: int, rules: Rules = NO_RULES) -> Edition | None:
    """Close the edition that is due, unless it is closed or held. Returns it, or None.

    An edition is due at the UTC `hour` of its day. It is held if an operator, or one of the
    `rules`, says so and nobody has approved it (``holding``); its row then says why. One that was
    missed, for example in an outage, is closed late if papers were there in time. After midnight,
    later papers alone do not make one: they wait for the next. Safe to repeat and to run twice at
    once.
    """
    day = (now.astimezone(UTC) - timedelta(hours=hour)).date()
    waiting = waiting_papers()
    if day < now.astimezone(UTC).date():
        waiting = waiting.filter(first_seen_at__lt=due_to_close(day, hour))
    if Edition.objects.closed().filter(date__gte=day).exists() or not waiting.exists():
        return None
    try:
        return None if _hold_if_needed(day, now, rules) else close(day, now=now)
    except EditionError:
        return None  # another process was faster


def _hold_if_needed(day: date, now: datetime, rules: Rules) -> bool:
    """Return whether the edition of `day` is held, and have its row say why."""
    edition = Edition.objects.open().first()
    if is_approved(edition, day):
        return False
    hold = why_held(edition, waiting_papers().count(), now, rules)
    said = Hold(edition.hold_rule, edition.hold_reason) if edition else Hold("", "")
    if hold and (edition is None or hold != said or edition.date != day):
        set_hold(day, hold, now)
    return hold is not None


def set_hold(day: date, hold: Hold, now: datetime) -> Edition:
    """Hold the edition of `day`. An operator's hold ends its approval; no other holds what has been
    approved. Raises EditionError if it has closed in the meantime."""
    with transaction.atomic():
        wait_for_lock(Lock.CLOSING_AN_EDITION)
        if Edition.objects.closed().filter(date__gte=day).exists():
            raise EditionError(_("The edition of %(day)s is already closed.") % {"day": day})
        edition = open_edition(day)
        if hold.rule != Edition.HoldRule.OPERATOR and is_approved(edition, day):
            return edition
        if edition.hold_rule != hold.rule:
            edition.held_at = now
        edition.date, edition.approved_at = day, None
        edition.hold_rule, edition.hold_reason = hold
        edition.save()
        return edition


_TOPICS = Prefetch("papertopic_set", queryset=PaperTopic.objects.order_by("topic_id"))


def _candidate(edition: Edition, paper: Paper, summaries: Mapping[str, Summary]) -> EditionPaper:
    fits = {str(pair.topic_id): round(pair.fit, 4) for pair in paper.papertopic_set.all()}
    return EditionPaper(
        edition=edition,
        paper=paper,
        votes=paper.votes,
        comments=paper.comments,
        fits=fits,
        sentences=kept(paper, summaries),
        picture=paper.picture,
    )


def approve(day: date, now: datetime) -> bool:
    """Have the edition of `day` close at its hour, whatever holds it. Returns whether that is new.

    Raises EditionError if it has closed in the meantime.
    """
    with transaction.atomic():
        wait_for_lock(Lock.CLOSING_AN_EDITION)
        if Edition.objects.closed().filter(date__gte=day).exists():
            raise EditionError(_("The edition of %(day)s is already closed.") % {"day": day})
        edition = open_edition(day)
        if is_approved(edition, day) and not edition.hold_rule:
            return False
        edition.date, edition.approved_at = day, now
        edition.hold_rule, edition.hold_reason, edition.held_at = "", "", None
        edition.save()
        return True
