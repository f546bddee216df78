"""A year of a site's rows, as PostgreSQL makes them, pruned every week or not at all.

Bytes a reader and year by kind of row, what pruning costs, and whether pages get slower. Bytes
count indexes and what updates and deletions leave behind. RETENTION_READERS says how many readers.
"""

import os
import time
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from rich.table import Table

from digest import retention
from digest.models import counts
from subscribers.database import execute, fetch
from subscribers.models import Subscriber
from tests.benchmarks.engine import postgres_cpu
from tests.benchmarks.load import fresh_edition, fresh_readers
from tests.factories import make_paper

READERS = int(os.environ.get("RETENTION_READERS", "10000"))
DAYS, STEP = 364, 7
# Papers of a week, 60 a day, each looked at every hour of it.
PAPERS = 7 * 60
TABLES = {
    "digests": "digest_digest",
    "events": "digest_event",
    "clicks": "digest_click",
    "links": "subscribers_link",
    "letters": "subscribers_letter",
    "sightings": "digest_sighting",
    "looks": "digest_look",
}
REPEAT = 5


class Year(NamedTuple):
    """What a year left: bytes and rows by kind, PostgreSQL's CPU seconds for pruning, rows that
    went, the same for a run that finds nothing, and the times of pages in seconds."""

    bytes: Mapping[str, int]
    rows: Mapping[str, int]
    seconds: float
    gone: int
    idle: float
    pages: Mapping[str, float]


def run() -> Table:
    User.objects.create_superuser("desk", password="a")
    first = _live(STEP, is_pruning=False)
    kept, pruned = _live(DAYS, is_pruning=False), _live(DAYS, is_pruning=True)
    table = Table(
        "kind",
        *("rows, kept", "bytes a row", "bytes a reader-year", "rows, pruned", "share of bytes"),
        title=f"{READERS:,} readers, {DAYS} days of digests",
    )
    for name in TABLES:
        table.add_row(name, *_figures(kept, pruned, (name,)))
    table.add_row("all", *_figures(kept, pruned, TABLES))
    _add(
        table,
        "µs of PostgreSQL to prune a row",
        f"{pruned.seconds / max(pruned.gone, 1) * 1e6:.0f}",
    )
    _add(table, "s of PostgreSQL to prune the year", f"{pruned.seconds:.0f}")
    _add(table, "ms of PostgreSQL to find nothing", f"{pruned.idle * 1e3:.0f}")
    for page, seconds in first.pages.items():
        _add(
            table,
            f"{page}: ms in a week, x pruned, x kept",
            f"{seconds * 1e3:.0f}",
            f"{pruned.pages[page] / seconds:.1f}",
            f"{kept.pages[page] / seconds:.1f}",
        )
    return table


def _figures(kept: Year, pruned: Year, names: "tuple[str, ...] | Mapping[str, str]") -> list[str]:
    rows, size = (sum(of[name] for name in names) for of in (kept.rows, kept.bytes))
    left, small = (sum(of[name] for name in names) for of in (pruned.rows, pruned.bytes))
    return [
        f"{rows:,}",
        f"{size / max(rows, 1):.0f}",
        f"{size / READERS * 365 / DAYS:,.0f}",
        f"{left:,}",
        f"{small / size:.0%}",
    ]


def _add(table: Table, *cells: str) -> None:
    table.add_row(*cells, *[""] * (len(table.columns) - len(cells)))


# --- a year --------------------------------------------------------------------------------
def _live(days: int, *, is_pruning: bool) -> Year:
    execute(f"TRUNCATE {', '.join(TABLES.values())} CASCADE")
    fresh_readers(READERS, Random(1))
    fresh_edition(Random(1))
    papers = [make_paper().pk for _ in range(PAPERS)]
    begin, seconds, gone = timezone.now().date() - timedelta(days=days), 0.0, 0
    for done in range(0, days, STEP):
        for day in (begin + timedelta(days=done + more) for more in range(STEP)):
            _add_day(day, papers, is_first=day.day == 1 or day == begin)
        if is_pruning:
            took, number = _prune(begin + timedelta(days=done + STEP))
            seconds, gone = seconds + took, gone + number
            execute("VACUUM ANALYZE")  # as autovacuum does
    execute("VACUUM ANALYZE")
    idle, _ = _prune(begin + timedelta(days=days)) if is_pruning else (0.0, 0)
    return Year(
        {name: _ask(f"SELECT pg_total_relation_size('{table}')") for name, table in TABLES.items()},
        {name: _ask(f"SELECT count(*) FROM {table}") for name, table in TABLES.items()},
        *(seconds, gone, idle),
        _pages(),
    )


def _ask(statement: str) -> int:
    ((number,),) = fetch(statement)
    return int(number)


