"""Signing up: who gets a letter, who does not, and what confirming does."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from subscribers import addresses, letters, links
from subscribers.joining import signup
from subscribers.leaving.suppression import suppress
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Letter, Link, Subscriber, Suppression, Topic
from tests.factories import make_reader, make_topic
from tests.smtp_sink import Sink

ADDRESS = "Reader@Dest.example"
DAY = timedelta(hours=24)

pytestmark = pytest.mark.django_db


def sign_up(now: datetime, topics: Sequence[Topic] = (), address: str = ADDRESS) -> None:
    signup.start_signup(addresses.parse(address), topics, "Europe/Lisbon", now, "de")


def kinds() -> list[str]:
    return list(Letter.objects.order_by("pk").values_list("kind", flat=True))


def confirm(subscriber: Subscriber, now: datetime) -> Subscriber:
    url = links.issue(subscriber, Link.Purpose.CONFIRM, links.CONFIRM_LIFETIME, now)
    link = links.find(url.rpartition("/")[2], Link.Purpose.CONFIRM, now)
    return signup.confirm(link, now)


def acts() -> list[str]:
    return list(Consent.objects.order_by("pk").values_list("act", flat=True))


def topics_of(subscriber: Subscriber) -> set[Topic]:
    return set(subscriber.topics.all())


# --- asking --------------------------------------------------------------------------------
def test_a_new_address_is_pending_and_gets_a_letter(now: datetime) -> None:
    topic = make_topic()

    sign_up(now, [topic])

    subscriber = Subscriber.objects.get()
    assert Letter.objects.get(subscriber=subscriber, kind=Letter.Kind.CONFIRM).created_at == now
    assert (subscriber.state, subscriber.zone) == (Subscriber.State.PENDING, "Europe/Lisbon")
    assert (subscriber.email, subscriber.language) == ("Reader@dest.example", "de")
    assert subscriber.next_due_at is None
    assert topics_of(subscriber) == {topic}
    assert acts() == [Consent.Act.ASKED]


def test_asking_again_changes_no_topics_and_sends_no_second_letter_within_a_day(
    now: datetime,
) -> None:
    first, second = make_topic(), make_topic()
    sign_up(now, [first])
    Letter.objects.update(sent_at=now)

    sign_up(now + DAY - timedelta(seconds=1), [second], address=ADDRESS.upper())

    assert topics_of(Subscriber.objects.get()) == {first}
    assert kinds() == [Letter.Kind.CONFIRM]


def test_an_address_gets_one_letter_a_day_and_three_a_month(now: datetime) -> None:
    letters_by_day = []

    for day in range(32):
        sign_up(now + day * DAY)
        Letter.objects.update(sent_at=now)
        letters_by_day.append(Letter.objects.count())

    assert letters_by_day == [1, 2, *[3] * 28, 4, 5]


def test_a_letter_that_still_waits_is_not_joined_by_another(now: datetime) -> None:
    sign_up(now)
    sign_up(now + 2 * DAY)

    assert kinds() == [Letter.Kind.CONFIRM]


def test_an_active_reader_is_told_so_once_a_day_and_nothing_changes(now: datetime) -> None:
    kept, offered = make_topic(), make_topic()
    reader = make_reader(email=ADDRESS, zone="Asia/Tokyo")
    reader.topics.add(kept)

    sign_up(now, [offered])
    sign_up(now, [offered])

    reader.refresh_from_db()
    assert kinds() == [Letter.Kind.KNOWN]
    assert (reader.state, reader.zone) == (Subscriber.State.ACTIVE, "Asia/Tokyo")
    assert (reader.language, topics_of(reader)) == ("en", {kept})


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "reason",
    [Suppression.Reason.COMPLAINED, Suppression.Reason.REFUSED, Suppression.Reason.MANUAL],
)
def test_an_address_that_does_not_want_our_mail_gets_none_and_is_forgotten(
    now: datetime, sink: Sink, reason: Suppression.Reason
) -> None:
    sign_up(now, address="other@dest.example")
    suppress(addresses.hashed(ADDRESS), reason, now)

    sign_up(now)
    letters.send_waiting(now, 10)

    assert [message.recipients for message in sink.messages] == [["other@dest.example"]]
    assert Subscriber.objects.get().email == "other@dest.example"


def test_an_unsubscribed_reader_stays_so_until_they_confirm(now: datetime) -> None:
    topic = make_topic()
    subscriber = make_reader(email=ADDRESS)
    unsubscribe(subscriber, Consent.Act.UNSUBSCRIBED, now)

    sign_up(now, [topic])

    subscriber.refresh_from_db()
    assert kinds() == [Letter.Kind.CONFIRM]
    assert subscriber.state == Subscriber.State.UNSUBSCRIBED
    assert topics_of(subscriber) == set()
    assert (Letter.objects.get().wishes or {})["topics"] == [topic.pk]


def test_an_active_reader_whose_address_bounced_confirms_it_again(now: datetime) -> None:
    reader = make_reader(email=ADDRESS)
    suppress(reader.address_hash, Suppression.Reason.BOUNCED, now)

    sign_up(now)
    confirm(reader, now)

    assert kinds() == [Letter.Kind.CONFIRM]
    assert not Suppression.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_signups_of_one_address_at_once_make_one_subscriber_and_one_letter(
    now: datetime,
) -> None:
    topic = make_topic()
    ready = Barrier(4)

    def run(_: int) -> None:
        try:
            ready.wait(timeout=10)
            sign_up(now, [topic])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(run, range(4)))

    assert (Subscriber.objects.count(), Letter.objects.count()) == (1, 1)
    assert topics_of(Subscriber.objects.get()) == {topic}
    assert acts() == [Consent.Act.ASKED]


# --- confirming ----------------------------------------------------------------------------
def test_confirming_makes_the_reader_active_and_due(now: datetime) -> None:
    sign_up(now)

    subscriber = confirm(Subscriber.objects.get(), now)

    subscriber.refresh_from_db()
    assert (subscriber.state, subscriber.confirmed_at) == (Subscriber.State.ACTIVE, now)
    assert subscriber.next_due_at == now
    assert acts() == [Consent.Act.ASKED, Consent.Act.CONFIRMED]


def test_confirming_again_is_a_success_that_changes_nothing(now: datetime) -> None:
    sign_up(now)
    first = confirm(Subscriber.objects.get(), now)

    again = confirm(first, now + timedelta(hours=30))

    assert (again.confirmed_at, again.next_due_at) == (now, first.next_due_at)
    assert acts() == [Consent.Act.ASKED, Consent.Act.CONFIRMED]


def test_confirming_lifts_a_bounce(now: datetime) -> None:
    subscriber = make_reader(state=Subscriber.State.PENDING)
    suppress(subscriber.address_hash, Suppression.Reason.BOUNCED, now)

    confirm(subscriber, now)

    assert not Suppression.objects.exists()


def test_an_old_confirmation_does_not_bring_back_who_unsubscribed(now: datetime) -> None:
    subscriber = make_reader(state=Subscriber.State.PENDING)
    url = links.issue(subscriber, Link.Purpose.CONFIRM, links.CONFIRM_LIFETIME, now)
    token = url.rpartition("/")[2]
    assert links.find(token, Link.Purpose.CONFIRM, now)

    unsubscribe(subscriber, Consent.Act.ONE_CLICK, now)

    with pytest.raises(links.BadLink):
        links.find(token, Link.Purpose.CONFIRM, now)


def test_confirming_ends_a_pause_of_earlier_times(now: datetime) -> None:
    paused = make_reader(state=Subscriber.State.UNSUBSCRIBED, paused_until=(now + DAY).date())

    subscriber = confirm(paused, now)

    subscriber.refresh_from_db()
    assert (subscriber.paused_until, subscriber.next_due_at) == (None, now)


# --- tidying up ----------------------------------------------------------------------------
def test_unconfirmed_sign_ups_are_gone_after_a_week_and_readers_stay(now: datetime) -> None:
    sign_up(now)
    reader = make_reader(created_at=now - 90 * DAY)
    left = make_reader(created_at=now - 90 * DAY, state=Subscriber.State.UNSUBSCRIBED)
    assert signup.purge(now + 7 * DAY - timedelta(seconds=1), 10) == 0

    purged = signup.purge(now + 7 * DAY, 10)

    assert purged == 1
    assert set(Subscriber.objects.all()) == {reader, left}


def test_a_sign_up_repeated_within_the_week_is_kept(now: datetime) -> None:
    sign_up(now)
    Letter.objects.update(sent_at=now)
    sign_up(now + 6 * DAY)

    assert signup.purge(now + 8 * DAY, 10) == 0
    assert signup.purge(now + 13 * DAY, 10) == 1


def test_purging_takes_no_more_at_once_than_it_may(now: datetime) -> None:
    for number in range(3):
        sign_up(now, address=f"reader{number}@dest.example")

    purged = [signup.purge(now + 7 * DAY, 2) for _ in range(3)]

    assert purged == [2, 1, 0]
