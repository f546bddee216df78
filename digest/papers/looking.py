"""Asking the sources: which are due, what they answered, and how often they may be asked.

In: the settings and the clock. Out: papers, through `intake.store`, and one Look row for each
request.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from digest.models import Look, Validator
from digest.sources import (
    OPTIONS,
    Download,
    Get,
    NotYet,
    Source,
    SourceError,
    Validators,
    download,
    get_source,
)
from digest.sources.arxiv import SECONDS_BETWEEN_REQUESTS, is_at_arxiv
from digest.sources.base import NOTHING_KNOWN
from digest.sources.http import AGENT
from subscribers.database import Lock, wait_for_lock

from .intake import Intake, store

logger = logging.getLogger(__name__)

# How long a past day that was read without failure counts as read. Today's and yesterday's
# lists still fill up and are read each time.
_REREAD = timedelta(hours=20)


def source_named(name: str) -> Source:
    """Return the source as the settings configure it. Raises SourceError if there is none."""
    return get_source(name, **{option: getattr(settings, option.upper()) for option in OPTIONS})


def sources_due(every: timedelta) -> list[str]:
    """Return the configured sources without a look within the last `every`."""
    recent = Look.objects.filter(at__gt=timezone.now() - every).values_list("source", flat=True)
    seen = set(recent.distinct())
    return [name for name in settings.SOURCES if name not in seen]


def polite_download(url: str) -> Download:
    """GET `url` as this site, no more often than its owner allows. Raises SourceError."""
    with turn(url):
        return download(url, agent=agent())


def changed_download(url: str) -> Download:
    """GET `url` in the same way, if it has changed since it was last read and stored."""
    row = Validator.objects.filter(address=_hashed(url)).first()
    known = Validators(row.etag, row.last_modified) if row else NOTHING_KNOWN
    with turn(url):
        return download(url, agent=agent(), known=known)


def agent() -> str:
    return f"{AGENT} (+{settings.SITE_URL})"


def look(name: str, day: date | None = None, *, get: Get | None = None) -> Look:
    """Ask a source for the papers of `day`, or for its latest, and store them.

    Feeds are asked for changes only; a daily source that repeats itself is news to the operator.

    Returns the Look row that says what came of it. A source that fails is such an outcome, not
    an exception, and changes no paper. Safe to repeat.
    """
    at = timezone.now()
    result = Look(source=name, day=day, at=at)
    try:
        source = source_named(name)
        usual = polite_download if source.is_daily else changed_download
        answer = source.fetch(day, get or usual)
        with transaction.atomic():
            intake = store(name, answer, seen_at=at)
            _remember(answer.validators, at)
    except NotYet as error:
        is_over = day is not None and day < at.date()
        result.outcome = Look.Outcome.FAILED if is_over else Look.Outcome.QUIET
        result.message = str(error)
    except SourceError as error:
        result.outcome = Look.Outcome.FAILED
        result.message = str(error)
    else:
        result.outcome = _outcome(source, day, intake, at)
        result.new, result.changed = intake.new, intake.changed
        result.same, result.bad = intake.same, intake.bad
        result.message = intake.message
    result.save()
    _log(result)
    return result


def look_back(name: str, days: int = 7, *, get: Get | None = None) -> list[Look]:
    """Look at the latest papers and again at the days before.

    That brings in what an outage kept from us, and updates votes and comments. Stops at the
    first failure, because a source that is down is down for all days. Safe to repeat.
    """
    try:
        asked = source_named(name).recent(timezone.now().date(), days)
    except SourceError:
        return [look(name, get=get)]  # fails in the same way, and keeps a row of it
    looks: list[Look] = []
    for day in _unread(name, asked):
        looks.append(look(name, day, get=get))
        if looks[-1].outcome == Look.Outcome.FAILED:
            break
    return looks


def _remember(validators: Mapping[str, Validators], at: datetime) -> None:
    """Keep what the addresses answered with. What they say next is compared with that.

    Kept as hashes, because an address may hold a secret.
    """
    Validator.objects.bulk_create(
        [
            Validator(address=_hashed(url), etag=one.etag, last_modified=one.last_modified, at=at)
            for url, one in validators.items()
        ],
        update_conflicts=True,
        unique_fields=["address"],
        update_fields=["etag", "last_modified", "at"],
    )


def _hashed(url: str) -> str:
    return hashlib.sha256(url.encode()).hexdigest()


def _unread(name: str, asked: list[date | None]) -> list[date | None]:
    now = timezone.now()
    well_read = (Look.Outcome.OK, Look.Outcome.QUIET, Look.Outcome.STALE)
    looks = Look.objects.filter(source=name, outcome__in=well_read, at__gt=now - _REREAD)
    read = set(looks.values_list("day", flat=True))
    yesterday = now.date() - timedelta(days=1)
    return [day for day in asked if day is None or day >= yesterday or day not in read]


def _outcome(source: Source, day: date | None, intake: Intake, at: datetime) -> Look.Outcome:
    """Return OK, QUIET (no papers) or STALE.

    If a day should have a new batch and we know all of its papers, it is the previous day's
    batch again: a source can be late without saying so. It is not stale if an earlier look
    today brought in new papers.
    """
    if not intake.papers:
        return Look.Outcome.QUIET
    is_new_batch_expected = source.is_daily and day in (None, at.date()) and at.weekday() < 5
    if intake.new or not is_new_batch_expected:
        return Look.Outcome.OK
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    looks = Look.objects.filter(source=source.name, at__gte=midnight, day=day, new__gt=0)
    return Look.Outcome.OK if looks.exists() else Look.Outcome.STALE


def _log(result: Look) -> None:
    level = logging.WARNING if result.outcome == Look.Outcome.FAILED else logging.INFO
    logger.log(
        level,
        "%s %s: %s. %d new, %d changed, %d known, %d left out. %s",
        result.source,
        result.day or "latest",
        result.get_outcome_display(),
        result.new,
        result.changed,
        result.same,
        result.bad,
        result.message.partition("\n")[0],
    )


@contextmanager
def turn(url: str) -> Iterator[None]:
    """Wait until `url` may be requested.

    arXiv asks for three seconds between requests, and one connection at a time, over all our
    machines. All of them share the database, so a request is made while holding its lock, after
    a pause. The lock ends with its holder: no time needs to be stored, and a killed worker
    leaves nothing behind.
    """
    if not is_at_arxiv(url):
        yield
        return
    with transaction.atomic():
        wait_for_lock(Lock.ASKING_ARXIV)
        time.sleep(SECONDS_BETWEEN_REQUESTS)
        yield
