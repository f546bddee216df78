"""Today's edition and its digests: how many are sent, skipped, failed and left, and how fast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from digest.desk.words import number
from digest.models import Digest, Edition
from subscribers.database import fetch

State = Digest.State
# No more rows than these are counted; beyond, it is said that there are more.
MOST = 50_000
# Over how long the present rate is measured.
RATE_OVER = timedelta(seconds=60)


class Later(NamedTuple):
    """Digests that may go later, counted up to `MOST`, and when the first of them may.

    They wait for their edition or their turn; or a worker holds them, which goes on by itself. If
    it is lost, they are taken up again at that time.
    """

    number: int
    at: datetime | None
    is_held_by_worker: bool

    @property
    def shown(self) -> str:
        return number(self.number) if self.number <= MOST else f"> {number(MOST)}"


class Waiting(NamedTuple):
    """Rows that wait, counted up to `MOST`, and since when the first of them does."""

    number: int = 0
    since: datetime | None = None

    @property
    def is_more(self) -> bool:
        return self.number > MOST


@dataclass(frozen=True, slots=True)
class EditionFigures:
    """An edition, how many papers it has, and what became of the digests made from it."""

    pk: int
    date: date
    closed_at: datetime | None
    papers: int
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Run:
    """How the sending stands. `states` are the digests of the readers' own date `day`.

    `readers_due` have no digest row yet, `ready` can be sent now, and `later` at other times.
    `per_second` is the present rate of hand-overs. `held` is the open edition if it is held.
    """

    now: datetime
    day: date
    states: Mapping[str, int]
    skips: Sequence[tuple[str, int]]
    days: Mapping[date, Mapping[str, int]]
    readers_due: Waiting
    ready: Waiting
    later: Sequence[Later]
    in_doubt: Waiting
    per_second: float
    by_service: Mapping[str, float]
    edition: EditionFigures | None
    open_papers: int
    held: Edition | None

    @property
    def sent(self) -> int:
        """Digests of the day that the mail service accepted, whatever it said later."""
        return sum(self.states.get(state, 0) for state in Digest.ACCEPTED)

    @property
    def total(self) -> int:
        return sum(self.states.values()) + self.readers_due.number

    @property
    def left(self) -> int:
        return self.readers_due.number + self.ready.number + self.states.get(State.SENDING, 0)

    @property
    def due_since(self) -> datetime | None:
        """Since when the first of those who could be sent something waits."""
        return min(filter(None, (self.readers_due.since, self.ready.since)), default=None)

    @property
    def is_on(self) -> bool:
        return self.left > 0 or self.per_second > 0

    @property
    def time_left(self) -> timedelta | None:
        """How long the rest takes at the present rate; None if nothing moves."""
        return timedelta(seconds=self.left / self.per_second) if self.per_second else None


def look() -> Run:
    """Return how the sending stands, by the database's clock."""
    ((now,),) = fetch("SELECT now()")
    today = now.date()
    days, skips = _counted(today)
    by_service = _rates()
    return Run(
        now=now,
        day=today,
        states=days.get(today, {}),
        skips=skips,
        days=days,
        readers_due=_waiting(_READERS_DUE),
        ready=_waiting(_READY),
        later=_later(),
        in_doubt=_waiting(_IN_DOUBT),
        per_second=sum(by_service.values()),
        by_service=by_service,
        edition=_edition(),
        open_papers=_open_papers(),
        held=Edition.objects.held().first(),
    )


def _counted(today: date) -> tuple[dict[date, dict[str, int]], list[tuple[str, int]]]:
    """The states of the digests of yesterday, today and tomorrow, which is today for readers in the
    east; and why those of today were skipped, the most frequent reason first."""
    rows = fetch(
        """
        SELECT day, state, skip_reason, sum(number)::bigint FROM digest_digestcount
        WHERE day BETWEEN %(today)s::date - 1 AND %(today)s::date + 1
        GROUP BY 1, 2, 3 HAVING sum(number) <> 0 ORDER BY 1, 4 DESC, 3
        """,
        {"today": today},
    )
    days: dict[date, dict[str, int]] = {}
    for day, state, _, digests in rows:
        of_day = days.setdefault(day, {})
        of_day[state] = of_day.get(state, 0) + digests
    skips = [(reason, digests) for day, _, reason, digests in rows if day == today and reason]
    return days, skips


def _rates() -> dict[str, float]:
    """Hand-overs a second by mail service. In a run's first minute, only the time since it began
    counts."""
    rows = fetch(
        """
        SELECT mail_service, sum(number),
            greatest(extract(epoch FROM now() - min(min(at)) OVER ()), 5)
        FROM digest_digestcount
        WHERE day > (now() AT TIME ZONE 'UTC')::date - 3 AND at > now() - %(over)s
            AND state = ANY(%(states)s)
        GROUP BY mail_service
        """,
        {"over": RATE_OVER, "states": [str(state) for state in Digest.ACCEPTED]},
    )
    return {name: digests / float(seconds) for name, digests, seconds in rows if digests > 0}


# Bounded, and found by the partial indexes of each table.
_READERS_DUE = """
    SELECT next_due_at AS since FROM subscribers_subscriber
    WHERE state = 'active' AND next_due_at <= now() ORDER BY next_due_at
"""
_READY = """
    SELECT next_attempt_at AS since FROM digest_digest
    WHERE state = 'ready' AND next_attempt_at <= now() ORDER BY next_attempt_at
"""
_IN_DOUBT = """
    SELECT handed_over_at AS since FROM digest_digest
    WHERE state = 'uncertain'
"""


def _waiting(rows: str) -> Waiting:
    ((waiting, since),) = fetch(
        f"SELECT count(*), min(since) FROM ({rows} LIMIT %(most)s) waiting", {"most": MOST + 1}
    )
    return Waiting(waiting, since)


def _later() -> Sequence[Later]:
    rows = fetch(
        """
        SELECT count(*), min(at), is_leased FROM (
            SELECT next_attempt_at AS at, lease_token IS NOT NULL AS is_leased FROM digest_digest
            WHERE state = 'ready' AND next_attempt_at > now()
            ORDER BY next_attempt_at LIMIT %(most)s
        ) later GROUP BY is_leased ORDER BY is_leased DESC
        """,
        {"most": MOST + 1},
    )
    return [Later(*row) for row in rows]


def _edition() -> EditionFigures | None:
    rows = fetch(
        """
        SELECT e.id, e.date, e.closed_at, count(p.id) FROM (
            SELECT * FROM digest_edition WHERE closed_at IS NOT NULL ORDER BY date DESC LIMIT 1
        ) e LEFT JOIN digest_editionpaper p ON p.edition_id = e.id
        GROUP BY e.id, e.date, e.closed_at
        """
    )
    for pk, day, closed_at, papers in rows:
        states = fetch(
            """
            SELECT state, sum(number)::bigint FROM digest_digestcount WHERE edition = %s
            GROUP BY state HAVING sum(number) <> 0
            """,
            [pk],
        )
        return EditionFigures(pk, day, closed_at, papers, dict(states))
    return None


def _open_papers() -> int:
    """How many papers wait for the next edition."""
    ((papers,),) = fetch(
        """
        SELECT count(*) FROM (
            SELECT FROM digest_paper p
            WHERE p.set_aside = '' AND p.first_seen_at > now() - interval '14 days'
                AND NOT EXISTS (SELECT FROM digest_editionpaper c WHERE c.paper_id = p.id)
            LIMIT %s
        ) waiting
        """,
        [MOST],
    )
    return int(papers)
