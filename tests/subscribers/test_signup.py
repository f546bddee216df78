"""Asking for digests: who gets a letter, who does not, and what confirming does."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from subscribers import addresses, links, signup
from subscribers.models import Consent, Letter, Link, Subscriber, Suppression, Topic
from subscribers.suppression import suppress
from subscribers.unsubscribe import unsubscribe
from tests.factories import make_reader, make_topic

ADDRESS = "Reader@Dest.example"
DAY = timedelta(hours=24)

pytestmark = pytest.mark.django_db


def sign_up(now: datetime, topics: Sequence[Topic] = (), address: str = ADDRESS) -> Letter | None:
    return signup.start_signup(addresses.parse(address), topics, "Europe/Lisbon", now)


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

    letter = sign_up(now, [topic])

    subscriber = Subscriber.objects.get()
    assert letter == Letter.objects.get(subscriber=subscriber, kind=Letter.Kind.CONFIRM)
    assert (subscriber.state, subscriber.zone) == (Subscriber.State.PENDING, "Europe/Lisbon")
    assert (subscriber.email, subscriber.next_due_at) == ("Reader@dest.example", None)
    assert topics_of(subscriber) == {topic}
    assert acts() == [Consent.Act.ASKED]


def test_asking_again_replaces_the_topics_and_sends_no_second_letter_within_a_day(
    now: datetime,
) -> None:
    first, second = make_topic(), make_topic()
    sign_up(now, [first])

    again = sign_up(now + DAY - timedelta(seconds=1), [second], address=ADDRESS.upper())

    assert again is None
    assert topics_of(Subscriber.objects.get()) == {second}
    assert Letter.objects.count() == 1


def test_asking_again_after_a_day_sends_a_second_letter(now: datetime) -> None:
    first = sign_up(now)
    Letter.objects.update(sent_at=now)

    second = sign_up(now + DAY)

    assert first is not None
    assert second is not None
    assert second != first


def test_a_letter_that_still_waits_is_not_joined_by_another(now: datetime) -> None:
    sign_up(now)

    assert sign_up(now + 2 * DAY) is None


def test_an_active_reader_is_told_so_once_a_day_and_nothing_changes(now: datetime) -> None:
    kept, offered = make_topic(), make_topic()
    reader = make_reader(email=ADDRESS, zone="Asia/Tokyo")
    reader.topics.add(kept)

    letter = sign_up(now, [offered])
    second = sign_up(now, [offered])

    reader.refresh_from_db()
    assert letter is not None
    assert (letter.kind, second) == (Letter.Kind.KNOWN, None)
    assert (reader.state, reader.zone) == (Subscriber.State.ACTIVE, "Asia/Tokyo")
    assert topics_of(reader) == {kept}
    assert acts() == []


@pytest.mark.parametrize("reason", [Suppression.Reason.COMPLAINED, Suppression.Reason.MANUAL])
def test_an_address_that_does_not_want_our_mail_gets_none(
    now: datetime, reason: Suppression.Reason
) -> None:
    suppress(addresses.hashed(ADDRESS), reason, now)

    assert sign_up(now) is None
    assert (Subscriber.objects.count(), Letter.objects.count()) == (0, 0)


def test_who_unsubscribed_stays_so_until_they_confirm(now: datetime) -> None:
    topic = make_topic()
    subscriber = make_reader(email=ADDRESS)
    unsubscribe(subscriber, Consent.Act.UNSUBSCRIBED, now)

    letter = sign_up(now, [topic])

    subscriber.refresh_from_db()
    assert letter is not None
    assert letter.kind == Letter.Kind.CONFIRM
    assert subscriber.state == Subscriber.State.UNSUBSCRIBED
    assert topics_of(subscriber) == {topic}


def test_an_active_reader_whose_address_bounced_confirms_it_again(now: datetime) -> None:
    reader = make_reader(email=ADDRESS)
    suppress(reader.address_hash, Suppression.Reason.BOUNCED, now)

    letter = sign_up(now)
    confirm(reader, now)

    assert letter is not None
    assert letter.kind == Letter.Kind.CONFIRM
    assert not Suppression.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_signups_of_one_address_at_once_make_one_subscriber_and_one_letter(
    now: datetime,
) -> None:
    topic = make_topic()
    ready = Barrier(4)

    def run(_: int) -> Letter | None:
        try:
            ready.wait(timeout=10)
            return sign_up(now, [topic])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        letters = list(threads.map(run, range(4)))

    assert sum(letter is not None for letter in letters) == 1
    assert (Subscriber.objects.count(), Letter.objects.count()) == (1, 1)
    assert topics_of(Subscriber.objects.get()) == {topic}
    assert acts() == [Consent.Act.ASKED]


# --- confirming ----------------------------------------------------------------------------
def test_confirming_makes_the_reader_active_and_due(now: datetime) -> None:
    sign_up(now)

    subscriber = confirm(Subscriber.objects.get(), now)

    subscriber.refresh_from_db()
    assert (subscriber.state, subscriber.confirmed_at) == (Subscriber.State.ACTIVE, now)
    assert subscriber.next_due_at == datetime.fromisoformat("2026-11-24T07:00+00:00")
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
