"""Another try for digests that did not go out, batch by batch, however many readers there are.

The press of a button does the first batch, which is all of it on most sites, and a worker the
others (``tasks``). The wish is a row (`CatchUp`), so nothing is lost if Redis is emptied: the tick
has a worker go on.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from digest.delivery.limits.refusals import retry_some
from digest.models import CatchUp, Digest, Edition
from digest.papers import editions
from subscribers.database import fetch

# Readers looked at, or digests changed, by one statement.
BATCH = 5000
Kind = CatchUp.Kind
Skip = Digest.SkipReason
# Those who got nothing for these reasons can be sent the edition after all.
MISSED = (Skip.NO_EDITION, Skip.HELD, Skip.STOPPED, Skip.LATE)


def begin(kind: str, edition: Edition | None = None) -> CatchUp:
    """Ask for it and do the first batch. Pressed again meanwhile, it does the next one.

    `MISSED` are the readers of `edition` who were skipped because there was no edition, or no time.
    They were due since it was, have not had it, and have no newer digest. Their digest is due from
    now on, so it is not too late. Who has none because nothing was for them, or because they want
    none, is left alone. `REFUSED` are those of ``refusals.retry_failed``.
    """
    wish, is_new = CatchUp.objects.get_or_create(kind=kind, edition=edition)
    if not is_new:
        done = CatchUp.objects.filter(pk=wish.pk).exclude(done_at=None)
        done.update(asked_at=Now(), done_at=None, after=0, number=0)
    _do_batch(wish.pk)
    wish.refresh_from_db()
    return wish


def go_on() -> bool:
    """Do a batch of what has been asked for. Returns whether there was any."""
    wishes = CatchUp.objects.filter(done_at=None).order_by("asked_at").values_list("pk", flat=True)
    return any(_do_batch(pk) for pk in list(wishes))


def _do_batch(pk: int) -> bool:
    """Do a batch of this wish, unless somebody else is at it. Returns whether it was done."""
    with transaction.atomic():
        wish = CatchUp.objects.select_for_update(skip_locked=True).filter(pk=pk, done_at=None)
        for one in wish:
            batch = _BATCHES[one.kind](one)
            CatchUp.objects.filter(pk=pk).update(
                after=batch.after or one.after,
                number=one.number + batch.number,
                done_at=None if batch.after else Now(),
            )
            return True
    return False


class _Batch(NamedTuple):
    """How many digests are ready again, and up to which row it is done, None at the end."""

    number: int
    after: int | None


def _refused(wish: CatchUp) -> _Batch:
    ids = retry_some(wish.after, BATCH)
    return _Batch(len(ids), ids[-1] if len(ids) == BATCH else None)


def _missed(wish: CatchUp) -> _Batch:
    edition = wish.edition
    assert edition is not None
    since = editions.due_to_close(edition.date, settings.EDITION_CLOSES_HOUR)
    ((number, readers, after),) = fetch(
        _MISSED,
        {
            "after": wish.after,
            "batch": BATCH,
            "edition": edition.pk,
            "day": edition.date,
            "since": min(since, edition.closed_at or since),
            "reasons": [reason.value for reason in MISSED],
        },
    )
    return _Batch(number, after if readers == BATCH else None)


_BATCHES: Mapping[str, Callable[[CatchUp], _Batch]] = {
    Kind.MISSED: _missed,
    Kind.REFUSED: _refused,
}
_MISSED = """
    WITH reader AS MATERIALIZED (
        SELECT id, state FROM subscribers_subscriber
        WHERE id > %(after)s ORDER BY id LIMIT %(batch)s
    ), missed AS (
        SELECT d.id FROM reader s JOIN digest_digest d ON d.subscriber_id = s.id
        WHERE s.state = 'active' AND d.local_date BETWEEN %(day)s::date - 1 AND %(day)s::date + 1
            AND d.state || '' = 'skipped' AND d.skip_reason = ANY(%(reasons)s)
            AND d.due_at >= %(since)s
            AND NOT EXISTS (
                SELECT FROM digest_digest other
                WHERE other.subscriber_id = s.id AND other.id <> d.id
                    AND other.local_date > %(day)s::date - 2
                    AND (
                        other.local_date > d.local_date
                        OR other.edition_id = %(edition)s AND other.state || '' <> 'skipped'
                    )
            )
        FOR NO KEY UPDATE OF d SKIP LOCKED
    ), again AS (
        UPDATE digest_digest d
        SET state = 'ready', skip_reason = '', edition_id = NULL, attempts = 0, due_at = now(),
            next_attempt_at = now(), lease_token = NULL, lease_until = NULL
        FROM missed
        WHERE d.id = missed.id
        RETURNING d.id
    )
    SELECT (SELECT count(*) FROM again), count(*), max(id) FROM reader
"""
