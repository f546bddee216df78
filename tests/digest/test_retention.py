"""What has been kept long enough goes, and nothing else does."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import Model
from django.utils import timezone

from digest.models import Click, Digest, Event, Look, Sighting, counts
from digest.retention import RULES, prune
from subscribers.database import Lock, only_one
from subscribers.models import Consent, Letter, Link, Subscriber
from tests.factories import make_digest, make_edition, make_paper, make_reader

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
NOW = timezone.now()
DAYS = dict.fromkeys(settings.KEEP_DAYS, 30)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def run(**days: int) -> dict[str, int]:
    return prune(NOW, DAYS | days, seconds=60)


def make_event(digest: Digest | None, days: float, kind: str = "delivered") -> Event:
    return Event.objects.create(
        dedupe_key=f"{kind} {days}",
        kind=kind,
        digest=digest,
        mail_service="smtp",
        at=ago(days),
        received_at=ago(days),
    )


def make_link(reader: Subscriber, days: float | None) -> Link:
    """A link that expired so many days ago, or one without an end."""
    return Link.objects.create(
        token_hash=f"{reader.pk} {days}",
        purpose=Link.Purpose.READ,
        subscriber=reader,
        created_at=ago(99),
        expires_at=None if days is None else ago(days),
    )


def old_and_new(days: float = 31) -> list[Model]:
    """A row of each kind that is `days` old, and all that hangs on it."""
    edition, reader = make_edition(day=ago(days).date()), make_reader()
    digest = make_digest(edition, reader, state=State.SENT)
    paper = edition.papers.first()
    assert paper is not None
    return [
        digest,
        make_event(digest, days),
        make_event(digest, days, "bounced"),
        Click.objects.create(digest=digest, paper=paper, at=ago(days)),
        Look.objects.create(source="arxiv", outcome="ok", at=ago(days)),
        make_link(reader, days),
        Letter.objects.create(
            subscriber=reader, kind=Letter.Kind.LINK, created_at=ago(days), sent_at=ago(days)
        ),
    ]


def is_there(row: Model) -> bool:
    return type(row)._default_manager.filter(pk=row.pk).exists()


def test_old_rows_go_and_new_ones_stay() -> None:
    old, new = old_and_new(31), old_and_new(29)

    gone = run()

    assert gone == dict.fromkeys(("events", "clicks", "digests", "looks", "letters", "links"), 1)
    assert ([is_there(row) for row in old], [is_there(row) for row in new]) == (
        [False] * len(old),
        [True] * len(new),
    )
    assert run() == {}


def test_the_way_out_of_an_old_mail_stays_for_good() -> None:
    link = make_link(make_reader(), None)

    assert run() == {}

    assert is_there(link)


def test_every_kind_has_its_setting() -> None:
    assert {rule.name for rule in RULES} == {*settings.KEEP_DAYS}


def test_what_points_to_a_digest_goes_with_it_however_long_it_may_stay() -> None:
    old = old_and_new(31)

    run(events=900, clicks=900)

    assert [is_there(row) for row in old[:4]] == [False] * 4


def test_nothing_else_points_to_digests() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text FROM pg_constraint"
            " WHERE contype = 'f' AND confrelid = 'digest_digest'::regclass"
        )
        assert sorted(cursor.fetchall()) == [("digest_click",), ("digest_event",)]


@pytest.mark.parametrize("state", [State.READY, State.SENDING, State.UNCERTAIN])
def test_a_digest_that_is_not_settled_stays(state: State) -> None:
    digest = make_digest(make_edition(), make_reader(), local_date=ago(40).date(), state=state)

    run()

    assert is_there(digest)


def test_a_bounce_is_remembered_as_long_as_its_digest() -> None:
    digest = make_digest(make_edition(), make_reader(), local_date=ago(40).date())
    bounce, stray = make_event(digest, 40, "bounced"), make_event(None, 41, "bounced")

    run(digests=90)

    assert (is_there(bounce), is_there(stray)) == (True, False)


def test_of_old_figures_the_last_of_each_day_and_source_stay() -> None:
    paper, noon = make_paper(), ago(40).replace(hour=12, minute=0)
    Sighting.objects.all().delete()
    hours: list[tuple[str, Any]] = [("a", 0), ("a", 1), ("a", 11), ("a", 12), ("b", 1), ("b", 2)]
    for source, hour in hours:
        Sighting.objects.create(paper=paper, source=source, at=noon + timedelta(hours=hour))
    young = [Sighting.objects.create(paper=paper, source="a", at=ago(20)) for _ in range(2)]

    assert run() == {"sightings": 3}

    kept = Sighting.objects.exclude(pk__in=[one.pk for one in young]).order_by("source", "at")
    assert [(one.source, (one.at - noon).total_seconds() / 3600) for one in kept] == [
        *(("a", 11), ("a", 12), ("b", 2))
    ]
    assert all(map(is_there, young))


def test_proofs_stay_and_sums_follow() -> None:
    old_and_new(4000)
    Consent.objects.create(address_hash="0" * 64, act=Consent.Act.ASKED, at=ago(4000))
    consents = Consent.objects.count()

    run()
    counts.fold()

    assert Consent.objects.count() == consents
    assert sum(counts.DigestCount.objects.values_list("number", flat=True)) == 0


def test_a_second_run_at_once_leaves_it_to_the_first() -> None:
    old_and_new(31)
    with only_one(Lock.PRUNING):
        assert run() == {}

    assert run()["digests"] == 1
