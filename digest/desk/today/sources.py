"""When each source was last read well, and whether it should worry anybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from digest.models import Look
from digest.sources import label_of
from subscribers.database import fetch

# Looks that failed, or were not made, before somebody is told.
MISSED = 2
_GRACE = timedelta(minutes=3)
_WELL = (Look.Outcome.OK, Look.Outcome.QUIET, Look.Outcome.STALE)


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """`good_at` is the last look that could be read, `news_at` the last that brought a new paper,
    and `failed` the number of looks that failed since."""

    name: str
    now: datetime
    first_at: datetime | None
    good_at: datetime | None
    news_at: datetime | None
    failed: int
    new_today: int

    @property
    def label(self) -> str:
        return label_of(self.name)

    @property
    def is_stale(self) -> bool:
        """Whether two looks in a row were missed: they failed, or nobody made them. Two that failed
        in the same minute are one."""
        since = self.good_at or self.first_at
        if since is None:
            return False  # nothing has ticked yet; that is told elsewhere
        age, every = self.now - since, timedelta(minutes=settings.SOURCE_MINUTES)
        has_failed = self.failed >= MISSED and age > (MISSED - 1) * every - _GRACE
        return has_failed or age > MISSED * every + _GRACE


def look() -> Sequence[SourceFigures]:
    """Return the figures of each configured source, in one query."""
    rows = fetch(
        """
        SELECT name, now(), first.at, good.at, news.at, failed.number, coalesce(today.number, 0)
        FROM unnest(%(names)s::text[]) WITH ORDINALITY AS source(name, place)
        LEFT JOIN LATERAL (
            SELECT at FROM digest_look WHERE source = name ORDER BY at LIMIT 1
        ) first ON true
        LEFT JOIN LATERAL (
            SELECT at FROM digest_look WHERE source = name AND outcome = ANY(%(well)s)
            ORDER BY at DESC LIMIT 1
        ) good ON true
        LEFT JOIN LATERAL (
            SELECT at FROM digest_look
            WHERE source = name AND new > 0 AND at > now() - interval '60 days'
            ORDER BY at DESC LIMIT 1
        ) news ON true
        LEFT JOIN LATERAL (
            SELECT count(*) AS number FROM digest_look
            WHERE source = name AND outcome = 'failed' AND at > coalesce(good.at, '-infinity')
                AND at > now() - interval '60 days'
        ) failed ON true
        LEFT JOIN LATERAL (
            SELECT sum(new) AS number FROM digest_look
            WHERE source = name AND at > now() - interval '1 day'
        ) today ON true
        ORDER BY place
        """,
        {"names": list(settings.SOURCES), "well": [str(outcome) for outcome in _WELL]},
    )
    return [SourceFigures(*row) for row in rows]
