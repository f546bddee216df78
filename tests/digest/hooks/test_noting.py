"""What happens is noted in the transaction in which it does, whoever makes it happen."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from digest.delivery import events
from digest.hooks import noting
from digest.hooks.signing import new_salt
from digest.models import Call, Digest, Endpoint, Hold, Kind, Notice
from digest.papers import editions
from subscribers.joining import signup
from subscribers.leaving import erasing, suppression
from subscribers.leaving.unsubscribe import resume, unsubscribe
from subscribers.models import Consent, Link, Subscriber, Suppression
from tests.digest.delivery.test_events import hard_bounce
from tests.factories import make_digest, make_edition, make_paper, make_reader

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def endpoint() -> Endpoint:
    return Endpoint.objects.create(
        name="A CRM", url="https://crm.dest.example/", kinds=Kind.values, salt=new_salt()
    )


def noted() -> list[tuple[str, Any]]:
    return [(one.kind, one.data) for one in Notice.objects.order_by("pk")]


def test_a_reader_s_whole_story() -> None:
    now = timezone.now()
    reader = make_reader(state=Subscriber.State.PENDING, confirmed_at=None)
    signup.confirm(Link(subscriber=reader, purpose=Link.Purpose.CONFIRM), now)
    unsubscribe(reader, Consent.Act.ONE_CLICK, now)
    unsubscribe(reader, Consent.Act.ONE_CLICK, now)
    reader.refresh_from_db()
    resume(reader, now)
    suppression.suppress(reader.address_hash, Suppression.Reason.COMPLAINED, now)
    erasing.erase(reader, now)

    assert noted() == [
        ("subscriber.confirmed", {"subscriber": reader.pk, "how": "confirmed"}),
        ("subscriber.unsubscribed", {"subscriber": reader.pk, "how": "one_click"}),
        ("subscriber.resumed", {"subscriber": reader.pk, "how": "resumed"}),
        ("subscriber.suppressed", {"subscriber": reader.pk, "reason": "complained"}),
        ("subscriber.unsubscribed", {"subscriber": reader.pk, "how": "complained"}),
        ("subscriber.erased", {"subscriber": reader.pk, "how": "erased"}),
    ]
    assert reader.email not in json.dumps(noted())


def test_a_bounce_is_told_once() -> None:
    digest = make_digest(make_edition(), make_reader(), state=Digest.State.SENT)
    for number in "12":
        events.record(hard_bounce(digest, event_id=number), "Postmark")

    of = {"subscriber": digest.subscriber_id}
    assert noted() == [
        ("subscriber.suppressed", {**of, "reason": "bounced"}),
        ("digest.bounced", {**of, "digest": digest.uuid.hex}),
    ]


def test_holds_editions_and_their_runs() -> None:
    hold = Hold.objects.create(mail_service="a", reason="Testing")
    Hold.objects.release()
    Hold.objects.release()
    make_paper()
    first = editions.close(timezone.now().date(), now=timezone.now())
    assert first is not None
    digest = make_digest(first, make_reader())
    noting.note_finished_runs()
    make_edition(day=first.date + timedelta(days=1))
    noting.note_finished_runs()
    assert [kind for kind, _ in noted()] == ["hold.placed", "hold.released", "edition.closed"]
    assert noted()[0][1]["hold"] == hold.pk

    Digest.objects.filter(pk=digest.pk).update(state=Digest.State.DELIVERED)
    noting.note_finished_runs()
    noting.note_finished_runs()

    assert noted()[3:] == [
        ("edition.run_finished", {"edition": f"{first.date}", "digests": {"delivered": 1}})
    ]


def test_what_is_rolled_back_or_wanted_by_nobody_is_not_noted(endpoint: Endpoint) -> None:
    with transaction.atomic():
        Hold.objects.create(reason="Testing")
        transaction.set_rollback(True)
    Endpoint.objects.update(kinds=[Kind.BOUNCED.value])
    Hold.objects.create(reason="Testing")
    Endpoint.objects.update(kinds=Kind.values, is_on=False)
    Hold.objects.create(reason="Testing")

    assert noted() == []
    assert not Call.objects.exists()
