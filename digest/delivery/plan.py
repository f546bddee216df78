"""Who is due: one digest row for each reader and local date, and the time of their next one.

A row exists from the moment its reader is due, whatever else is missing. It waits for the edition
that should have closed by then, though not forever, and takes the newest one when it is composed.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from digest.models import Digest, Edition
from digest.papers import editions
from digest.papers.holding import Rules
from subscribers.database import array, database_now, execute, fetch
from subscribers.models import Subscriber
from subscribers.wishes.schedule import today_in

from .conditions import HELD
from .due import DueReader, Dues, catching_up, due_readers, set_next_due, shared
from .leases import Lease
from .recipients import Claimed, from_row

logger = logging.getLogger(__name__)

BATCH = 2000
# Readers who sign up while the sources are silent are not sent last month's news.
FRESH = timedelta(days=7)
# A digest whose edition does not close is made from what there is this long before it is late.
# After an outage the sources get a while to be heard first.
LAST_CALL = timedelta(hours=1)
GRACE = timedelta(minutes=10)


def newest_edition(now: datetime) -> Edition | None:
    """The edition that digests are made from now, or None if the newest one is stale."""
    edition = Edition.objects.closed().order_by("-date").first()
    return edition if edition and edition.date >= now.date() - FRESH else None


def plan_due() -> int:
    """Make a digest row for every reader who is due. Returns how many rows were made.

    This is for times when no worker may claim them (``claim_due``). A row is unique to its reader
    and local date, so this may run at any time, twice, and in several processes at once.
    """
    prepare()
    made = 0
    while (planned := _plan_batch(BATCH, "true", {})) is not None:
        made += planned.number
    return made


def plan_until(until: datetime) -> int:
    """Make a row for a batch of readers who were due until then. Returns how many readers."""
    planned = _plan_batch(BATCH, "true", {}, until)
    return planned.readers if planned else 0


def plan_reader(subscriber_id: int, now: datetime) -> None:
    """Make a row for each time that this reader has been due until `now`.

    For the moment before their wishes change: each day goes by the wishes that it was due by.
    """
    _plan_batch(1, "s.id = %(subscriber)s", {"subscriber": subscriber_id}, now)


def claim_due(limit: int, *, lease: timedelta, mail_service: str) -> Lease:
    """Make the digest rows of up to `limit` readers who are due and lease those that can be sent.

    Readers who have been due longest come first. Those whom another worker is planning are passed
    over rather than waited for, so any number of workers can plan at once. Nothing is planned or
    claimed while the mail service is held; ``plan_due`` covers those times.
    """
    token = uuid4()
    parameters = {"mail_service": mail_service, "token": token, "lease": lease}
    while (planned := _plan_batch(limit, f"NOT {HELD}", parameters)) is not None:
        if planned.leased:
            return Lease(token, planned.leased)
    return Lease(token, [])


def prepare() -> None:
    """Close the edition that is due, and let the digests that waited for one go. Safe to repeat."""
    now = database_now()
    editions.close_if_due(now, hour=settings.EDITION_CLOSES_HOUR, rules=closing_rules())
    if edition := newest_edition(now):
        execute(
            """
            UPDATE digest_digest SET next_attempt_at = now()
            WHERE state = 'ready' AND next_attempt_at > now()
                AND edition_id IS NULL AND lease_token IS NULL AND attempts = 0
                AND due_at < %(before)s
            """,
            {"before": _served_until(edition)},
        )


def closing_rules() -> Rules:
    """What an edition needs to close at its hour, as the settings have it."""
    hours = settings.EDITION_STALE_HOURS
    stale = timedelta(hours=hours) if hours else None
    return Rules(settings.EDITION_LEAST_PAPERS, stale, settings.SOURCES)


def is_awaiting(due_at: datetime, edition: Edition | None) -> bool:
    """Whether the edition for a digest due then has not closed, `edition` being the newest."""
    return edition is None or due_at >= _served_until(edition)


def is_anybody_due() -> bool:
    """Whether there is a reader to make a digest row for."""
    return Subscriber.objects.active().filter(next_due_at__lte=Now()).exists()


def plan_early() -> int:
    """Make a digest row for every active reader who has none of today or the newest edition yet.

    For an operator who does not want to wait. Nobody's `next_due_at` changes; when their time
    comes, the row is already there. Returns how many rows were made.
    """
    now = database_now()
    edition = newest_edition(now)
    if edition is None:
        return 0
    has_it = Digest.objects.filter(edition=edition, subscriber=OuterRef("pk"))
    readers = Subscriber.objects.active().exclude(Exists(has_it))
    with transaction.atomic():
        # Locked, so that nobody is erased before their row is there.
        locked = readers.select_for_update(skip_locked=True, no_key=True)
        rows = [
            _Row(pk, today, now)
            for pk, zone, paused_until in locked.values_list("pk", "zone", "paused_until")
            # A pause ends at the reader's own midnight.
            if (today := today_in(zone, now)) >= (paused_until or today)
        ]
        made = _insert(rows, {})
        _supersede(rows)
    return len(made)


@dataclass(frozen=True, slots=True)
class _Planned:
    """What came of a batch of readers: how many rows were made, and those that were leased."""

    readers: int
    number: int
    leased: list[Claimed]


def _plan_batch(
    limit: int, condition: str, parameters: Mapping[str, Any], until: datetime | None = None
) -> _Planned | None:
    """Plan the readers who have been due longest. Returns None if nobody is due."""
    with transaction.atomic():
        readers = due_readers(limit, condition, parameters, until)
        if not readers:
            return None
        now = until or database_now()
        dues_of = catching_up(now)
        dues = {reader.subscriber_id: dues_of(reader.due, reader.timing) for reader in readers}
        rows = _rows(readers, dues, now)
        made = _insert(rows, parameters)
        _supersede(rows)
        set_next_due(dues)
    columns = {reader.subscriber_id: reader.columns for reader in readers}
    return _Planned(
        len(readers),
        len(made),
        [
            Claimed(pk, uuid, 0, due_at, from_row(columns[subscriber_id]))
            for pk, uuid, subscriber_id, due_at, is_leased in made
            if is_leased
        ],
    )


# --- the rows ------------------------------------------------------------------------------
class _Row(NamedTuple):
    """A row to insert.

    `wait` is how long it waits for its edition, if that has not closed. A row with a `skip_reason`
    is only the record of a day that was missed.
    """

    subscriber_id: int
    local_date: date
    due_at: datetime
    wait: timedelta | None = None
    skip_reason: str = ""


def _rows(readers: Sequence[DueReader], dues: Mapping[int, Dues], now: datetime) -> list[_Row]:
    """A row for each time that each reader has been due; only the last of them can be sent."""
    edition = newest_edition(now)
    served_until = _served_until(edition) if edition else None
    late = settings.DELIVERY_LATE
    rows = []
    for reader in readers:
        *missed, last = dues[reader.subscriber_id].past
        for due in missed:
            is_late = due.at < now - late
            reason = Digest.SkipReason.LATE if is_late else Digest.SkipReason.SUPERSEDED
            rows.append(_Row(reader.subscriber_id, due.on, due.at, skip_reason=reason))
        is_served = served_until is not None and (reader.is_first or last.at < served_until)
        wait = None if is_served else max(last.at + late - LAST_CALL - now, GRACE)
        rows.append(_Row(reader.subscriber_id, last.on, last.at, wait))
    return rows


def _served_until(edition: Edition) -> datetime:
    """Readers who are due from then on wait for the edition after this one."""
    return editions.due_to_close(edition.date + timedelta(days=1), settings.EDITION_CLOSES_HOUR)


def _insert(rows: Sequence[_Row], parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """Insert the rows. Returns id, uuid, reader, due time and whether it is leased of each new one.

    Rows that need not wait are leased if `parameters` has a `token` and a `lease`.
    """
    kinds, places = shared((row.local_date, row.due_at, row.wait, row.skip_reason) for row in rows)
    dates, times, waits, reasons = zip(*kinds, strict=True) if rows else ([],) * 4
    return fetch(
        """
        INSERT INTO digest_digest (
            subscriber_id, local_date, due_at, state, skip_reason,
            lease_token, lease_until, next_attempt_at
        )
        SELECT r.subscriber_id, r.local_date, r.due_at,
            CASE r.skip_reason WHEN '' THEN 'ready' ELSE 'skipped' END, r.skip_reason,
            CASE WHEN r.can_go THEN %(token)s::uuid END,
            CASE WHEN r.can_go THEN now() + %(lease)s END,
            now() + coalesce(CASE WHEN r.can_go THEN %(lease)s ELSE r.wait END, interval '0')
        FROM (
            SELECT *, wait IS NULL AND skip_reason = '' AS can_go
            FROM unnest(%(ids)s::bigint[], %(places)s::int[]) AS reader(subscriber_id, place)
            JOIN unnest(
                %(dates)s::date[], %(times)s::timestamptz[],
                %(waits)s::interval[], %(reasons)s::text[]
            ) WITH ORDINALITY AS kind(local_date, due_at, wait, skip_reason, place) USING (place)
        ) r
        ON CONFLICT DO NOTHING
        RETURNING id, uuid, subscriber_id, due_at, lease_token IS NOT NULL
        """,
        {
            "token": None,
            "lease": None,
            **parameters,
            "ids": array(row.subscriber_id for row in rows),
            "places": array(places),
            "dates": list(dates),
            "times": list(times),
            "waits": list(waits),
            "reasons": list(reasons),
        },
    )


def _supersede(rows: Sequence[_Row]) -> None:
    """Skip the digests of earlier days that these readers still wait for.

    Otherwise one reader could have two digests under way, with the same papers. The new digest
    holds what the skipped one would have held.
    """
    execute(
        """
        UPDATE digest_digest d
        SET state = 'skipped', lease_token = NULL, lease_until = NULL,
            skip_reason = CASE WHEN d.due_at < now() - %(late)s THEN 'late' ELSE 'superseded' END
        FROM unnest(%(ids)s::bigint[], %(dates)s::date[]) AS new(subscriber_id, local_date)
        WHERE d.subscriber_id = new.subscriber_id
            AND d.local_date < new.local_date AND d.local_date > new.local_date - 30
            AND d.state || '' = 'ready'
        """,
        {
            "ids": array(row.subscriber_id for row in rows),
            "dates": array(row.local_date for row in rows),
            "late": settings.DELIVERY_LATE,
        },
    )
