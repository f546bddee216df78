"""Limits in the run of a worker, over a real SMTP conversation."""

from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from digest.delivery import plan
from digest.delivery.run import deliver
from digest.models import Digest, Hold
from tests.factories import make_digest, make_edition, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State


def send_to(*addresses: str) -> None:
    make_edition()
    for address in addresses:
        make_reader(email=address)
    plan.plan_due()
    deliver(seconds=60)


def states() -> Counter[str]:
    return Counter(Digest.objects.values_list("state", flat=True))


def test_a_rate_spaces_the_mails(sink: Sink, settings: Settings) -> None:
    settings.MAIL_PER_SECOND = {"": 20.0}
    arrivals: list[datetime] = []

    def note(_: object) -> str:
        arrivals.append(timezone.now())
        return "250 OK"

    sink.on_data = note

    send_to(*(f"reader{number}@dest.example" for number in range(60)))

    assert states() == {State.SENT: 60}
    # A second's worth may come at once; the other forty mails need two seconds.
    assert arrivals[-1] - arrivals[0] > timedelta(seconds=1.8)


def test_the_day_s_quota_leaves_the_rest_for_tomorrow(sink: Sink, settings: Settings) -> None:
    settings.MAIL_PER_DAY = {"": 3}

    send_to(*(f"reader{number}@dest.example" for number in range(5)))

    assert len(sink.messages) == 3
    assert states() == {State.SENT: 3, State.READY: 2}
    assert Digest.objects.filter(state=State.READY, attempts=0, lease_token=None).count() == 2
    until = Hold.objects.get(mail_service="smtp", reason="The day's quota is used up.").until
    assert until is not None
    midnight = (timezone.now() + timedelta(days=1)).replace(hour=0, minute=0, second=0)
    assert abs(until - midnight) < timedelta(seconds=2)


def test_a_new_mail_service_is_warmed_up(sink: Sink, settings: Settings) -> None:
    settings.MAIL_WARM_UP = [2, 50]

    send_to(*(f"reader{number}@dest.example" for number in range(5)))

    assert len(sink.messages) == 2


def test_a_provider_that_throttles_does_not_hold_the_others_up(
    sink: Sink, settings: Settings
) -> None:
    settings.DELIVERY_CHUNK = 2
    settings.MAIL_CONNECTIONS = 1
    sink.on_rcpt = lambda address: "421 slow down" if "gmail" in address else "250 OK"

    send_to(
        *(f"reader{number}@gmail.com" for number in range(6)),
        *(f"reader{number}@dest.example" for number in range(6)),
    )

    assert {message.recipients[0].partition("@")[2] for message in sink.messages} == {
        "dest.example"
    }
    assert states() == {State.SENT: 6, State.READY: 6}
    # Only the first chunk was tried; the others at Google were set aside. It cost no attempt.
    waiting = Digest.objects.filter(state=State.READY)
    assert waiting.filter(error__startswith="SMTP 421").count() == 2
    assert set(waiting.values_list("attempts", flat=True)) == {0}


def test_a_rate_of_one_provider_leaves_the_others_alone(sink: Sink, settings: Settings) -> None:
    settings.PROVIDER_PER_SECOND = {"google": 0.05}

    send_to("one@gmail.com", "two@gmail.com", "three@gmail.com", "four@dest.example")

    providers = Counter("gmail" in message.recipients[0] for message in sink.messages)
    assert providers == {True: 1, False: 1}


def test_too_many_refusals_stop_the_run(sink: Sink, settings: Settings) -> None:
    settings.BREAKER_LEAST = 10
    yesterday = make_edition(3, day=timezone.now().date() - timedelta(days=1))
    for number in range(20):
        make_digest(
            yesterday,
            make_reader(next_due_at=None),
            state=State.FAILED if number < 5 else State.SENT,
            mail_service="smtp",
            handed_over_at=timezone.now(),
        )

    send_to("reader@dest.example")

    hold = Hold.objects.get()
    assert sink.messages == []
    assert hold.until is None
    assert hold.reason.startswith("25 % of the 20 mails")
