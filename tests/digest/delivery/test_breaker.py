"""The circuit breaker, against PostgreSQL."""

import re
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.conditions import SILENT
from digest.delivery.limits.breaker import (
    COMPLAINED,
    REFUSED,
    Trouble,
    is_time_to_look,
    reason_to_stop,
    run_of_doubt,
    tripped,
)
from digest.models import Digest, Hold
from subscribers.database import database_now
from tests.factories import make_edition

State = Digest.State


def hand_over(mail_service: str = "smtp", minutes_ago: int = 5, **numbers: int) -> None:
    """So many digests in each state; a reader is not needed to be counted."""
    edition = make_edition(0) if not Digest.objects.exists() else Digest.objects.all()[0].edition
    handed_over_at = database_now() - timedelta(minutes=minutes_ago)
    Digest.objects.bulk_create(
        Digest(
            edition=edition,
            local_date=handed_over_at.date(),
            state=state,
            mail_service=mail_service,
            handed_over_at=handed_over_at,
        )
        for state, number in numbers.items()
        for _ in range(number)
    )


pytestmark = pytest.mark.django_db


def test_too_many_refusals_and_bounces_stop_the_sending() -> None:
    hand_over(sent=464, bounced=20, failed=16)

    assert tripped("smtp") == (
        "7.2 % of the 500 mails of the last hour were refused or bounced; the limit is 5 %."
    )


def test_the_limit_itself_is_borne() -> None:
    hand_over(sent=470, delivered=5, bounced=25)
    assert tripped("smtp") is None

    hand_over(bounced=1)

    assert tripped("smtp") is not None


def test_too_many_complaints_of_a_day_stop_the_sending() -> None:
    hand_over(minutes_ago=600, delivered=997, complained=3)

    assert tripped("smtp") == (
        "0.3 % of the 1000 mails of the last day were reported as spam; the limit is 0.1 %."
    )


def test_two_complaints_are_chance() -> None:
    hand_over(delivered=100, complained=2)

    assert tripped("smtp") is None


def test_few_mails_say_nothing() -> None:
    hand_over(failed=99)
    assert tripped("smtp") is None

    hand_over(failed=1)

    assert tripped("smtp") == (
        "100 % of the 100 mails of the last hour were refused or bounced; the limit is 5 %."
    )


def test_what_is_not_settled_does_not_count() -> None:
    hand_over(failed=50, sending=200, ready=200)

    assert tripped("smtp") is None


def test_what_went_wrong_before_the_window_does_not_count() -> None:
    hand_over(minutes_ago=61, failed=200)
    hand_over(sent=200)

    assert tripped("smtp") is None


def test_what_went_wrong_elsewhere_does_not_count() -> None:
    hand_over("Postmark", failed=200)

    assert tripped("smtp") is None
    assert tripped("Postmark") is not None


def test_a_released_hold_begins_the_count_anew() -> None:
    hand_over(minutes_ago=10, failed=200)
    assert tripped("smtp") is not None
    hold = Hold.objects.create(mail_service="smtp", reason="100 % were refused.")
    Hold.objects.filter(pk=hold.pk).update(released_at=Now() - timedelta(minutes=8))
    assert tripped("smtp") is None

    hand_over(minutes_ago=5, failed=200)

    assert tripped("smtp") is not None


def test_the_limits_are_the_operators() -> None:
    hand_over(sent=93, failed=7)

    assert tripped("smtp", refused=0.07) is None
    assert tripped("smtp", refused=0.06) is not None
    assert tripped("smtp", refused=0.06, least=101) is None


# --- doubt -----------------------------------------------------------------------------------
def test_too_much_doubt_stops_the_sending() -> None:
    hand_over(sent=470, uncertain=20, assumed=10)

    assert tripped("smtp") == (
        "6 % of the 500 mails of the last hour were left in doubt; the limit is 5 %."
    )


def test_a_service_that_restarts_leaves_one_in_doubt_on_each_connection() -> None:
    hand_over(sent=100, uncertain=19)

    assert tripped("smtp") is None


def leave_silent(number: int) -> None:
    hand_over(uncertain=number)
    Digest.objects.filter(state=State.UNCERTAIN).update(error=SILENT)


def test_the_doubt_that_our_own_dead_workers_left_does_not_count() -> None:
    hand_over(sent=100)
    leave_silent(200)

    assert tripped("smtp") is None
    assert run_of_doubt("smtp", least=20) is None


def test_doubt_in_a_row_stops_the_sending_however_few_mails_there_were() -> None:
    hand_over(minutes_ago=9, sent=3)
    hand_over(minutes_ago=8, uncertain=10, assumed=10)

    assert run_of_doubt("smtp", least=20) == (
        "The last 20 mails were left in doubt: they may have gone out or not."
    )
    assert run_of_doubt("smtp", least=21) is None
    assert tripped("smtp", doubt_in_a_row=20) is not None


def test_one_clear_answer_ends_a_run_of_doubt() -> None:
    hand_over(minutes_ago=9, uncertain=30)
    hand_over(minutes_ago=8, failed=1)
    hand_over(minutes_ago=7, uncertain=19)

    assert run_of_doubt("smtp", least=20) is None


def test_doubt_is_counted_in_the_order_of_the_hand_overs() -> None:
    hand_over(minutes_ago=5, sent=1)  # a digest that was planned first and sent last
    hand_over(minutes_ago=9, uncertain=20)

    assert run_of_doubt("smtp", least=20) is None


def test_doubt_from_before_a_release_does_not_count() -> None:
    hand_over(minutes_ago=10, uncertain=200)
    hold = Hold.objects.create(mail_service="smtp", reason="Doubt")
    Hold.objects.filter(pk=hold.pk).update(released_at=Now() - timedelta(minutes=8))

    assert run_of_doubt("smtp", least=20) is None


def test_one_worker_looks_and_not_again_at_once() -> None:
    assert [is_time_to_look("smtp") for _ in range(3)] == [True, False, False]
    assert is_time_to_look("Postmark")


@given(
    st.sampled_from([REFUSED, COMPLAINED]),
    st.integers(0, 2000),
    st.integers(0, 2000),
    st.floats(0.0005, 1),
    st.integers(1, 1000),
)
def test_sending_stops_only_above_the_limit_and_says_by_how_much(
    trouble: Trouble, bad: int, good: int, limit: float, least: int
) -> None:
    mails = bad + good

    reason = reason_to_stop(trouble, bad, mails, limit, least)

    is_too_much = mails >= least and bad >= trouble.fewest and bad > limit * mails
    assert (reason is not None) == is_too_much
    if reason:
        share, said_mails, said_limit = re.findall(r"[\d.]+(?= )", reason)
        assert float(share) == pytest.approx(100 * bad / mails, rel=0.01)
        assert int(said_mails) == mails
        assert float(said_limit) == pytest.approx(100 * limit, rel=0.01)
