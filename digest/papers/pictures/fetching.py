"""Fetching the thumbnails that are due.

One at a time over all workers, so no host ever gets two requests at once. Nobody waits for it: a
paper whose picture is not there when its edition closes is mailed without.
"""

import logging
import time
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from digest.models import Paper, Picture
from digest.papers.looking import agent, turn
from digest.sources import SourceError, download
from digest.sources.http import Limits
from subscribers.database import Lock, only_one

from . import drawer, keeping
from .drawing import NoPicture, drawn

logger = logging.getLogger(__name__)

LIMITS = Limits(connect=5, read=8, total=12, size=drawer.MOST_BYTES, redirects=3)
# Older papers are not worth it, and how long a failure waits before another try.
_NEW = timedelta(days=7)
_PAUSE = timedelta(minutes=20)


def is_due() -> bool:
    return bool(settings.PICTURES) and _due().exists()


def fetch_due(*, seconds: float) -> int:
    """Fetch thumbnails for so long, the newest papers' first. Returns how many became pictures.

    Safe to run twice at once: the second does nothing.
    """
    until, number = time.monotonic() + seconds, 0
    with only_one(Lock.FETCHING_PICTURES) as is_ours:
        if not is_ours or not settings.PICTURES:
            return 0
        keeping.prune(timezone.now())
        # Each is looked up anew: an operator may have hidden it meanwhile.
        while time.monotonic() < until and (paper := _due().first()):
            number += _fetch(paper)
    return number


def _due() -> QuerySet[Paper]:
    tried = Q(
        picture_tries__tries__lt=keeping.MOST_TRIES, picture_tries__tried_at__lt=Now() - _PAUSE
    )
    papers = Paper.objects.filter(
        Q(picture_tries=None) | tried,
        picture="",
        set_aside="",
        first_seen_at__gt=timezone.now() - _NEW,
    )
    # Those that wait for an edition come first, and of these the most voted.
    return (
        papers.exclude(thumbnail_url="")
        .defer("search", "names", "features")
        .order_by(F("candidate").asc(nulls_first=True), "-votes", "pk")
    )


def _fetch(paper: Paper) -> bool:
    """Fetch one thumbnail. The try is noted before it, so that a killed worker tries no more."""
    tries, _ = Picture.objects.get_or_create(paper=paper)
    Picture.objects.filter(pk=tries.pk).update(
        tries=F("tries") + 1, tried_at=Now(), problem="It was not finished."
    )
    name, problem = "", ""
    try:
        name = keeping.store(drawn(_downloaded(paper.thumbnail_url)))
    except (SourceError, NoPicture) as error:
        problem = str(error)
    except Exception as error:  # a storage's own: full, forbidden, or out of reach
        logger.exception("A picture could not be stored.")
        problem = f"It could not be stored ({type(error).__name__})."
    mine = Picture.objects.filter(pk=tries.pk, tries__lt=keeping.HIDDEN)
    mine.update(problem=problem[:300])
    if name:
        # Not if it was hidden meanwhile.
        shown = Paper.objects.filter(pk=paper.pk, picture_tries__tries__lt=keeping.HIDDEN)
        return bool(shown.update(picture=name))
    logger.info("No picture for paper %s: %s", paper.pk, problem)
    return False


def _downloaded(url: str) -> bytes:
    with turn(url):
        return download(url, agent=agent(), limits=LIMITS).body
