"""How fast, and how many a day: limits that all workers on all hosts keep together.

PostgreSQL holds them and its clock rules, so they stay in force when workers are restarted or
killed and when Redis forgets. Call these functions outside ``atomic``: a row stays locked until
the transaction ends, and every other worker would wait for it.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest

from digest.models import DayCount

# What was not used of the rate may be made up for, but no more than this much of it.
BURST = timedelta(seconds=1)
# A worker waits for its turn no longer than this; its digests are better off with another then.
LONGEST_WAIT = timedelta(seconds=10)


def reserve(
    key: str,
    number: int,
    *,
    per_second: float | None,
    burst: timedelta = BURST,
    within: timedelta = LONGEST_WAIT,
) -> timedelta | None:
    """Reserve the next `number` turns at `per_second`: how long until the first of them.

    `key` is a mail service, or "mail service/provider"; all who reserve under one key share
    its rate, whatever process or host they are in. The answer is negative, down to `-burst`,
    where turns went unused: those may be made up for. Give it to ``Pace``. None: the first
    turn is further off than `within`; nothing is reserved, give the digests back. A
    `per_second` of None is no limit. Turns cannot be given back; those of a worker that was
    killed are lost. Over any time T no more than per_second * (T + burst) turns fall due.

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
    # clock_timestamp() and not now(): the statement may have waited for the row.
    with connection.cursor() as cursor:
        cursor.execute(
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
        row = cursor.fetchone()
    return None if row is None else max(row[0], -burst)


class Pace:
    """Spaces the messages of a chunk over the turns that `reserve` gave. Threads may share it.

    A worker that fell behind may catch up, but no more than `burst`: after a long silence of
    the mail service the rest of the chunk does not come all at once.
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
        """Sleep until the first turn. Do so before the chunk is marked as being sent."""
        time.sleep(max(0.0, self._next - time.monotonic()))

    def wait_for_turn(self) -> None:
        """Sleep until the next message may be handed over. Call it once for each message."""
        if not self._gap:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now - self._burst)
            self._next = turn + self._gap
        time.sleep(max(0.0, turn - now))


@dataclass(frozen=True, slots=True)
class Taken:
    """A part of a day's quota. `day` is None where there is no quota."""

    mail_service: str
    day: date | None
    number: int


def take_quota(mail_service: str, number: int, *, quota: int | None) -> Taken:
    """Take up to `number` from what is left of today's `quota`; `.number` says how many.

    The day is the database's, in UTC. Exact under any number of workers: the sum of what they
    take never exceeds the quota. A quota that has become smaller than what was taken already
    gives nothing. With a quota of None there is no limit, and nothing is counted. What a killed
    worker took stays taken.
    """
    if quota is None:
        return Taken(mail_service, None, number)
    with connection.cursor() as cursor:
        cursor.execute(
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
        ((day, taken),) = cursor.fetchall()
    return Taken(mail_service, day, taken)


def give_back(taken: Taken, number: int) -> None:
    """Give back `number` of what was taken, to the day it was taken from. Not safe to repeat."""
    if taken.day is not None and number:
        DayCount.objects.filter(mail_service=taken.mail_service, day=taken.day).update(
            number=Greatest(F("number") - number, 0)
        )


def day_of_service(mail_service: str) -> int:
    """On how many days before today (UTC) the mail service was given anything; 0 on the first.

    Days on which nothing went out are not counted: mailbox providers warm to mail, not to time.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM digest_daycount
            WHERE mail_service = %s AND number > 0 AND day < (now() AT TIME ZONE 'UTC')::date
            """,
            [mail_service],
        )
        ((days,),) = cursor.fetchall()
    return int(days)


def quota_of(day_of_service: int, plan: Sequence[int], quota: int | None) -> int | None:
    """The day's quota while a new mail service is warmed up: the plan's, but never above `quota`.

    `plan` is how many may go on the first day, the second, and so on; after its last day
    `quota` alone holds, and None is no limit. See the bulk sender guidelines of the large
    providers: https://support.google.com/a/answer/81126 ("Increase sending volume slowly").
    """
    if day_of_service >= len(plan):
        return quota
    planned = plan[day_of_service]
    return planned if quota is None else min(planned, quota)
