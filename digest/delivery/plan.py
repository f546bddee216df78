"""Who is due: a digest row for each of them, once, and the time of their next one."""

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfoNotFoundError

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from digest.models import Digest, Edition
from subscribers.models import Subscriber
from subscribers.schedule import next_due

logger = logging.getLogger(__name__)

BATCH = 2000
# A reader who signs up while the sources are silent is not sent news of the month before.
FRESH = timedelta(days=7)


def newest_edition() -> Edition | None:
    """The edition that digests are made from now, if there is one that is still news."""
    edition = Edition.objects.closed().order_by("-date").first()
    if edition is None or edition.date < database_now().date() - FRESH:
        return None
    return edition


def plan_due() -> int:
    """Make a digest row for every reader whose time has come. Answers how many were made.

    Sets each reader's `next_due_at` in the same transaction. The row is unique for edition and
    reader, so this may be run at any time, twice, and by several at once.
    """
    edition = newest_edition()
    made = 0
    while (batch := _plan_batch(edition)) is not None:
        made += batch
    return made


def plan_early() -> int:
    """Make a digest row for every active reader who has none of the newest edition yet.

    For an operator who does not want to wait; nobody's `next_due_at` changes, and when their
    time comes the row is there already.
    """
    edition = newest_edition()
    if edition is None:
        return 0
    readers = _active_unpaused().exclude(
        Exists(Digest.objects.filter(edition=edition, subscriber=OuterRef("pk")))
    )
    now = database_now()
    return _make_rows(edition, [(pk, now) for pk in readers.values_list("pk", flat=True)])


def _plan_batch(edition: Edition | None) -> int | None:
    """Plan the readers who have been due longest; None when nobody is due."""
    with transaction.atomic():
        due = list(
            Subscriber.objects.active()
            .filter(next_due_at__lte=Now())
            .order_by("next_due_at", "id")
            .select_for_update(skip_locked=True)
            .values_list("pk", "next_due_at", *_WISHES)[:BATCH]
        )
        if not due:
            return None
        made = _make_rows(edition, [(pk, at) for pk, at, *_ in due]) if edition else 0
        next_due = _clock(database_now())
        _set_next_due([(pk, next_due(*wishes)) for pk, _, *wishes in due])
        return made


_WISHES = ("zone", "hour", "frequency", "weekday", "paused_until")


def _clock(now: datetime) -> Callable[..., datetime]:
    """`schedule.next_due` after `now`, for a batch: most readers wish what others wish too."""

    @cache
    def after_now(
        zone: str, hour: int, frequency: str, weekday: int, paused_until: date | None
    ) -> datetime:
        def in_zone(zone: str) -> datetime:
            return next_due(
                now,
                zone=zone,
                hour=hour,
                frequency=frequency,
                weekday=weekday,
                paused_until=paused_until,
            )

        try:
            return in_zone(zone)
        except ZoneInfoNotFoundError:
            # A zone that was struck from the time zone database must not stop the others.
            logger.error("There is no zone %s any more; UTC is used.", zone)
            return in_zone("UTC")

    return after_now


def _set_next_due(times: list[tuple[int, datetime]]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE subscribers_subscriber s SET next_due_at = due.at
            FROM unnest(%s::bigint[], %s::timestamptz[]) AS due(id, at) WHERE s.id = due.id
            """,
            [[pk for pk, _ in times], [at for _, at in times]],
        )


def _active_unpaused() -> QuerySet[Subscriber]:
    return Subscriber.objects.active().filter(Q(paused_until=None) | Q(paused_until__lte=Now()))


def _make_rows(edition: Edition, due: list[tuple[int, datetime]]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO digest_digest (edition_id, subscriber_id, due_at)
            SELECT %s, due.id, due.at FROM unnest(%s::bigint[], %s::timestamptz[]) AS due(id, at)
            ON CONFLICT DO NOTHING
            """,
            [edition.pk, [pk for pk, _ in due], [at for _, at in due]],
        )
        return int(cursor.rowcount)


def database_now() -> datetime:
    """The database's clock, which is the only one that counts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        (now,) = cursor.fetchone()
        assert isinstance(now, datetime)
        return now
