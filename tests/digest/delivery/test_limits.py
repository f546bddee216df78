"""The limits that all workers keep together, against PostgreSQL and real processes."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from digest.delivery.limits.holds import hold_if_used_up
from digest.delivery.limits.rates import (
    Pacer,
    day_of_service,
    give_back,
    quota_of,
    reserve,
    take_quota,
)
from digest.models import DayCount, Hold, Pace
from subscribers.database import database_now
from tests.workers import environment

database = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)
THREADS = 8


def in_threads(act: Callable[[], Any], times: int) -> list[Any]:
    """What `act` answered, done `times` times by several threads with connections of their own."""

    def work(share: int) -> list[Any]:
        try:
            return [act() for _ in range(share)]
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as pool:
        return [answer for done in pool.map(work, [times // THREADS] * THREADS) for answer in done]


# --- rate ----------------------------------------------------------------------------------


@database
def test_reservations_follow_one_another_without_a_gap_or_an_overlap() -> None:
    free_at = database_now() + HOUR
    Pace.objects.create(key="smtp", next_free_at=free_at)

    waits = in_threads(lambda: reserve("smtp", 2, per_second=1, within=2 * HOUR), 200)

    assert Pace.objects.get().next_free_at - free_at == timedelta(seconds=400)
    assert None not in waits
    assert max(waits) - min(waits) == pytest.approx(timedelta(seconds=398), abs=HOUR / 360)


@database
def test_the_first_reservation_need_not_wait_and_the_next_waits_for_it() -> None:
    first = reserve("smtp", 50, per_second=10)
    second = reserve("smtp", 1, per_second=10)

    assert first == pytest.approx(timedelta(0), abs=timedelta(seconds=0.2))
    assert second == pytest.approx(timedelta(seconds=5), abs=timedelta(seconds=0.5))


@database
def test_a_silence_is_made_up_for_but_only_by_the_burst() -> None:
    Pace.objects.create(key="smtp", next_free_at=database_now() - HOUR)

    waits = [reserve("smtp", 10, per_second=10, burst=timedelta(seconds=2)) for _ in range(3)]

    assert waits == [
        pytest.approx(timedelta(seconds=due), abs=timedelta(seconds=0.3)) for due in (-2, -1, 0)
    ]


@database
def test_a_turn_that_is_too_far_off_is_not_reserved() -> None:
    Pace.objects.create(key="smtp", next_free_at=database_now() + HOUR)
    before = Pace.objects.get().next_free_at

    wait = reserve("smtp", 10, per_second=10, within=timedelta(minutes=59))

    assert wait is None
    assert Pace.objects.get().next_free_at == before


@database
def test_keys_do_not_wait_for_one_another() -> None:
    reserve("smtp", 100, per_second=1)

    wait = reserve("smtp/google", 1, per_second=1)

    assert wait == pytest.approx(timedelta(0), abs=timedelta(seconds=0.2))


@database
def test_no_limit_costs_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert reserve("smtp", 50, per_second=None) == timedelta(0)
        assert take_quota("smtp", 50, quota=None).number == 50


def test_a_pace_spaces_messages_over_threads() -> None:
    pacer = Pacer(timedelta(seconds=0.1), per_second=100)
    start = time.monotonic()

    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            pool.submit(pacer.wait_for_turn)

    assert time.monotonic() - start >= 0.1 + 19 / 100


def test_a_pace_that_fell_far_behind_makes_up_for_no_more_than_the_burst() -> None:
    pacer = Pacer(-HOUR, per_second=100, burst=timedelta(seconds=0.1))
    start = time.monotonic()

    for _ in range(21):
        pacer.wait_for_turn()

    assert time.monotonic() - start >= 0.1


def test_a_pace_without_a_rate_does_not_sleep() -> None:
    pacer = Pacer(timedelta(0), per_second=None)
    start = time.monotonic()

    for _ in range(1000):
        pacer.wait_for_turn()

    assert time.monotonic() - start < 0.5


# A worker as it will be: reserves a chunk, waits, and hands over; each "mail" is the time.
SENDER = """
import json, sys, time, django
django.setup()
from digest.delivery.limits.rates import Pacer, reserve

per_second, end = float(sys.argv[1]), time.time() + float(sys.argv[2])
print(json.dumps([]), flush=True)
while time.time() < end:
    wait = reserve("smtp", 5, per_second=per_second)
    if wait is None:
        continue
    pacer = Pacer(wait, per_second=per_second)
    pacer.wait_for_start()
    sent = []
    for _ in range(5):
        pacer.wait_for_turn()
        sent.append(time.time())
    print(json.dumps(sent), flush=True)
