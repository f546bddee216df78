"""Links in mails: they are found, they expire, and nobody can forge one."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from subscribers import links
from subscribers.models import Link, Subscriber
from tests.factories import make_reader

CONFIRM = Link.Purpose.CONFIRM
PREFERENCES = Link.Purpose.PREFERENCES
UNSUBSCRIBE = Link.Purpose.UNSUBSCRIBE


def token_of(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def issue(subscriber: Subscriber, now: datetime) -> str:
    return token_of(links.issue(subscriber, CONFIRM, timedelta(hours=48), now))


@pytest.mark.django_db
def test_an_issued_link_finds_its_subscriber(now: datetime) -> None:
    subscriber = make_reader()

    token = issue(subscriber, now)

    assert links.find(token, CONFIRM, now).subscriber == subscriber


@pytest.mark.django_db
def test_only_the_hash_of_a_token_is_stored(now: datetime) -> None:
    token = issue(make_reader(), now)

    stored = Link.objects.values_list("token_hash", flat=True).get()

    assert (len(token), len(stored)) == (32, 64)
    assert token not in stored


@pytest.mark.django_db
@pytest.mark.parametrize("added", [">", "=3D", ".", " ", "\n", "%3E", ")", ">."])
def test_characters_a_mail_program_adds_to_a_link_are_ignored(now: datetime, added: str) -> None:
    subscriber = make_reader()
    token = issue(subscriber, now)

    assert links.find(token + added, CONFIRM, now).subscriber == subscriber


@pytest.mark.django_db
def test_a_link_is_good_for_one_purpose_only(now: datetime) -> None:
    token = issue(make_reader(), now)
    assert links.find(token, CONFIRM, now)

    with pytest.raises(links.BadLink):
        links.find(token, PREFERENCES, now)


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["", "short", "x" * 32, "ü" * 22, "\x00"])
def test_an_unknown_token_is_a_bad_link(now: datetime, token: str) -> None:
    with pytest.raises(links.BadLink):
        links.find(token, CONFIRM, now)


@pytest.mark.django_db
def test_a_confirmation_link_works_for_its_lifetime(now: datetime) -> None:
    token = issue(make_reader(), now)
    assert links.find(token, CONFIRM, now + timedelta(hours=47, minutes=59))

    with pytest.raises(links.ExpiredLink):
        links.find(token, CONFIRM, now + timedelta(hours=48))


@pytest.mark.django_db
def test_derived_links_work_once_they_are_ensured(now: datetime) -> None:
    subscriber = make_reader()
    unsubscribe = token_of(links.unsubscribe_url(subscriber.pk))
    preferences = token_of(links.preferences_url(subscriber.pk, now))

    links.ensure([subscriber], now)

    monthly = links.monthly(subscriber.pk, now)
    assert links.find(unsubscribe, UNSUBSCRIBE, now).subscriber == subscriber
    assert links.find(preferences, PREFERENCES, now).subscriber == subscriber
    assert links.find(monthly.read, Link.Purpose.READ, now).subscriber == subscriber
    assert links.find(monthly.vote, Link.Purpose.VOTE, now).subscriber == subscriber
    assert links.find(monthly.saved, Link.Purpose.SAVED, now).subscriber == subscriber
    assert len({unsubscribe, *monthly}) == 5
    assert [len(token) for token in (unsubscribe, *monthly)] == [22, 22, 22, 22, 20]
    with time_machine.travel(now):
        assert links.beside(links.find(monthly.vote, Link.Purpose.VOTE, now)) == monthly


@pytest.mark.django_db
def test_an_unsubscribe_link_works_for_ever_and_a_preferences_link_for_62_days(
    now: datetime,
) -> None:
    subscriber = make_reader()
    links.ensure([subscriber], now)
    unsubscribe = token_of(links.unsubscribe_url(subscriber.pk))
    preferences = token_of(links.preferences_url(subscriber.pk, now))

    assert links.find(unsubscribe, UNSUBSCRIBE, now + timedelta(days=9999))
    assert links.find(preferences, PREFERENCES, now + timedelta(days=61))
    with pytest.raises(links.ExpiredLink):
        links.find(preferences, PREFERENCES, now + timedelta(days=62))


@pytest.mark.django_db
def test_a_month_brings_a_new_preferences_link_and_the_same_unsubscribe_link(
    now: datetime,
) -> None:
    subscriber = make_reader()
    next_month = now + timedelta(days=30)
    links.ensure([subscriber], now)

    links.ensure([subscriber], next_month)

    tokens = {token_of(links.preferences_url(subscriber.pk, at)) for at in (now, next_month)}
    assert len(tokens) == 2
    assert all(links.find(token, PREFERENCES, next_month) for token in tokens)
    assert Link.objects.filter(purpose=UNSUBSCRIBE).count() == 1


@pytest.mark.django_db
def test_old_links_survive_a_new_link_key(now: datetime, settings: Settings) -> None:
    subscriber = make_reader()
    links.ensure([subscriber], now)
    old = token_of(links.unsubscribe_url(subscriber.pk))

    settings.LINK_KEY = "another-key-another-key-another-key"
    links.ensure([subscriber], now)

    new = token_of(links.unsubscribe_url(subscriber.pk))
    assert new != old
    assert links.find(old, UNSUBSCRIBE, now).subscriber == subscriber
    assert links.find(new, UNSUBSCRIBE, now).subscriber == subscriber


@pytest.mark.django_db
@pytest.mark.parametrize("readers", [1, 3])
def test_ensuring_takes_one_query_for_any_number_and_none_the_second_time(
    now: datetime, readers: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    subscribers = [make_reader() for _ in range(readers)]

    with django_assert_num_queries(1):
        links.ensure(subscribers, now)
    with django_assert_num_queries(0):
        links.ensure(subscribers, now)

    fresh = list(Subscriber.objects.all())
    with django_assert_num_queries(0):
        links.ensure(fresh, now)
    assert Link.objects.count() == 5 * readers


@pytest.mark.django_db
def test_ensuring_leaves_out_a_reader_who_was_erased_meanwhile(now: datetime) -> None:
    stays, goes = make_reader(), make_reader()
    Subscriber.objects.filter(pk=goes.pk).delete()

    links.ensure([stays, goes], now)

    assert set(Link.objects.values_list("subscriber", flat=True)) == {stays.pk}


def test_an_unsubscribe_link_is_short_enough_for_any_mail_library() -> None:
    url = links.unsubscribe_url(2**40)

    assert len(f"<{url}>") == 51
    assert url.startswith("https://news.example.org/u/")


def test_the_epoch_fits_its_column() -> None:
    assert len(links.epoch(datetime.fromisoformat("2026-11-30T23:59:59+00:00"))) == 24


def test_the_paths_are_those_of_the_pages(now: datetime) -> None:
    unsubscribe = links.unsubscribe_url(7)
    preferences = links.preferences_url(7, now)

    assert urlsplit(unsubscribe).path == reverse(
        "subscribers:unsubscribe", args=[token_of(unsubscribe)]
    )
    assert urlsplit(preferences).path == reverse(
        "subscribers:preferences", args=[token_of(preferences)]
    )
