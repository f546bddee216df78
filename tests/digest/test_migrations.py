"""Migrations of data, run on rows as they were before."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from digest.models import Digest
from subscribers.models import Subscriber
from tests.factories import make_reader

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(*targets: tuple[str, str]) -> Any:
    """Migrate to these. Returns the models as they are there."""
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets))
    return executor.loader.project_state(list(targets)).apps


@pytest.fixture
def before() -> Iterator[Any]:
    """The models at the time when a digest was unique to its edition."""
    yield migrate(("digest", "0014_plain_words"))
    migrate(*MigrationExecutor(connection).loader.graph.leaf_nodes())


def test_each_digest_gets_a_date_of_its_own_in_its_readers_calendar(before: Any) -> None:
    reader = make_reader(zone="Europe/Berlin")
    lost, none = make_reader(zone="Mars/Base"), make_reader()
    edition_of = before.get_model("digest", "Edition").objects.create
    editions = [
        edition_of(date=date(2026, 7, day), closed_at=f"2026-07-{day}T05:00Z").pk
        for day in (13, 14, 15, 16)
    ]
    # At home it was Tuesday; Wednesday, half an hour after midnight; Wednesday; and Thursday.
    times = ("07-14T05:00", "07-14T22:30", "07-15T05:00", "07-16T05:00")
    rows: list[tuple[int | None, int, str]]
    rows = [(reader.pk, editions[place], time) for place, time in enumerate(times)]
    rows += [(lost.pk, editions[0], "07-14T22:30")]
    rows += [(None, edition, "07-14T05:00") for edition in editions[:2]]
    old = before.get_model("digest", "Digest")
    for subscriber_id, edition_id, time in rows:
        due_at = datetime.fromisoformat(f"2026-{time}+00:00")
        old.objects.create(subscriber_id=subscriber_id, edition_id=edition_id, due_at=due_at)

    migrate(("digest", "0016_one_digest_a_date"))

    dates = Digest.objects.order_by("pk").values_list("subscriber", "local_date")
    assert [(pk, day.day) for pk, day in dates] == [
        *((reader.pk, day) for day in (13, 14, 15, 16)),
        *((lost.pk, 14), (None, 14), (None, 14)),
    ]
    last = dict(Subscriber.objects.values_list("pk", "last_due_on"))
    assert last == {reader.pk: date(2026, 7, 16), lost.pk: date(2026, 7, 14), none.pk: None}
