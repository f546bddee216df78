"""Addresses that get no mail: the weightier reason stays, and a complaint unsubscribes."""

from datetime import datetime

import pytest

from subscribers import addresses
from subscribers.leaving import suppression
from subscribers.models import Consent, Subscriber, Suppression
from tests.factories import make_reader

BOUNCED = Suppression.Reason.BOUNCED
MANUAL = Suppression.Reason.MANUAL
COMPLAINED = Suppression.Reason.COMPLAINED

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (BOUNCED, BOUNCED, BOUNCED),
        (BOUNCED, MANUAL, MANUAL),
        (BOUNCED, COMPLAINED, COMPLAINED),
        (MANUAL, BOUNCED, MANUAL),
        (MANUAL, COMPLAINED, COMPLAINED),
        (COMPLAINED, BOUNCED, COMPLAINED),
        (COMPLAINED, MANUAL, COMPLAINED),
    ],
)
def test_the_weightier_reason_is_kept(
    now: datetime, first: Suppression.Reason, second: Suppression.Reason, kept: str
) -> None:
    address_hash = addresses.hashed("reader@dest.example")

    suppression.suppress(address_hash, first, now)
    suppression.suppress(address_hash, second, now)

    assert Suppression.objects.get().reason == kept
    assert suppression.is_suppressed(address_hash)


def test_another_address_is_not_suppressed(now: datetime) -> None:
    suppression.suppress(addresses.hashed("a@dest.example"), MANUAL, now)

    assert not suppression.is_suppressed(addresses.hashed("b@dest.example"))


def test_a_complaint_unsubscribes_once(now: datetime) -> None:
    reader = make_reader()

    suppression.suppress(reader.address_hash, COMPLAINED, now)
    suppression.suppress(reader.address_hash, COMPLAINED, now)

    reader.refresh_from_db()
    assert (reader.state, reader.next_due_at) == (Subscriber.State.UNSUBSCRIBED, None)
    assert [consent.act for consent in reader.consents.all()] == [Consent.Act.COMPLAINED]


@pytest.mark.parametrize("reason", [BOUNCED, MANUAL])
def test_other_reasons_leave_the_subscription_as_it_is(
    now: datetime, reason: Suppression.Reason
) -> None:
    reader = make_reader()

    suppression.suppress(reader.address_hash, reason, now)

    reader.refresh_from_db()
    assert reader.state == Subscriber.State.ACTIVE
    assert not reader.consents.exists()


def test_only_a_bounce_can_be_lifted_by_the_reader(now: datetime) -> None:
    bounced, complained = (addresses.hashed(f"{name}@dest.example") for name in "bc")
    suppression.suppress(bounced, BOUNCED, now)
    suppression.suppress(complained, COMPLAINED, now)

    suppression.lift_bounce(bounced)
    suppression.lift_bounce(complained)

    assert not suppression.is_suppressed(bounced)
    assert suppression.is_suppressed(complained)
