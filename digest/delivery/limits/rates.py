"""How fast, and how many a day: limits that all workers on all hosts share.

PostgreSQL stores them and its clock applies, so they stay in force when workers are restarted or
killed and when Redis loses its data. Call these functions outside ``atomic``: a row stays locked
until the transaction ends, and every other worker would wait for it.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from digest.models import DayCount, Hold
from subscribers.database import database_now, fetch

Limit = TypeVar("Limit", int, float)
# How much of an unused rate may be caught up on.
BURST = timedelta(seconds=1)
# The longest a worker waits for its turn; beyond that its digests are better off with another.
LONGEST_WAIT = timedelta(seconds=10)


def limit_of(limits: Mapping[str, Limit], mail_service: str) -> Limit | None:
    """The service's own limit, or the one given without a name; None is no limit."""
    return limits.get(mail_service, limits.get(""))


def reserve(
    key: str,
    number: int,
    *,
    per_second: float | None,
    burst: timedelta = BURST,
    within: timedelta = LONGEST_WAIT,
) -> timedelta | None:
    """Reserve the next `number` turns at `per_second`. Returns how long until the first of them.

    `key` is a mail service, or "mail service/provider"; everyone who reserves under one key shares
    its rate, in whatever process or host. The result is negative, down to `-burst`, where turns
    went unused and may be caught up on; pass it to ``Pacer``. None means that the first turn is
    further off than `within`: nothing is reserved, so give the digests back. A `per_second` of None
    is no limit. Turns cannot be returned, and those of a killed worker are lost. Over any time T at
    most per_second * (T + burst) turns fall due.

    This is the generic cell rate algorithm (ITU-T I.371, annex A) with one row as its state.
    """
    if per_second is None:
        return timedelta(0)
    parameters: dict[str, Any] = {
        "key": key,
        "turns": timedelta(seconds=number / per_second),
        "burst": burst,
        "within": within,
    }
    # clock_timestamp() rather than now(), because the statement may have waited for the row.
    rows = fetch(
        """
        INSERT INTO digest_pace AS p (key, next_free_at)
        VALUES (%(key)s, clock_timestamp() + %(turns)s)
        ON CONFLICT (key) DO UPDATE
        SET next_free_at = greatest(p.next_free_at, clock_timestamp() - %(burst)s) + %(turns)s
        WHERE p.next_free_at <= clock_timestamp() + %(within)s
        RETURNING next_free_at - %(turns)s - clock_timestamp()
        """,
        parameters,
    )
    return max(rows[0][0], -burst) if rows else None


class Pacer:
    """Spaces the messages of a chunk over the turns that `reserve` gave. Threads may share it.

    A worker that fell behind may catch up, but only by `burst`: after a long silence of the mail
    service the rest of the chunk does not come all at once.
    """

    def __init__(
        self, wait: timedelta, *, per_second: float | None, burst: timedelta = BURST
    ) -> None:
        self._gap = 0.0 if per_second is None else 1 / per_second
        self._burst = burst.total_seconds()
        self._next = time.monotonic() + wait.total_seconds()
        self._lock = threading.Lock()

    @property
    def is_limited(self) -> bool:
        return self._gap > 0

    def wait_for_start(self) -> None:
        """Sleep until the first turn. Call this before the chunk is marked as being sent."""
        time.sleep(max(0.0, self._next - time.monotonic()))

    def wait_for_turn(self) -> None:
        """Sleep until the next message may be handed over. Call this once for each message."""
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now - self._burst)
            self._next = turn + self._gap
        time.sleep(max(0.0, turn - now))


@dataclass(frozen=True, slots=True)
class QuotaShare:
    """A part taken of a day's quota. `day` is None where there is no quota."""

    mail_service: str
    day: date | None
    number: int


def take_quota(mail_service: str, number: int, *, quota: int | None) -> QuotaShare:
    """Take up to `number` of what is left of today's `quota`; `.number` is how many it gave.

    The day is the database's, in UTC. Exact with any number of workers: together they never take
    more than the quota. A quota reduced below what was already taken gives nothing. A quota of None
    is no limit, and nothing is counted. What a killed worker took stays taken.
    """
    if quota is None:
        return QuotaShare(mail_service, None, number)
    ((day, taken),) = fetch(
        """
        INSERT INTO digest_daycount AS c (mail_service, day, number, last_taken)
        SELECT %(mail_service)s, (now() AT TIME ZONE 'UTC')::date, first.taken, first.taken
        FROM (SELECT least(%(number)s, %(quota)s) AS taken) first
        ON CONFLICT (mail_service, day) DO UPDATE
        SET last_taken = least(%(number)s, greatest(%(quota)s - c.number, 0)),
            number = c.number + least(%(number)s, greatest(%(quota)s - c.number, 0))
        RETURNING day, last_taken
        """,
        {"mail_service": mail_service, "number": number, "quota": quota},
    )
    return QuotaShare(mail_service, day, taken)


def give_back(taken: QuotaShare, number: int) -> None:
    """Return `number` of what was taken to the day it was taken from, for others to take: a hold
    because the quota was used up ends. Not safe to repeat.
    """
    if taken.day is None or not number:
        return
    with transaction.atomic():
        DayCount.objects.filter(mail_service=taken.mail_service, day=taken.day).update(
            number=Greatest(F("number") - number, 0)
        )
        holds = Hold.objects.active().filter(mail_service=taken.mail_service, is_quota=True)
        holds.update(until=Now())


def is_used_up(mail_service: str, quota: int) -> bool:
    """Whether nothing is left of today's `quota`. Within a transaction: until that ends, nobody can
    give any of it back."""
    return bool(
        fetch(
            """
            SELECT FROM digest_daycount
            WHERE mail_service = %(mail_service)s AND number >= %(quota)s
                AND day = (now() AT TIME ZONE 'UTC')::date
            FOR UPDATE
            """,
            {"mail_service": mail_service, "quota": quota},
        )
    )


def until_new_quota() -> timedelta:
    """The time left of the day in UTC; tomorrow has a quota of its own."""
    now = database_now()
    tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return tomorrow - now


def day_of_service(mail_service: str) -> int:
    """The number of days before today (UTC) on which the mail service was given anything.

    Days on which nothing went out do not count: mailbox providers warm to mail, not to time.
    """
    ((days,),) = fetch(
        """
        SELECT count(*) FROM digest_daycount
        WHERE mail_service = %s AND number > 0 AND day < (now() AT TIME ZONE 'UTC')::date
        """,
        [mail_service],
    )
    return int(days)


def quota_of(day_of_service: int, plan: Sequence[int], quota: int | None) -> int | None:
    """The day's quota while a new mail service is warmed up: the plan's, but never above `quota`.

    `plan` says how many may go on the first day, the second, and so on; after its last day only
    `quota` applies, and None is no limit. See the bulk sender guidelines of the large
    providers: https://support.google.com/a/answer/81126 ("Increase sending volume slowly").
    """
    if day_of_service >= len(plan):
        return quota
    planned = plan[day_of_service]
    return planned if quota is None else min(planned, quota)
