"""Mailbox providers: who they are, and how they are left alone, against PostgreSQL."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from digest.delivery.limits.providers import (
    PAUSES,
    Providers,
    is_throttling,
    note_deferral,
    provider_of,
    tidy,
)
from digest.models import BackOff

database = pytest.mark.django_db(transaction=True)

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("r@gmail.com", "google"),
        ("R@GoogleMail.COM", "google"),
        ("r@hotmail.co.uk", "microsoft"),
        ("r@outlook.com.br", "microsoft"),
        ("r@live.nl", "microsoft"),
        ("r@msn.com", "microsoft"),
        ("r@yahoo.de", "yahoo"),
        ("r@ymail.com", "yahoo"),
        ("r@aol.com", "yahoo"),
        ("r@yahoo.co.jp", "yahoo.co.jp"),
        ("r@me.com", "apple"),
        ("r@gmx.net", "gmx"),
        ("r@web.de", "gmx"),
        ("r@pm.me", "proton"),
        ("r@dest.example", "dest.example"),
        ("r@hotmail.dest.example", "hotmail.dest.example"),
        ("r@notgmail.com", "notgmail.com"),
        ('"a@b"@dest.example', "dest.example"),
    ],
)
def test_an_address_has_a_provider(address: str, provider: str) -> None:
    assert provider_of(address) == provider


@given(st.emails())
def test_a_provider_does_not_depend_on_case_or_on_who_the_reader_is(address: str) -> None:
    domain = address.rpartition("@")[2]

    assert provider_of(address) == provider_of(f"SOMEBODY@{domain.upper()}.")


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ("SMTP 421 4.7.28 unusual rate of mail", True),
        ("SMTP 450 4.3.2 system not accepting", True),
        ("SMTP 451 greylisted", True),
        ("SMTP 452 too many recipients", True),
        ("SMTP 450 4.2.1 this reader receives too much", False),
        ("SMTP 452 4.2.2 mailbox full", False),
        ("SMTP 454 TLS not available", False),
        ("SMTP 550 5.7.1 no", False),
        ("HTTP 429", False),
        ("", False),
    ],
)
def test_an_answer_is_throttling(detail: str, expected: bool) -> None:
    assert is_throttling(detail) is expected


def pause_of(provider: str) -> float:
    """How many seconds of its pause are left."""
    row = BackOff.objects.annotate(now=Now()).get(provider=provider)
    return (row.not_before - row.now).total_seconds()


def end_pause(provider: str) -> None:
    BackOff.objects.filter(provider=provider).update(not_before=Now() - timedelta(seconds=1))


@database
def test_a_provider_is_left_alone_longer_each_time() -> None:
    pauses = []
    for _ in range(len(PAUSES) + 1):
        note_deferral("smtp", "google")
        pauses.append(round(pause_of("google")))
        end_pause("google")

    assert pauses == [30, 60, 120, 240, 480, 960, 1800, 1800]


@database
def test_a_chunk_of_deferrals_at_once_is_one_failure() -> None:
    def defer(_: int) -> None:
        note_deferral("smtp", "google")
        connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(defer, range(48)))

    assert BackOff.objects.get().failures == 1
    assert round(pause_of("google")) == 30


@database
def test_a_pause_is_of_one_provider_and_one_mail_service() -> None:
    ours, others = Providers("smtp"), Providers("Postmark")
    assert (ours.paused(), others.paused()) == ({}, {})

    ours.note_deferral("google")

    assert ours.paused() == {"google": BackOff.objects.get().not_before}
    assert Providers("Postmark").paused() == {}


@database
def test_a_pause_that_ended_is_not_in_force_but_remembered() -> None:
    note_deferral("smtp", "google")
    end_pause("google")

    assert Providers("smtp").paused() == {}
    note_deferral("smtp", "google")
    assert round(pause_of("google")) == 60


@database
def test_a_success_after_the_pause_makes_the_next_one_short_again() -> None:
    note_deferral("smtp", "google")
    end_pause("google")

    Providers("smtp").note_success("google")

    note_deferral("smtp", "google")
    assert round(pause_of("google")) == 30


@database
def test_a_success_during_the_pause_changes_nothing() -> None:
    known = Providers("smtp")
    known.note_deferral("google")

    known.note_success("google")

    assert set(known.paused()) == {"google"}


@database
def test_providers_cost_one_query_for_many_messages(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    note_deferral("smtp", "google")
    known = Providers("smtp", glance=HOUR)

    with django_assert_num_queries(1):
        for number in range(100):
            known.note_success(f"dest{number}.example")
            assert set(known.paused()) == {"google"}


@database
def test_a_worker_learns_of_anothers_deferral_when_it_looks_again() -> None:
    known = Providers("smtp", glance=timedelta(seconds=0.2))
    assert known.paused() == {}

    note_deferral("smtp", "google")

    time.sleep(0.25)
    assert set(known.paused()) == {"google"}


@database
def test_back_offs_of_long_ago_are_forgotten() -> None:
    note_deferral("smtp", "google")
    note_deferral("smtp", "dest.example")
    BackOff.objects.filter(provider="dest.example").update(not_before=Now() - 25 * HOUR)

    assert tidy() == 1
    assert BackOff.objects.get().provider == "google"
