"""The small sums agree with the rows that they count, whoever changes these."""

from collections import Counter
from datetime import UTC, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.db.models import Sum
from django.utils import timezone

from digest.models import (
    Click,
    ConsentCount,
    Digest,
    DigestCount,
    Edition,
    FeedbackCount,
    Vote,
    counts,
)
from digest.readers import votes
from subscribers.database import execute
from subscribers.models import Consent
from tests.factories import make_digest, make_edition, make_paper, make_reader

pytestmark = pytest.mark.django_db

MODELS = (DigestCount, ConsentCount, FeedbackCount)
DIGEST = ("day", "edition", "mail_service", "state", "skip_reason")


def summed(model: Any, *keys: str) -> dict[tuple[Any, ...], int]:
    rows = model.objects.values_list(*keys).annotate(sum=Sum("number")).order_by()
    return {tuple(key): number for *key, number in rows if number}


def of_digests() -> dict[tuple[Any, ...], int]:
    columns = ("local_date", "edition_id", "mail_service", "state", "skip_reason")
    return dict(Counter(Digest.objects.values_list(*columns)))


def make_digests(edition: Edition | None = None) -> list[Digest]:
    edition = edition or make_edition(1)
    states = ["ready", "sent", "sent", "failed", "uncertain"]
    rows = [make_digest(edition, make_reader(), state=state) for state in states]
    rows.append(make_digest(edition, make_reader(), state="skipped", skip_reason="thin"))
    return rows


def test_digests_are_counted_through_all_their_changes() -> None:
    digests = make_digests()
    Digest.objects.filter(state="sent").update(state="delivered", mail_service="smtp")
    digests[0].state = "sending"
    digests[0].save()
    Digest.objects.filter(state="failed").update(lease_until=timezone.now())  # changes no number
    digests[4].delete()
    before = DigestCount.objects.count()
    Digest.objects.update(error="nothing that counts")

    assert len(of_digests()) == 4
    assert summed(DigestCount, *DIGEST) == of_digests()
    assert DigestCount.objects.count() == before


def test_joining_the_counts_changes_no_sum() -> None:
    edition = make_edition(1)
    for _ in range(20):
        make_digests(edition)
    DigestCount.objects.update(at=timezone.now() - timedelta(hours=1))
    fresh = make_digest(make_edition(1, day=timezone.now().date() - timedelta(3)), make_reader())
    before, rows = summed(DigestCount, *DIGEST), DigestCount.objects.count()

    counts.fold()
    counts.fold()

    assert summed(DigestCount, *DIGEST) == before == of_digests()
    assert rows > 120 > 2 * len(before)
    assert DigestCount.objects.count() == len(before)
    assert DigestCount.objects.filter(edition=fresh.edition_id).count() == 1


def test_consents_are_counted_by_day_and_reason() -> None:
    yesterday = timezone.now() - timedelta(days=1)
    reader = make_reader()
    for act in ("asked", "confirmed", "unsubscribed"):
        Consent.objects.create(subscriber=reader, address_hash="a", act=act, at=yesterday)
    Consent.objects.filter(act="unsubscribed").update(reason="too_many")
    reader.delete()

    day = yesterday.astimezone(UTC).date()
    assert summed(ConsentCount, "day", "act", "reason") == {
        (day, "asked", ""): 1,
        (day, "confirmed", ""): 1,
        (day, "unsubscribed", "too_many"): 1,
    }


def test_votes_from_mails_and_clicks_of_people_are_counted() -> None:
    reader, other, paper = make_reader(), make_reader(), make_paper()
    now = timezone.now()
    votes.vote(reader, paper, Vote.Value.LESS, Vote.Origin.MAIL, now)
    votes.vote(reader, paper, Vote.Value.MORE, Vote.Origin.MAIL, now)  # in place of the first
    votes.vote(make_reader(), paper, Vote.Value.MORE, Vote.Origin.IMPORT, now)
    votes.vote(other, paper, Vote.Value.LESS, Vote.Origin.MAIL, now)
    digest = make_digest(make_edition([paper]), reader)
    for _ in range(3):
        Click.objects.create(digest=digest, paper=paper, at=now)
    Click.objects.filter(pk=Click.objects.latest("pk").pk).update(is_machine=True)
    other.delete()

    assert summed(FeedbackCount, "paper", "kind") == {(paper.pk, "more"): 1, (paper.pk, "click"): 2}


@pytest.mark.django_db(transaction=True)
def test_an_emptied_table_counts_as_empty() -> None:
    make_digests()

    execute("TRUNCATE digest_digest CASCADE")

    assert summed(DigestCount, *DIGEST) == {}


def test_what_was_there_before_is_counted_once() -> None:
    make_digests()
    reader, paper = make_reader(), make_paper()
    votes.vote(reader, paper, Vote.Value.MORE, Vote.Origin.MAIL, timezone.now())
    Consent.objects.create(address_hash="a", act="asked")
    before = [summed(model, "day", *model.keys) for model in MODELS]
    for model in MODELS:
        model.objects.all().delete()

    execute("SET CONSTRAINTS ALL IMMEDIATE")
    for _ in range(2):
        execute(import_module("digest.migrations.0029_count_what_is_there").COUNT)

    assert [summed(model, "day", *model.keys) for model in MODELS] == before
    assert all(before)
