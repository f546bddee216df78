"""Who gets a digest, and when the next: planning, against PostgreSQL."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from digest.delivery import plan
from digest.models import Digest
from subscribers.models import Subscriber
from tests.factories import make_edition, make_reader

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_plans_make_one_digest() -> None:
    make_edition()
    make_reader(next_due_at=timezone.now())  # a minute ago it may have been yesterday

    assert [plan.plan_due(), plan.plan_due(), plan.plan_early()] == [1, 0, 0]


def test_planning_early_does_not_plan_again_at_the_reader_s_hour() -> None:
    make_edition()
    make_reader(next_due_at=timezone.now())

    assert [plan.plan_early(), plan.plan_due()] == [1, 0]


def test_planning_sets_the_next_time() -> None:
    make_edition()
    reader = make_reader(zone="UTC", hour=7)

    plan.plan_due()

    reader.refresh_from_db()
    assert reader.next_due_at is not None
    assert reader.next_due_at > timezone.now()
    assert (reader.next_due_at.hour, reader.next_due_at.minute) == (7, 0)


def test_nobody_is_planned_before_their_time() -> None:
    make_edition()
    make_reader(next_due_at=timezone.now() + timedelta(minutes=5))

    assert plan.plan_due() == 0
    assert plan.plan_early() == 1


@pytest.mark.parametrize("state", [Subscriber.State.PENDING, Subscriber.State.UNSUBSCRIBED])
def test_only_active_readers_are_planned(state: str) -> None:
    make_edition()
    make_reader(state=state)

    assert plan.plan_due() + plan.plan_early() == 0


def test_without_an_edition_the_reader_s_digest_waits() -> None:
    reader = make_reader()

    assert plan.plan_due() == 1

    reader.refresh_from_db()
    digest = Digest.objects.get()
    assert (digest.state, digest.edition) == (Digest.State.READY, None)
    assert digest.next_attempt_at > timezone.now()
    assert reader.next_due_at is not None
    assert reader.next_due_at > timezone.now()


def test_the_waiting_ends_with_the_closing_of_the_edition() -> None:
    make_reader()
    plan.plan_due()

    make_edition()
    plan.prepare()

    assert Digest.objects.get().next_attempt_at <= timezone.now()


def test_a_digest_stops_waiting_an_hour_before_it_is_late(settings: Settings) -> None:
    due_at = timezone.now() - timedelta(hours=2)
    make_reader(next_due_at=due_at, hour=(due_at.hour - 1) % 24)

    plan.plan_due()

    last_call = due_at + settings.DELIVERY_LATE - plan.LAST_CALL
    assert abs(Digest.objects.get().next_attempt_at - last_call) < timedelta(minutes=1)


def test_after_an_outage_a_digest_still_waits_a_while_for_the_sources() -> None:
    due_at = timezone.now() - timedelta(hours=11, minutes=30)
    make_reader(next_due_at=due_at, hour=(due_at.hour - 1) % 24)

    plan.plan_due()

    wait = Digest.objects.get().next_attempt_at - timezone.now()
    assert abs(wait - plan.GRACE) < timedelta(minutes=1)


def test_planning_takes_the_same_queries_for_one_and_three_readers(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    make_edition()
    for number in (1, 3):
        for _ in range(number):
            make_reader()
        with django_assert_num_queries(15):
            plan.plan_due()
