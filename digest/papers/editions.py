"""Editions: the papers of one day, the same for all readers, frozen when the edition closes.

Papers that are in no edition yet are *waiting*, and closing an edition takes all of them. Papers
that arrive later wait for the next one, so none is lost between two editions, and none is a
candidate twice.
"""

from datetime import UTC, date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from digest.models import Edition, EditionPaper, Paper, PaperTopic
from subscribers.database import Lock, wait_for_lock

from .matching import match


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
                f"The edition of {day} is already closed. Papers that have come in since then go "
                "into the next one."
            )
        match(list(waiting_papers()))
        papers = list(waiting_papers().prefetch_related(_TOPICS))
        if not papers:
            return None
        edition = open_edition(day)
        EditionPaper.objects.bulk_create(_candidate(edition, paper) for paper in papers)
        edition.date = day
        edition.closed_at = now
        edition.save(update_fields=["date", "closed_at"])
        return edition


def due_to_close(day: date, hour: int) -> datetime:
    """Return the instant at which the edition of `day` is due to close: at that UTC hour."""
    return datetime.combine(day, time(hour), UTC)


def close_if_due(now: datetime, *, hour: int) -> Edition | None:
    """Close the edition that is due, unless it is closed. Returns it, or None.

    An edition is due at the UTC `hour` of its day. One that was missed, for example in an outage,
    is closed late if papers were there in time. After midnight, later papers alone do not make one:
    they wait for the next. Safe to repeat and to run twice at once.
    """
    day = (now.astimezone(UTC) - timedelta(hours=hour)).date()
    waiting = waiting_papers()
    if day < now.astimezone(UTC).date():
        waiting = waiting.filter(first_seen_at__lt=due_to_close(day, hour))
    if Edition.objects.closed().filter(date__gte=day).exists() or not waiting.exists():
        return None
    try:
        return close(day, now=now)
    except EditionError:
        return None  # another process was faster


_TOPICS = Prefetch("papertopic_set", queryset=PaperTopic.objects.order_by("topic_id"))


def _candidate(edition: Edition, paper: Paper) -> EditionPaper:
    fits = {str(pair.topic_id): round(pair.fit, 4) for pair in paper.papertopic_set.all()}
    return EditionPaper(
        edition=edition, paper=paper, votes=paper.votes, comments=paper.comments, fits=fits
    )
