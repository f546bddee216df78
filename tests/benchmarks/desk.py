"""The admin's pages with many rows: server time of each, as a ratio to an almost empty database.

The time is the shortest of a few, because a machine has other things to do.

Readers and digests are made by PostgreSQL itself. DESK_READERS and DESK_EDITIONS say how many;
a million readers and thirty editions are thirty million digests, which take about 25 GB.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from importlib import import_module
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone
from rich.table import Table

from digest.models import Digest, Edition
from subscribers.database import execute, fetch
from subscribers.models import Subscriber, Topic
from tests.digest.desk.scene import a_morning

READERS = int(os.environ.get("DESK_READERS", "100000"))
EDITIONS = int(os.environ.get("DESK_EDITIONS", "10"))
REPEAT = 5


def run() -> Table:
    a_morning()
    User.objects.create_superuser("desk", password="a")
    client = Client(SERVER_NAME="news.example.org")
    client.force_login(User.objects.get(username="desk"))
    empty = _measure(client)
    _fill()
    full = _measure(client)
    table = Table(
        "page",
        *("queries", "ms, empty", "ms", "x empty", "ms of Python"),
        title=f"{Subscriber.objects.count():,} readers, {Digest.objects.count():,} digests",
    )
    for path, (queries, seconds, busy) in sorted(full.items(), key=lambda item: -item[1][1]):
        before = empty.get(path, (0, seconds, 0))[1]
        table.add_row(
            path.removeprefix("/admin") or path,
            str(queries),
            f"{before * 1e3:.0f}",
            f"{seconds * 1e3:.0f}",
            f"{seconds / before:.1f}",
            f"{busy * 1e3:.0f}",
        )
    return table


def pages() -> list[str]:
    """The pages of the desk, each list, and a row of each."""
    admin.autodiscover()
    paths = ["/admin/", "/admin/tables/", "/ready"]
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        paths.append(path)
        newest = model._default_manager.order_by("-pk").values_list("pk", flat=True).first()
        if newest is not None:
            paths.append(f"{path}{{newest}}/change/")
    desk = f"/admin/digest/edition/desk/{Edition.objects.closed().latest('date').date}/"
    reader = Subscriber.objects.active().latest("pk").pk
    paths += [
        *(desk, f"{desk}preview/", f"{desk}preview/?reader={reader}", "/admin/delivery/"),
        *("/admin/people/", f"/admin/people/{reader}/", "/admin/account/"),
        "/admin/imports/",
        *("/admin/digest/digest/trial/", "/admin/subscribers/topic/preview/"),
        "/admin/digest/digest/?state__exact=failed",
        "/admin/digest/digest/?doubt=7",
        "/admin/digest/digest/?q=reader77@dest.example",
        "/admin/subscribers/subscriber/?q=reader77@dest.example",
        "/admin/digest/digest/?state__exact=sent",
        "/admin/digest/digest/?state__exact=skipped",
        "/admin/subscribers/subscriber/?q=nobody-has-this",
        "/admin/subscribers/subscriber/?state__exact=pending",
        "/admin/subscribers/subscriber/?frequency__exact=weekly",
        f"/admin/subscribers/subscriber/?topics__id__exact={Topic.objects.latest('pk').pk}",
    ]
    return paths


def _measure(client: Client) -> dict[str, tuple[int, float, float]]:
    """Queries, seconds, and seconds for which this process was busy, of each page."""
    found = {}
    for path in pages():
        times, busy = [], []
        for _ in range(REPEAT):
            url = path.replace("{newest}", str(_newest(path)))
            connection.force_debug_cursor = True
            connection.queries_log.clear()
            began, used = time.perf_counter(), time.process_time()
            answer: Any = client.get(url, secure=True)
            times.append(time.perf_counter() - began)
            busy.append(time.process_time() - used)
            queries = len(connection.queries_log)
            connection.force_debug_cursor = False
            assert answer.status_code in {200, 302, 503}, (url, answer.status_code)
        found[path] = (queries, min(times), min(busy))
    return found


def _newest(path: str) -> object:
    if "{newest}" not in path:
        return ""
    _, _, app, model, *_ = path.split("/")
    found = apps.get_model(app, model)
    return found._default_manager.order_by("-pk").values_list("pk", flat=True).first()


def _fill() -> None:
    """Readers, digests of many editions, and what comes with them, as SQL makes them."""
    today = timezone.now().date()
    execute("SET session_replication_role = replica")  # no triggers: all is counted at the end
    execute(
        """
        INSERT INTO subscribers_subscriber (email, new_email, address_hash, state, zone, hour,
            frequency, weekday, length, language, is_exploring, links_generation, links_epoch,
            created_at, confirmed_at, next_due_at)
        SELECT 'reader' || n || '@dest.example', '', md5('a' || n) || md5('b' || n),
            CASE WHEN n %% 50 = 0 THEN 'unsubscribed' ELSE 'active' END, 'UTC', 7, 'daily', 0, 10,
            'en', true, 0, '', now() - n %% 300 * interval '1 day', now(),
            CASE WHEN n %% 50 > 0 THEN now() + (n %% 1440 - 20) * interval '1 minute' END
        FROM generate_series(1, %s) n
        """,
        [READERS],
    )
    execute(
        """
        INSERT INTO subscribers_subscription (subscriber_id, topic_id, emphasis)
        SELECT s.id, t.id, 0 FROM subscribers_subscriber s JOIN (
            SELECT id, row_number() OVER (ORDER BY id) - 1 AS place, count(*) OVER () AS number
            FROM subscribers_topic
        ) t ON t.place IN (s.id % t.number, s.id * 7 % t.number) ON CONFLICT DO NOTHING
        """
    )
    execute(
        """
        INSERT INTO subscribers_consent (subscriber_id, address_hash, act, wording, reason, at)
        SELECT id, address_hash, act, '', '', created_at
        FROM subscribers_subscriber, unnest(ARRAY['asked', 'confirmed']) act
        """
    )
    with _without_indexes("digest_digest"):
        _fill_digests(today)
    execute(
        """
        INSERT INTO digest_event (dedupe_key, kind, digest_id, address_hash, mail_service,
            message_id, reject_reason, is_permanent, detail, at, received_at)
        SELECT 'key' || id, 'bounced', id, '', 'smtp', '', 'bounced', true, '', now(), now()
        FROM digest_digest WHERE state = 'bounced'
        """
    )
    execute("SET session_replication_role = DEFAULT")
    execute(import_module("digest.migrations.0029_count_what_is_there").COUNT)
    execute("VACUUM ANALYZE")


@contextmanager
def _without_indexes(table: str) -> Iterator[None]:
    """Build the indexes anew afterwards: that takes a tenth of the time of filling them."""
    constraints = fetch(
        """
        SELECT format('ALTER TABLE %%I DROP CONSTRAINT %%I CASCADE', %(table)s::text, conname),
            format('ALTER TABLE %%I ADD CONSTRAINT %%I %%s',
                conrelid::regclass::text, conname, pg_get_constraintdef(oid))
        FROM pg_constraint
        WHERE conrelid = %(table)s::regclass AND contype IN ('p', 'u', 'f')
            OR confrelid = %(table)s::regclass
        ORDER BY contype = 'f'
        """,
        {"table": table},
    )
    indexes = fetch(
        """
        SELECT 'DROP INDEX ' || indexrelid::regclass, pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid = %s::regclass
            AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
        """,
        [table],
    )
    for drop, _make in [*reversed(constraints), *indexes]:
        execute(drop.replace(" DROP CONSTRAINT ", " DROP CONSTRAINT IF EXISTS "))
    yield
    execute("SET maintenance_work_mem = '1GB'")
    for _drop, make in [*constraints, *indexes]:
        execute(make)


def _fill_digests(today: date) -> None:
    paper_ids = list(Edition.objects.latest("date").papers.values_list("pk", flat=True)[:10])
    had = set(Digest.objects.filter(local_date=today).values_list("subscriber", flat=True))
    for back in range(EDITIONS):
        day = today - timedelta(days=back)
        edition, _ = Edition.objects.get_or_create(date=day, defaults={"closed_at": timezone.now()})
        execute(
            """
            INSERT INTO digest_digest (subscriber_id, edition_id, state, skip_reason, local_date,
                due_at, next_attempt_at, paper_ids, reasons, template_version, mail_service,
                message_id, handed_over_at)
            SELECT id, %(edition)s,
                CASE WHEN id %% 100 < 90 THEN 'sent' WHEN id %% 100 < 99 THEN 'skipped'
                    ELSE 'bounced' END,
                CASE WHEN id %% 100 BETWEEN 90 AND 98 THEN 'nothing_new' ELSE '' END,
                %(day)s, %(day)s, %(day)s, %(papers)s, %(reasons)s, 'abc', 'smtp',
                'd.' || id || '@example', %(day)s
            FROM subscribers_subscriber s WHERE %(back)s > 0 OR id <> ALL(%(had)s)
            """,
            {
                "back": back,
                "had": [pk for pk in had if pk],
                "edition": edition.pk,
                "day": day,
                "papers": paper_ids,
                "reasons": [f"topic:{number}" for number in range(len(paper_ids))],
            },
        )
