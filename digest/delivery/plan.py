"""Who is due: one digest row for each of them, and the time of their next one."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, partial
from typing import Any, NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from digest.models import Digest, Edition
from subscribers.database import database_now, execute, fetch
from subscribers.models import Subscriber
from subscribers.wishes.schedule import next_due

from .conditions import HELD
from .leases import Lease
from .recipients import COLUMNS, Claimed, from_row

logger = logging.getLogger(__name__)

BATCH = 2000
# Readers who sign up while the sources are silent are not sent last month's news.
FRESH = timedelta(days=7)


def newest_edition() -> Edition | None:
    """The edition that digests are made from now, or None if the newest one is stale."""
    edition = Edition.objects.closed().order_by("-date").first()
    if edition is None or edition.date < database_now().date() - FRESH:
        return None
    return edition


def plan_due() -> int:
    """Make a digest row for every reader who is due. Returns how many rows were made.

    This is for times when no worker may claim them (``claim_due``): the rows show that they are
    late, and where there is no edition to send, the readers' next time is set. A row is unique to
    its edition and reader, so this may run at any time, twice, and in several processes at once.
    """
    edition = newest_edition()
    made = 0
    while (rows := _plan_batch(edition, BATCH, "true", {})) is not None:
        made += len(rows)
    return made


def claim_due(limit: int, *, lease: timedelta, mail_service: str) -> Lease:
    """Make the digest rows of up to `limit` readers who are due and lease them in one statement.

    Readers who have been due longest come first. Those whom another worker is planning are passed
    over rather than waited for, so any number of workers can plan at once. A reader who already has
    a row for this edition gets no other, only their next time. Nothing is claimed while the mail
    service is held or there is no edition; ``plan_due`` covers those times.
    """
    token = uuid4()
    edition = newest_edition()
    if edition is None:
        return Lease(token, [])
    parameters = {"mail_service": mail_service, "token": token, "lease": lease}
    rows: list[tuple[int, UUID, _Due]] | None = []
    while rows == []:
        rows = _plan_batch(edition, limit, f"NOT {HELD}", parameters)
    return Lease(
        token,
        [
            Claimed(pk, uuid, 0, from_row(pk, edition.pk, due.reader))
            for pk, uuid, due in rows or ()
        ],
    )


def is_anybody_due() -> bool:
    """Whether there is a reader to make a digest for, and an edition to make it from."""
    due = Subscriber.objects.active().filter(next_due_at__lte=Now())
    return newest_edition() is not None and due.exists()


def plan_early() -> int:
    """Make a digest row for every active reader who has none for the newest edition yet.

    For an operator who does not want to wait. Nobody's `next_due_at` changes; when their time
    comes, the row is already there. Returns how many rows were made.
    """
    edition = newest_edition()
    if edition is None:
        return 0
    readers = _active_unpaused().exclude(
        Exists(Digest.objects.filter(edition=edition, subscriber=OuterRef("pk")))
    )
    return len(_make_rows(edition, list(readers.values_list("pk", flat=True)), {}))


class _Due(NamedTuple):
    """A reader who is due: the preferences that say when, and a row of ``recipients.COLUMNS``."""

    timing: tuple[str, int, str, int, date | None]
    reader: tuple[Any, ...]


_TIMING = ("zone", "hour", "frequency", "weekday", "paused_until")


def _plan_batch(
    edition: Edition | None, limit: int, condition: str, parameters: Mapping[str, Any]
) -> list[tuple[int, UUID, _Due]] | None:
    """Plan the readers who have been due longest. Returns their rows, or None if nobody is due."""
    with transaction.atomic():
        rows = fetch(
            f"""
            SELECT {", ".join(_TIMING)}, {COLUMNS}
            FROM subscribers_subscriber s
            WHERE state = 'active' AND next_due_at <= now() AND {condition}
            ORDER BY next_due_at, id
            LIMIT %(limit)s
            FOR NO KEY UPDATE SKIP LOCKED
            """,
            {**parameters, "limit": limit},
        )
        if not rows:
            return None
        width = len(_TIMING)
        due = {row[width]: _Due(row[:width], row[width:]) for row in rows}
        made = _make_rows(edition, list(due), parameters) if edition else []
        next_due = _clock(database_now())
        _set_next_due({pk: next_due(*reader.timing) for pk, reader in due.items()})
    return [(pk, uuid, due[subscriber_id]) for pk, uuid, subscriber_id in made]


def _clock(now: datetime) -> Callable[..., datetime]:
    """`schedule.next_due` after `now`, cached for a batch: most readers share their timing."""

    @cache
    def after_now(
        zone: str, hour: int, frequency: str, weekday: int, paused_until: date | None
    ) -> datetime:
        in_zone = partial(
            next_due,
            now,
            hour=hour,
            frequency=frequency,
            weekday=weekday,
            paused_until=paused_until,
        )
        try:
            return in_zone(zone=zone)
        except ZoneInfoNotFoundError:
            # A zone that has been removed from the time zone database must not stop the others.
            logger.error("The time zone %s no longer exists; UTC is used instead.", zone)
            return in_zone(zone="UTC")

    return after_now


def _set_next_due(times: Mapping[int, datetime]) -> None:
    """Set `next_due_at` by subscriber. Many share theirs, so each time is sent to the database
    once.
    """
    places: dict[datetime, int] = {}
    execute(
        """
        UPDATE subscribers_subscriber s SET next_due_at = (%(times)s::timestamptz[])[due.place]
        FROM unnest(%(ids)s::bigint[], %(places)s::int[]) AS due(id, place)
        WHERE s.id = due.id
        """,
        {
            "ids": list(times),
            "places": [places.setdefault(at, len(places) + 1) for at in times.values()],
            "times": list(places),
        },
    )


def _active_unpaused() -> QuerySet[Subscriber]:
    return Subscriber.objects.active().filter(Q(paused_until=None) | Q(paused_until__lte=Now()))


def _make_rows(
    edition: Edition, subscriber_ids: Sequence[int], parameters: Mapping[str, Any]
) -> list[tuple[int, UUID, int]]:
    """Insert the rows. Returns their ids, uuids and readers.

    They are leased if `parameters` has a `token` and a `lease`. Each is due when its reader was, or
    now if the reader is not due yet.
    """
    return fetch(
        """
        INSERT INTO digest_digest
            (edition_id, subscriber_id, due_at, lease_token, lease_until, next_attempt_at)
        SELECT %(edition)s, id, least(next_due_at, now()),
            %(token)s, now() + %(lease)s, now() + coalesce(%(lease)s, interval '0')
        FROM subscribers_subscriber WHERE id = ANY(%(ids)s)
        ON CONFLICT DO NOTHING
        RETURNING id, uuid, subscriber_id
        """,
        {"token": None, "lease": None, **parameters, "edition": edition.pk, "ids": subscriber_ids},
    )
