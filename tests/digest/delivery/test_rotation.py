"""A quota that is too small for all: nobody is left out twice before all had a digest."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from digest.delivery.limits.rotation import Rotation, rotation_of_today
from digest.delivery.run import deliver
from digest.models import DayCount, Digest, Edition, Hold, Turn
from subscribers.models import Subscriber
from tests.factories import build_reader, make_edition
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def readers(number: int) -> list[Subscriber]:
    return Subscriber.objects.bulk_create(
        build_reader(email=f"r{place}@dest.example", next_due_at=None) for place in range(number)
    )


def a_day_passes() -> None:
    """Everything is a day older, and today has an edition of its own."""
    for model, names in (
        (DayCount, ("day",)),
        (Turn, ("day",)),
        (Edition, ("date", "closed_at")),
        (Digest, ("local_date", "due_at", "handed_over_at", "next_attempt_at")),
        (Hold, ("until",)),
        (Subscriber, ("last_due_on",)),
    ):
        for name in names:
            # One after the other, the oldest first: the dates are unique.
            rows: Any = model._default_manager.exclude(**{name: None}).order_by(name)
            for row in rows:
                rows.model.objects.filter(pk=row.pk).update(**{name: getattr(row, name) - DAY})
    make_edition()


def make_due(*subscribers: Subscriber) -> None:
    Subscriber.objects.filter(pk__in=[one.pk for one in subscribers]).update(
        next_due_at=Now() - timedelta(minutes=1), next_due_on=None
    )


def due_later(*subscribers: Subscriber) -> None:
    """Due today, but not yet."""
    midnight = timezone.now().replace(hour=23, minute=59, second=59)
    Subscriber.objects.filter(pk__in=[one.pk for one in subscribers]).update(next_due_at=midnight)


def new_mails(sink: Sink) -> set[str]:
    recipients = [message.recipients[0] for message in sink.messages]
    sink.messages.clear()
    assert len(set(recipients)) == len(recipients), "one a day"
    return set(recipients)


def test_within_three_days_everybody_has_one_of_thirty_with_a_quota_of_ten(
    sink: Sink, settings: Settings
) -> None:
    settings.MAIL_PER_DAY = {"": 10}
    settings.DELIVERY_CHUNK = 4
    everybody = readers(30)
    had: list[set[str]] = []
    for _ in range(9):
        a_day_passes()
        make_due(*everybody)
        deliver(seconds=60)
        had.append(new_mails(sink))

    assert [len(day) for day in had] == [10] * 9
    for first in range(0, 9, 3):
        assert len(set.union(*had[first : first + 3])) == 30
    # Nobody is left out twice before all had one: in any three days in a row, everybody had one.
    for first in range(7):
        assert len(set.union(*had[first : first + 3])) == 30


def test_readers_with_a_late_hour_have_their_turn_too(sink: Sink, settings: Settings) -> None:
    settings.MAIL_PER_DAY = {"": 10}
    early, late = readers(15), readers_at("late", 15)
    had: Counter[str] = Counter()
    for _ in range(6):
        a_day_passes()
        due_later(*late)
        make_due(*early)
        deliver(seconds=60)
        make_due(*late)
        deliver(seconds=60)
        had.update(new_mails(sink))

    assert set(had.values()) == {2}
    assert len(had) == 30


def readers_at(name: str, number: int) -> list[Subscriber]:
    return Subscriber.objects.bulk_create(
        build_reader(email=f"{name}{place}@dest.example", next_due_at=None)
        for place in range(number)
    )


def test_what_those_with_the_turn_do_not_use_goes_to_the_others(
    sink: Sink, settings: Settings
) -> None:
    settings.MAIL_PER_DAY = {"": 10}
    everybody = readers(15)
    a_day_passes()
    due_later(*everybody[:10])
    make_due(*everybody[10:])
    deliver(seconds=60)
    assert new_mails(sink) == set()
    assert Hold.objects.count() == 0

    gone = [one.pk for one in everybody[:6]]
    Subscriber.objects.filter(pk__in=gone).update(state=Subscriber.State.UNSUBSCRIBED)
    Digest.objects.update(next_attempt_at=F("next_attempt_at") - HOUR)
    deliver(seconds=60)

    assert len(new_mails(sink)) == 5


def test_a_quota_that_suffices_asks_nobody_to_wait(sink: Sink, settings: Settings) -> None:
    settings.MAIL_PER_DAY = {"": 10}
    everybody = readers(10)
    a_day_passes()
    due_later(*everybody[:5])
    make_due(*everybody[5:])
    deliver(seconds=60)

    assert len(new_mails(sink)) == 5
    assert rotation_of_today(10) is None


def test_the_circle_closes_and_gaps_do_not_matter(settings: Settings) -> None:
    everybody = readers(5)
    make_due(*everybody)
    ids = [one.pk for one in everybody]
    turns: list[list[int]] = []
    for _ in range(5):
        rotation = rotation_of_today(2)
        assert isinstance(rotation, Rotation)
        turns.append(in_turn(rotation, ids))
        Turn.objects.update(day=F("day") - DAY)

    assert turns == [
        [ids[0], ids[1]],
        [ids[2], ids[3]],
        [ids[0], ids[4]],
        [ids[1], ids[2]],
        [ids[3], ids[4]],
    ]


def in_turn(rotation: Rotation, ids: list[int]) -> list[int]:
    after, until = rotation.after, rotation.until
    if after < until:
        return [pk for pk in ids if after < pk <= until]
    return [pk for pk in ids if pk > after or pk <= until]
