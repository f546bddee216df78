"""Several mail services that share the digests, over real SMTP conversations."""

from collections import Counter
from collections.abc import Iterator

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from digest.delivery import doubt, routing
from digest.delivery.run import deliver
from digest.models import Digest, Hold
from tests.factories import make_edition, make_reader
from tests.smtp_sink import Sink

pytestmark = pytest.mark.django_db(transaction=True)

State = Digest.State


def service(sink: Sink, weight: float) -> dict[str, object]:
    return {
        "BACKEND": "digest.delivery.mail_services.smtp.EmailBackend",
        "OPTIONS": {"host": "127.0.0.1", "port": sink.port},
        "WEIGHT": weight,
    }


@pytest.fixture
def main(settings: Settings) -> Iterator[Sink]:
    """A service of weight 3, beside the `reserve` of weight 0."""
    with Sink() as running:
        settings.MAIL_SERVICES = {"main": service(running, 3)}
        yield running


@pytest.fixture
def reserve(settings: Settings, main: Sink) -> Iterator[Sink]:
    with Sink() as running:
        settings.MAIL_SERVICES = {**settings.MAIL_SERVICES, "reserve": service(running, 0)}
        yield running


def send_to(number: int) -> None:
    make_edition()
    for _ in range(number):
        make_reader()
    deliver(seconds=60)


def ways() -> Counter[tuple[str, str]]:
    """How many digests are in each state, and at which service."""
    return Counter(Digest.objects.values_list("state", "mail_service"))


def test_services_share_by_weight(main: Sink, reserve: Sink, settings: Settings) -> None:
    settings.MAIL_SERVICES["reserve"]["WEIGHT"] = 1

    chosen = Counter(routing.choose() for _ in range(2000))

    assert set(chosen) == {"main", "reserve"}
    # Three quarters, give or take five standard deviations.
    assert 1400 < chosen["main"] < 1600


def test_both_services_take_part_in_one_run(main: Sink, reserve: Sink, settings: Settings) -> None:
    settings.MAIL_SERVICES["reserve"]["WEIGHT"] = 3
    settings.DELIVERY_BATCH = 1

    send_to(40)

    told = ways()
    assert told[State.SENT, "main"] == len(main.messages) > 0
    assert told[State.SENT, "reserve"] == len(reserve.messages) > 0
    assert len(main.messages) + len(reserve.messages) == 40


def test_a_reserve_gets_nothing_while_the_others_work(main: Sink, reserve: Sink) -> None:
    send_to(5)

    assert (len(main.messages), len(reserve.messages)) == (5, 0)


def test_a_service_that_is_down_is_replaced_in_the_same_run(
    main: Sink, reserve: Sink, settings: Settings
) -> None:
    settings.MAIL_SERVICES["main"]["OPTIONS"]["port"] = 1  # nothing listens there

    send_to(5)

    assert ways() == {(State.SENT, "reserve"): 5}
    assert Hold.objects.active().get().mail_service == "main"


def test_a_digest_in_doubt_never_goes_to_another_service(
    main: Sink, reserve: Sink, settings: Settings
) -> None:
    settings.DELIVERY_CHUNK = 1
    main.on_data = main.accept_and_hang_up
    send_to(3)
    assert set(ways()) == {(State.UNCERTAIN, "main")}
    Hold.objects.create(mail_service="main", reason="for the test")

    deliver(seconds=60)
    doubt.resolve(seconds=60)

    assert set(ways()) == {(State.UNCERTAIN, "main")}
    assert (len(main.messages), reserve.messages) == (3, [])


def test_a_used_up_quota_leaves_the_rest_to_another_service(
    main: Sink, reserve: Sink, settings: Settings
) -> None:
    settings.MAIL_PER_DAY = {"main": 2}

    send_to(5)

    assert (len(main.messages), len(reserve.messages)) == (2, 3)


def test_a_hold_without_a_name_is_one_of_all(main: Sink, reserve: Sink) -> None:
    Hold.objects.create(mail_service="", reason="Paused by an operator")
    send_to(2)
    assert main.messages + reserve.messages == []

    Hold.objects.update(released_at=Now())
    deliver(seconds=60)

    assert len(main.messages) == 2