"""


def senders(number: int, *, per_second: float, seconds: float) -> list[subprocess.Popen[str]]:
    """Processes that have begun to send; each answers for the first time when it starts."""
    command = [sys.executable, "-c", SENDER, str(per_second), str(seconds)]
    processes = [
        subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
        for _ in range(number)
    ]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    return processes


def mails_of(process: subprocess.Popen[str]) -> list[float]:
    """When it sent its mails, after it has ended."""
    output, _ = process.communicate(timeout=90)
    return [at for line in output.splitlines() for at in json.loads(line)]


def rate_over_a_restart(per_second: float, seconds: float) -> float:
    """What three processes reach together, of which one is killed and another takes its place."""
    workers = senders(3, per_second=per_second, seconds=seconds + 2)
    start = time.time()
    time.sleep(seconds / 3)
    workers[0].kill()
    workers += senders(1, per_second=per_second, seconds=seconds)
    mails = [at for process in workers for at in mails_of(process)]
    return sum(start <= at < start + seconds for at in mails) / seconds


@database
def test_three_processes_hold_one_rate_together_also_over_a_restart() -> None:
    assert rate_over_a_restart(50, 6) == pytest.approx(50, rel=0.1)


# --- day quota -----------------------------------------------------------------------------


@database
def test_many_takers_never_exceed_the_quota_and_use_it_up() -> None:
    taken = in_threads(lambda: take_quota("smtp", 7, quota=1000).number, 400)

    assert sum(taken) == 1000
    assert Counter(taken) == {7: 142, 6: 1, 0: 257}
    assert DayCount.objects.get().number == 1000


@database
def test_what_is_given_back_can_be_taken_again() -> None:
    taken = take_quota("smtp", 10, quota=10)
    assert take_quota("smtp", 5, quota=10).number == 0

    give_back(taken, 4)

    assert take_quota("smtp", 5, quota=10).number == 4


@database
def test_what_is_given_back_after_midnight_goes_to_the_day_it_was_taken_from() -> None:
    taken = take_quota("smtp", 10, quota=10)
    yesterday = database_now().date() - timedelta(days=1)
    DayCount.objects.update(day=yesterday)
    taken = type(taken)("smtp", yesterday, taken.number)
    take_quota("smtp", 10, quota=10)

    give_back(taken, 4)

    numbers = DayCount.objects.order_by("day").values_list("number", flat=True)
    assert list(numbers) == [6, 10]


@database
def test_what_is_given_back_ends_the_hold_of_a_used_up_quota() -> None:
    taken = take_quota("smtp", 10, quota=10)
    assert hold_if_used_up("smtp", 10)
    assert hold_if_used_up("smtp", 10)
    assert Hold.objects.active().count() == 1

    give_back(taken, 2)

    assert not Hold.objects.active().exists()
    assert not hold_if_used_up("smtp", 10), "somebody found nothing left just before"
    assert take_quota("smtp", 5, quota=10).number == 2


@database
def test_a_quota_that_shrank_below_what_was_taken_gives_nothing() -> None:
    take_quota("smtp", 10, quota=10)

    assert take_quota("smtp", 1, quota=5).number == 0
    assert take_quota("smtp", 1, quota=11).number == 1


@database
def test_mail_services_and_days_have_quotas_of_their_own() -> None:
    take_quota("smtp", 10, quota=10)
    DayCount.objects.update(day=date(2026, 1, 1))

    assert take_quota("smtp", 10, quota=10).number == 10
    assert take_quota("Postmark", 10, quota=10).number == 10


@database
def test_the_day_of_service_counts_the_days_before_on_which_mail_went_out() -> None:
    assert day_of_service("smtp") == 0
    take_quota("smtp", 1, quota=10)
    for day, number in ((date(2026, 1, 1), 50), (date(2026, 1, 2), 0), (date(2026, 1, 9), 500)):
        DayCount.objects.create(mail_service="smtp", day=day, number=number, last_taken=0)

    assert day_of_service("smtp") == 2


plans = st.lists(st.integers(0, 10**6), max_size=8)
quotas = st.none() | st.integers(0, 10**6)


@given(st.integers(0, 20), plans, quotas)
def test_a_days_quota_is_the_plans_but_never_above_the_services(
    day: int, plan: list[int], quota: int | None
) -> None:
    allowed = quota_of(day, plan, quota)

    if day >= len(plan):
        assert allowed == quota
    else:
        assert allowed is not None
        assert allowed in (plan[day], quota)
        assert allowed <= plan[day]
        assert quota is None or allowed <= quota