def _prune(day: date) -> tuple[float, int]:
    """Prune as if it were that day. Returns seconds of PostgreSQL's CPU, and how many rows went."""
    now = datetime.combine(day, datetime.min.time(), UTC)
    used = postgres_cpu()
    gone = retention.prune(now, settings.KEEP_DAYS, seconds=3600)
    counts.fold()  # as the tick does
    return postgres_cpu() - used, sum(gone.values())


def _add_day(day: date, papers: "list[int]", *, is_first: bool) -> None:
    """What a day leaves: a digest and an event for each reader, some clicks, and new links."""
    said = {"day": day, "papers": papers, "ten": papers[:10]}
    said |= {"reasons": [f"topic:{number}" for number in range(10)]}
    execute("SET session_replication_role = replica")  # no sums of what is there: no tick adds them
    for statement in (*_A_DAY, _A_MONTH) if is_first else _A_DAY:
        execute(statement, said)
    execute("SET session_replication_role = DEFAULT")


_A_DAY = (
    """
    WITH made AS (
        INSERT INTO digest_digest (subscriber_id, edition_id, state, skip_reason, local_date,
            due_at, next_attempt_at, paper_ids, reasons, template_version, mail_service,
            message_id, handed_over_at)
        SELECT s.id, (SELECT max(id) FROM digest_edition), 'delivered', '', %(day)s, %(day)s,
            %(day)s, %(ten)s::bigint[], %(reasons)s, 'abcdefabcdef', 'smtp',
            '<d.' || s.id || '.' || md5(s.id::text) || '@news.example.org>', %(day)s
        FROM subscribers_subscriber s ORDER BY s.id
        RETURNING id, message_id, paper_ids
    ), clicked AS (
        INSERT INTO digest_click (digest_id, paper_id, at, is_machine)
        SELECT id, paper_ids[1], %(day)s, false FROM made WHERE id %% 5 = 0
    )
    INSERT INTO digest_event (dedupe_key, kind, digest_id, address_hash, mail_service, message_id,
        reject_reason, is_permanent, detail, at, received_at)
    SELECT md5(id::text) || md5(id::text),
        CASE WHEN id %% 200 = 0 THEN 'bounced' ELSE 'delivered' END,
        id, md5(id::text) || md5(id::text), 'smtp', message_id, '', false, '', %(day)s, %(day)s
    FROM made
    """,
    """
    INSERT INTO digest_sighting (paper_id, source, at, votes, comments)
    SELECT paper, 'huggingface', %(day)s::date + n * interval '1 hour', n, 0
    FROM generate_series(0, 23) n, unnest(%(papers)s::bigint[]) paper
    """,
    """
    INSERT INTO digest_look (source, day, at, outcome, new, changed, same, bad, message)
    SELECT 'huggingface', %(day)s, %(day)s::date + n * interval '1 hour', 'ok', 1, 1, 1, 0, ''
    FROM generate_series(0, 23) n
    """,
    """
    INSERT INTO subscribers_letter (subscriber_id, kind, "to", attempts, doubts, is_counted,
        created_at, next_attempt_at, sent_at)
    SELECT id, 'link', '', 1, 0, false, %(day)s, %(day)s, %(day)s
    FROM subscribers_subscriber WHERE id %% 365 = extract(doy FROM %(day)s::date)
    """,
)
_A_MONTH = """
    INSERT INTO subscribers_link (token_hash, purpose, subscriber_id, created_at, expires_at)
    SELECT md5(s.id || purpose || %(day)s) || md5(s.id::text), purpose, s.id, %(day)s,
        %(day)s::date + interval '62 days'
    FROM subscribers_subscriber s, unnest(ARRAY['preferences', 'read', 'vote', 'saved']) purpose
    ORDER BY s.id
"""


# --- pages ---------------------------------------------------------------------------------
def _pages() -> dict[str, float]:
    client = Client(SERVER_NAME="news.example.org")
    client.force_login(User.objects.get(username="desk"))
    reader = Subscriber.objects.latest("pk").pk
    paths = {
        "Today": "/admin/",
        "the list of digests": "/admin/digest/digest/",
        "digests of one reader": f"/admin/digest/digest/?q=reader{reader}@dest.example",
        "the list of events": "/admin/digest/event/",
        "a reader's story": f"/admin/people/{reader}/",
        "the front page": "/",
    }
    return {name: _time(client, path) for name, path in paths.items()}


def _time(client: Client, path: str) -> float:
    times = []
    for _ in range(REPEAT):
        began = time.perf_counter()
        answer = client.get(path, secure=True)
        times.append(time.perf_counter() - began)
        assert answer.status_code == 200, (path, answer.status_code)
    return min(times)
