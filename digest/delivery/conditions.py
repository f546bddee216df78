"""The conditions that several statements share, as SQL: who may not be written to, and what is
held.

In all of them `d` is the digest and `s` its subscriber.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from digest.models import Curation
from subscribers.database import array

# The state of a row that is found by its id. Concatenating '' hides the partial indexes on these
# states from PostgreSQL's planner: going by yesterday's statistics it believes those indexes nearly
# empty, and would scan one for every statement instead of using the primary key.
IS_READY = "d.state || '' = 'ready'"
IS_HANDED_OVER = "d.state || '' IN ('sending', 'uncertain')"

# The error of a digest whose worker died: it says nothing about the mail service.
SILENT = "The worker fell silent."
# The same of a digest of which a restored database does not know whether it was sent.
RESTORED = "The database was restored from a backup made before it was due."

# The reason why a reader must not be written to, or NULL. A pause ends at the reader's own
# midnight, so it is compared with the digest's local date. `only_to` is MAIL_ONLY_TO.
WHY_NOT = """
    CASE
        WHEN s.id IS NULL THEN 'erased'
        WHEN s.state <> 'active' THEN s.state
        WHEN EXISTS (
            SELECT FROM subscribers_suppression x WHERE x.address_hash = s.address_hash
        ) THEN 'suppressed'
        WHEN cardinality(%(only_to)s::text[]) > 0
            AND lower(s.email) <> ALL(%(only_to)s::text[])
            AND lower(substring(s.email FROM '@([^@]*)$')) <> ALL(%(only_to)s::text[])
        THEN 'unlisted'
        WHEN s.paused_until > d.local_date THEN 'paused'
        WHEN d.due_at < now() - %(late)s THEN 'late'
    END
"""

# Whether an operator, or trouble, holds the mail service.
HELD = """
    EXISTS (
        SELECT FROM digest_hold h
        WHERE h.mail_service IN (%(mail_service)s, '')
            AND h.released_at IS NULL
            AND (h.until IS NULL OR h.until > now())
    )
"""
# The same for those who have passed the gate: their share of the day's quota has been taken.
HELD_AFTER_THE_GATE = HELD.replace("WHERE", "WHERE NOT h.is_quota AND")

# Whether it was composed before an operator last dropped a paper, or changed anything else of that
# kind. Nobody gets what was dropped, so it is composed again.
OUTDATED = f"d.revision < {Curation.REVISION}"


def as_parameters(rows: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The rows as the parameters `rows` (JSON) and `ids` of a statement that updates them.

    PostgreSQL cannot estimate how many rows the JSON holds. Given their ids as well, it looks each
    one up by the primary key instead of scanning the table.
    """
    listed = list(rows)
    return {"rows": json.dumps(listed), "ids": array(row["id"] for row in listed)}
