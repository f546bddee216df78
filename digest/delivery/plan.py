"""Who is due: a digest row for each of them, once, and the time of their next one."""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from digest.choosing.composing import Request
from digest.models import Digest, Edition
from subscribers.database import database_now, execute, fetch
from subscribers.models import Subscriber
from subscribers.wishes.schedule import next_due

from .leases import HELD, Claimed, Lease
from .limits.providers import provider_of

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

    For when no worker may take them up (``claim_due``): their lateness shows, and where there
    is no edition to send, their next time is set. The row is unique for edition and reader, so
    this may be run at any time, twice, and by several at once.
    """
    edition = newest_edition()
    made = 0
    while (rows := _plan_batch(edition, BATCH, "true", {})) is not None:
        made += len(rows)
    return made


def claim_due(limit: int, *, lease: timedelta, mail_service: str) -> Lease:
    """Make the digest rows of up to `limit` readers whose time has come, the longest due first,
    and lease them in the same statement.

    Readers whom another worker plans are passed over, not waited for, and so any number of
    workers plan at once. Those who had a row of this edition already get none, only their next
    time. Nothing is claimed while the mail service is held or there is no edition; ``plan_due``
    is for that.
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
            Claimed(
                uuid,
                0,
                provider_of(due.email),
                due.links_epoch,
                Request(
                    pk,
                    edition.pk,
                    due.subscriber_id,
                    due.frequency,
                    due.length,
                    due.language,
                    due.is_exploring,
                    due.confirmed_at,
                ),
            )
            for pk, uuid, due in rows or ()
        ],
    )


def is_anybody_due() -> bool:
    """Whether there is a reader to make a digest for, and something to make it of."""
    due = Subscriber.objects.active().filter(next_due_at__lte=Now())
    return newest_edition() is not None and due.exists()


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
    return len(_make_rows(edition, list(readers.values_list("pk", flat=True)), {}))


class _Due(NamedTuple):
    """A reader whose time has come: what they wish, and who they are."""

    subscriber_id: int
    zone: str
    hour: int
    frequency: str
    weekday: int
    paused_until: date | None
    email: str
    links_epoch: str
    length: int
    language: str
    is_exploring: bool
    confirmed_at: datetime | None

    @property
    def wishes(self) -> tuple[str, int, str, int, date | None]:
        return (self.zone, self.hour, self.frequency, self.weekday, self.paused_until)


def _plan_batch(
    edition: Edition | None, limit: int, condition: str, parameters: Mapping[str, Any]
) -> list[tuple[int, UUID, _Due]] | None:
    """Plan the readers who have been due longest: their new rows; None when nobody is due."""
    with transaction.atomic():
        rows = fetch(
            f"""
            SELECT id, zone, hour, frequency, weekday, paused_until,
                email, links_epoch, length, language, is_exploring, confirmed_at
            FROM subscribers_subscriber
            WHERE state = 'active' AND next_due_at <= now() AND {condition}
            ORDER BY next_due_at, id
            LIMIT %(limit)s
            FOR NO KEY UPDATE SKIP LOCKED
            """,
            {**parameters, "limit": limit},
        )
        if not rows:
            return None
        due = {row[0]: _Due(*row) for row in rows}
        made = _make_rows(edition, list(due), parameters) if edition else []
        next_due = _clock(database_now())
        _set_next_due({pk: next_due(*reader.wishes) for pk, reader in due.items()})
    return [(pk, uuid, due[subscriber_id]) for pk, uuid, subscriber_id in made]


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


def _set_next_due(times: Mapping[int, datetime]) -> None:
    """Set `next_due_at` by subscriber. Most have theirs in common, so each time goes over once."""
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
    """The new rows: their ids, uuids and readers. Leased if there is a `token` and a `lease`.

    Each is due when its reader was; who is not due yet is due now.
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
