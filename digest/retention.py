"""What is kept for how long. Nothing else deletes what a reader or an operator could still look up.

Each `Rule` deletes rows of one kind in small batches, oldest first, so that nobody waits for it and
an interrupted run loses nothing. The oldest rows are found by the primary key, in whose order rows
of these tables come in: an index on the time would cost every digest a write.

Consents, suppressions, curations and the log of what operators did are kept for good: they prove
what we may do. So are papers, editions and votes, which ranking learns from.
"""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from subscribers.database import Lock, execute, only_one

# Rows in one statement: some tens of milliseconds, and a transaction each.
_BATCH = 5000


class Rule(NamedTuple):
    """How rows of one kind go. `name` is the one in settings.KEEP_DAYS."""

    name: str
    # Deletes up to %(limit)s rows that are older than %(before)s.
    statement: str


def _oldest(table: str, column: str, among: str = "true") -> str:
    """Selects the ids of those among the oldest rows that have had their time.

    Where none has, it has looked at no more rows than these.
    """
    return f"""
        SELECT id FROM (SELECT * FROM {table} WHERE {among} ORDER BY id LIMIT %(limit)s) oldest
        WHERE {column} < %(before)s"""


# A bounce stays with its digest, because those of weekly readers are counted over months.
_SPENT = "kind <> 'bounced' OR digest_id IS NULL"
RULES = (
    Rule(
        "events",
        f"DELETE FROM digest_event WHERE id IN ({_oldest('digest_event', 'received_at', _SPENT)})",
    ),
    Rule(
        "clicks",
        f"DELETE FROM digest_click WHERE id IN ({_oldest('digest_click', 'at')})",
    ),
    # What nobody has settled yet stays. What points to a digest goes with it.
    Rule(
        "digests",
        f"""
        WITH old AS (
            {_oldest("digest_digest", "local_date")}
            AND state NOT IN ('ready', 'sending', 'uncertain')
        ),
        events AS (DELETE FROM digest_event WHERE digest_id IN (SELECT id FROM old)),
        clicks AS (DELETE FROM digest_click WHERE digest_id IN (SELECT id FROM old))
        DELETE FROM digest_digest WHERE id IN (SELECT id FROM old)
        """,
    ),
    Rule("looks", f"DELETE FROM digest_look WHERE id IN ({_oldest('digest_look', 'at')})"),
    # Of the figures that each look brought, the day's last stay. What has come of age just now is
    # found first, not behind all that stays. PostgreSQL makes no join of a subquery with a limit,
    # for which it would read the whole table.
    Rule(
        "sightings",
        """
        DELETE FROM digest_sighting WHERE id IN (
            SELECT id FROM digest_sighting sighting WHERE at < %(before)s AND at < (
                SELECT later.at FROM digest_sighting later
                WHERE later.paper_id = sighting.paper_id AND later.source = sighting.source
                AND later.at >= sighting.at
                AND later.at < date_trunc('day', sighting.at, 'UTC') + interval '1 day'
                ORDER BY later.at DESC LIMIT 1
            ) ORDER BY id DESC LIMIT %(limit)s
        )
        """,
    ),
    Rule(
        "letters",
        "DELETE FROM subscribers_letter WHERE id IN ("
        f"{_oldest('subscribers_letter', 'coalesce(sent_at, given_up_at)')})",
    ),
    # Each month a reader gets new ones. Those without an end stay.
    Rule(
        "links",
        """
        DELETE FROM subscribers_link WHERE id IN (
            SELECT id FROM subscribers_link WHERE expires_at < %(before)s
            ORDER BY expires_at LIMIT %(limit)s
        )
        """,
    ),
)


def prune(
    now: datetime, keep_days: Mapping[str, int], *, seconds: float, rules: Iterable[Rule] = RULES
) -> dict[str, int]:
    """Delete what is older than it may be, for about `seconds`. Returns how many rows by kind.

    Call it outside a transaction. Safe to repeat, and to run twice at once: only one works.
    """
    ends = time.monotonic() + seconds
    gone: dict[str, int] = {}
    with only_one(Lock.PRUNING) as is_ours:
        for rule in rules if is_ours else ():
            before = now - timedelta(days=keep_days[rule.name])
            while time.monotonic() < ends:
                number = execute(rule.statement, {"before": before, "limit": _BATCH})
                gone[rule.name] = gone.get(rule.name, 0) + number
                if not number:
                    break
    return {name: number for name, number in gone.items() if number}
