"""How a run would go: the numbers agree with the run that then takes place."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from digest.delivery import plan
from digest.delivery.run import deliver
from digest.desk.editions import forecasts, steering
from digest.desk.editions.tasks import forecast as forecast_task
from digest.desk.today import services
from digest.models import Digest, Edition, Forecast, Paper
from digest.papers import editions
from subscribers.models import Subscriber, Suppression
from tests.factories import make_edition, make_paper, make_reader, make_topic
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _closing_hour_has_come(settings: Settings) -> None:
    settings.EDITION_CLOSES_HOUR = 0


def made(**fields: Any) -> Forecast:
    day = timezone.now().date()
    forecasts.ask(day, timezone.now())
    forecast_task()
    return Forecast.objects.get(day=day)


def readers_of_all_kinds() -> dict[str, int]:
    """Readers who are due, and others; returns how many of the others, by why they are out."""
    topic = make_topic(seed_terms=["walruses"])
    other = make_topic(name="Nothing of the day", seed_terms=["zzz"])
    for number in range(8):
        make_paper(title=f"Walruses number {number}", votes=number)
    for _ in range(3):
        make_reader(topic, length=4)
    make_reader(other, length=4)
    later = timezone.now() + timedelta(days=3)
    make_reader(topic, frequency="weekly", next_due_at=later)
    make_reader(topic, paused_until=later.date(), next_due_at=later)
    make_reader(topic, state=Subscriber.State.PENDING, next_due_at=None)
    make_reader(topic, state=Subscriber.State.UNSUBSCRIBED, next_due_at=None)
    gone = make_reader(topic)
    Suppression.objects.create(address_hash=gone.address_hash, reason=Suppression.Reason.BOUNCED)
    return {"not_due": 1, "paused": 1, "pending": 1, "unsubscribed": 1, "suppressed": 1}


def test_a_forecast_of_an_open_edition_is_what_then_happens(sink: Sink) -> None:
    out = readers_of_all_kinds()
    steering.pin(Paper.objects.earliest("pk"), None)

    forecast = made()

    assert not Edition.objects.exists()
    assert (forecast.due, forecast.sample, forecast.out) == (4, 4, out)
    assert forecast.skipped == {"no_match": 1}
    assert forecast.domains == {"dest.example": 4}
    run = forecasts.run_of(forecast, services.look([]))
    assert (run.mails, run.skipped, run.length, run.quota) == (3, {"no_match": 1}, None, None)

    editions.close(timezone.now().date(), now=timezone.now())
    plan.plan_due()
    deliver(seconds=60)

    sent = Digest.objects.filter(state=Digest.State.SENT).values_list("paper_ids", flat=True)
    assert Counter({int(pk): n for pk, n in forecast.papers.items()}) == Counter(
        paper for papers in sent for paper in papers
    )
    assert len(sink.messages) == 3
    # Afterwards it is still known how many would get each, and did.
    again = made()
    assert (again.papers, again.skipped, again.due) == (forecast.papers, forecast.skipped, 4)


def test_a_forecast_is_made_once_for_two_who_ask_and_again_for_one_who_asks_later() -> None:
    make_edition()
    day, now = timezone.now().date(), timezone.now()

    assert forecasts.ask(day, now) == forecasts.ask(day, now)
    assert forecasts.make_all() == 1
    assert forecasts.make_all() == 0
    assert not forecasts.ask(day, now - timedelta(hours=1)).is_awaited
    forecasts.ask(day, now + timedelta(seconds=5))
    assert forecasts.make_all() == 1


def test_many_readers_are_sampled_and_the_numbers_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasts, "SAMPLE", 10)
    topic = make_topic()
    make_edition(fits={topic.pk: 0.9})
    for _ in range(60):
        make_reader(topic, length=3)

    forecast = made()
    run = forecasts.run_of(forecast, services.look([]))

    assert forecast.due == 60
    assert 5 <= forecast.sample <= 10
    assert run.mails == 60
    assert max(forecast.papers.values()) == forecast.sample


def test_the_allowed_pace_decides_how_long_it_takes(settings: Settings) -> None:
    forecast = Forecast(
        day=timezone.now().date(),
        due=1000,
        sample=100,
        skipped={"thin": 10},
        domains={"gmail.com": 600, "googlemail.com": 200, "dest.example": 200},
    )
    settings.MAIL_PER_SECOND = {"": 9.0}
    settings.MAIL_PER_DAY = {"": 500}

    run = forecasts.run_of(forecast, services.look([]))
    assert (run.mails, run.length, run.slowest) == (900, timedelta(seconds=100), "")
    assert (run.quota, run.skipped) == (500, {"thin": 100})

    settings.PROVIDER_PER_SECOND = {"google": 2.0}
    run = forecasts.run_of(forecast, services.look([]))
    assert (run.length, run.slowest) == (timedelta(seconds=360), "google")
