"""Editions: the papers of one day, the same for all readers, frozen when the day closes.

Papers that no edition has yet are *waiting*; closing an edition takes all of them. What
arrives later waits for the next one, so nothing is lost between two editions, and no paper
is a candidate twice.
"""

from datetime import UTC, date, datetime

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from digest.models import Edition, EditionPaper, Paper, PaperTopic
from subscribers.database import Lock, wait_for_lock

from .matching import match


class EditionError(Exception):
    """An edition that cannot be made; the text says why, for the operator."""


def waiting_papers() -> QuerySet[Paper]:
    """Papers that are in no edition, the most voted first: the next edition's candidates."""
    return Paper.objects.filter(candidate=None).order_by("-votes", "-comments", "id")


def open_edition(day: date) -> Edition:
    """The edition that fills at present. It is opened, for `day`, if none is open."""
    edition, _ = Edition.objects.get_or_create(closed_at=None, defaults={"date": day})
    return edition


def close(day: date, *, now: datetime) -> Edition | None:
    """Freeze the waiting papers, with the figures they have now, as the edition of `day`.

    Answers None, and makes nothing, when no paper is waiting: a day with nothing new has no
    edition. Safe to repeat and to run twice at once; raises EditionError if `day` has its
    edition already.
    """
    with transaction.atomic():
        wait_for_lock(Lock.CLOSING_AN_EDITION)
        if Edition.objects.closed().filter(date=day).exists():
            raise EditionError(
                f"The edition of {day} is closed already. Papers that came in since then go "
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


def close_if_due(now: datetime, *, hour: int) -> Edition | None:
    """Close today's edition when the UTC `hour` has come and it is not closed yet."""
    today = now.astimezone(UTC).date()
    is_closed = Edition.objects.closed().filter(date__gte=today).exists()
    if now.astimezone(UTC).hour < hour or is_closed or not waiting_papers().exists():
        return None
    try:
        return close(today, now=now)
    except EditionError:
        return None  # another tick was faster


_TOPICS = Prefetch("papertopic_set", queryset=PaperTopic.objects.order_by("topic_id"))


def _candidate(edition: Edition, paper: Paper) -> EditionPaper:
    fits = {str(pair.topic_id): round(pair.fit, 4) for pair in paper.papertopic_set.all()}
    return EditionPaper(
        edition=edition, paper=paper, votes=paper.votes, comments=paper.comments, fits=fits
    )
