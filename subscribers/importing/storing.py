"""Judged entries become readers and suppressions, by the batch and each batch in one statement."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from subscribers import sign_offs
from subscribers.database import execute, fetch
from subscribers.models import Import, Suppression

from . import staging


def store(importing: Import, now: datetime) -> Iterator[int]:
    """Store what was judged. Yields up to which row it is done.

    Each batch is a transaction. Whoever has signed up since it was judged is left alone.
    """
    for first, end in staging.numbers():
        said = {"first": first, "end": end, "import": importing.pk, "now": now}
        execute(_READERS, said)
        hashes = fetch(_SUPPRESSIONS, said)
        _note(hashes, now)
        yield end


def _note(hashes: Sequence[tuple[Any, ...]], now: datetime) -> None:
    """Note them where a restore does not forget them."""
    reason = Suppression.Reason.MANUAL
    sign_offs.note_all((one for (one,) in hashes), sign_offs.SUPPRESSED, now, reason)


_READERS = """
WITH chosen AS (
    SELECT e.*, j.judgement = 'added' AS is_active FROM import_entry e
    JOIN import_judged j USING (number)
    WHERE e.number >= %(first)s AND e.number < %(end)s
        AND j.number >= %(first)s AND j.number < %(end)s AND j.judgement IN ('added', 'left')
), made AS (
    INSERT INTO subscribers_subscriber (
        email, address_hash, state, zone, hour, frequency, weekday, length, language,
        is_exploring, paused_until, next_due_at, next_due_on, links_epoch, created_at,
        confirmed_at, unsubscribed_at
    )
    SELECT email, address_hash, CASE WHEN is_active THEN 'active' ELSE 'unsubscribed' END,
        zone, hour, frequency, weekday, length, language, is_exploring, paused_until,
        due_at, due_on, '', %(now)s::timestamptz,
        CASE WHEN is_active THEN coalesce(confirmed_at, %(now)s::timestamptz) END,
        CASE WHEN NOT is_active THEN %(now)s::timestamptz END
    FROM chosen ORDER BY number
    ON CONFLICT (address_hash) DO NOTHING
    RETURNING id, address_hash, state
), consented AS (
    INSERT INTO subscribers_consent
        (subscriber_id, address_hash, act, wording, reason, at, imported_with_id)
    SELECT id, address_hash, CASE state WHEN 'active' THEN 'imported' ELSE 'left_before' END,
        '', '', %(now)s, %(import)s
    FROM made
), worded AS (
    INSERT INTO subscribers_term (subscriber_id, kind, text, key, is_muted)
    SELECT made.id, term.kind, term.text, term.key, term.is_muted
    FROM made JOIN chosen USING (address_hash)
    CROSS JOIN jsonb_to_recordset(chosen.terms)
        AS term (kind text, text text, key text, is_muted boolean)
)
INSERT INTO subscribers_subscription (subscriber_id, topic_id, emphasis)
SELECT made.id, topic.id, (said.pair ->> 1)::smallint
FROM made JOIN chosen USING (address_hash)
CROSS JOIN jsonb_array_elements(chosen.topics) AS said (pair)
JOIN subscribers_topic topic ON topic.id = (said.pair ->> 0)::bigint
"""
_SUPPRESSIONS = """
INSERT INTO subscribers_suppression (address_hash, reason, created_at, imported_with_id)
SELECT e.address_hash, CASE j.judgement WHEN 'blocked' THEN 'manual' ELSE j.judgement END,
    %(now)s, %(import)s
FROM import_entry e JOIN import_judged j USING (number)
WHERE e.number >= %(first)s AND e.number < %(end)s
    AND j.number >= %(first)s AND j.number < %(end)s
    AND j.judgement IN ('bounced', 'complained', 'blocked')
ORDER BY e.number
ON CONFLICT (address_hash) DO NOTHING
RETURNING address_hash
"""
