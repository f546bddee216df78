"""Who is due: a digest row for each of them, once, and the time of their next one."""

import logging
from datetime import datetime, timedelta
from zoneinfo import ZoneInfoNotFoundError

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from digest.models import Digest, Edition
from subscribers.models import Subscriber
from subscribers.schedule import next_due_of

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
            .select_for_update(skip_locked=True)[:BATCH]
        )
        if not due:
            return None
        now = database_now()
        made = _make_rows(edition, [(s.pk, s.next_due_at or now) for s in due]) if edition else 0
        _set_next_due([(s.pk, _next_due(s, now)) for s in due])
        return made


def _next_due(subscriber: Subscriber, now: datetime) -> datetime:
    """A zone that was struck from the time zone database must not stop the other readers."""
    try:
        return next_due_of(subscriber, now)
    except ZoneInfoNotFoundError:
        logger.error("Subscriber %s has no zone that we know; UTC is used.", subscriber.pk)
        subscriber.zone = "UTC"
        return next_due_of(subscriber, now)


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
