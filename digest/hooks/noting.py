"""What the tick does for webhooks: it notes runs that are over, and forgets what is old."""

import json
from datetime import datetime, timedelta

from digest.models import Call, Endpoint, Kind, Notice
from subscribers.database import execute, fetch

KEPT_FOR = timedelta(days=30)
_ROWS = 2000


def test(endpoint: Endpoint) -> None:
    """Note something that only this endpoint is told of."""
    notice = Notice.objects.create(kind="test", data={"endpoint": endpoint.name})
    Call.objects.create(notice=notice, endpoint=endpoint)


def note_finished_runs() -> None:
    """Note each edition of which nothing is left to be sent, once.

    That is so when the next one has closed, or an operator stopped the run, and none of its digests
    waits or is in doubt. Only the last few editions are looked at.
    """
    if not Endpoint.objects.filter(is_on=True, kinds__contains=[Kind.RUN_FINISHED.value]).exists():
        return
    for pk, day, states in fetch(_FINISHED):
        said = {"edition": day.isoformat(), "digests": json.loads(states or "{}")}
        Notice.note(Kind.RUN_FINISHED, said, once=f"run:{pk}")


_FINISHED = """
SELECT id, date, states FROM (
    SELECT e.id, e.date, e.closed_at, e.stopped_at, lead(e.closed_at) OVER (ORDER BY date) AS next
    FROM digest_edition e WHERE closed_at IS NOT NULL ORDER BY date DESC LIMIT 4
) edition CROSS JOIN LATERAL (
    SELECT jsonb_object_agg(state, number) AS states FROM (
        SELECT state, sum(number)::bigint AS number FROM digest_digestcount
        WHERE edition = edition.id GROUP BY state HAVING sum(number) <> 0
    ) counted
) counts
WHERE (next IS NOT NULL OR stopped_at IS NOT NULL)
    AND NOT coalesce(states ?| ARRAY['ready', 'sending', 'uncertain'], false)
    AND NOT EXISTS (SELECT FROM digest_notice WHERE once = 'run:' || edition.id)
ORDER BY date
"""


def forget(now: datetime) -> int:
    """Delete notices of more than 30 days ago with all calls and attempts. Returns how many."""
    old = Notice.objects.filter(at__lt=now - KEPT_FOR).order_by("at")
    gone = list(old.values_list("pk", flat=True)[:_ROWS])
    if gone:
        Notice.objects.filter(pk__in=gone).delete()
    # Of endpoints that are off, nobody tries these any more.
    execute(
        """
        UPDATE digest_call SET given_up_at = now() WHERE id IN (
            SELECT c.id FROM digest_call c JOIN digest_endpoint e ON e.id = c.endpoint_id
            WHERE NOT e.is_on AND c.delivered_at IS NULL AND c.given_up_at IS NULL
                AND c.since < now() - interval '3 days'
            LIMIT %s
        )
        """,
        [_ROWS],
    )
    return len(gone)
