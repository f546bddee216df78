"""Saving preferences and setting the time of the next digest. The page has its own file."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

import pytest
from django.utils.translation import override
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Letter, Subscriber, Subscription
from subscribers.wishes import preferences
from subscribers.wishes.preferences import Preferences, next_digest_in_words
from tests.factories import make_reader, make_topic

from .planner import LONGEST_WAIT, plan, planned_reader, start

ZONES = sorted(available_timezones())
MUTED, LESS, MORE = (
    Subscription.Emphasis.MUTED,
    Subscription.Emphasis.LESS,
    Subscription.Emphasis.MORE,
)

pytestmark = pytest.mark.django_db


def wanted(**changes: Any) -> Preferences:
    """The preferences of a typical reader, with these changes."""
    columns: dict[str, Any] = {
        "language": "en",
        "is_exploring": True,
        "hour": 7,
        "zone": "Europe/Lisbon",
        "frequency": "daily",
        "weekday": 0,
        "length": 10,
        "paused_until": None,
    }
    others: dict[str, Any] = {
        "emphases": {},
        "keywords": [],
        "muted_keywords": [],
        "authors": [],
        "muted_authors": [],
    }
    columns |= {name: value for name, value in changes.items() if name in columns}
    others |= {name: value for name, value in changes.items() if name in others}
    return Preferences(columns=columns, **others)


# --- saving --------------------------------------------------------------------------------
def test_saving_sets_the_next_digest_topics_and_terms(now: datetime) -> None:
    old, new, muted = make_topic(), make_topic(), make_topic()
    reader = make_reader(old, hour=16, next_due_at=now.replace(hour=16))

    preferences.save_preferences(
        reader,
        wanted(emphases={new.pk: MORE, muted.pk: MUTED}, hour=18, keywords=["Proofs"]),
        now,
    )

    reader.refresh_from_db()
    emphases = Subscription.objects.values_list("topic_id", "emphasis")
    assert (reader.next_due_at, reader.zone) == (now.replace(hour=18), "Europe/Lisbon")
    assert dict(emphases) == {new.pk: MORE, muted.pk: MUTED}
    assert reader.terms.get().text == "Proofs"


def test_saving_twice_is_as_saving_once(now: datetime) -> None:
    topic = make_topic()
    reader = planned_reader(now)
    both = wanted(emphases={topic.pk: LESS}, authors=["Ada"], muted_authors=["Bo"], hour=18)

    once = preferences.save_preferences(reader, both, now)
    twice = preferences.save_preferences(reader, both, now)

    assert twice.next_due_at == once.next_due_at
    assert Subscription.objects.get().emphasis == LESS
    assert list(reader.terms.order_by("pk").values_list("text", flat=True)) == ["Ada", "Bo"]


def test_a_pause_and_its_end_move_the_next_digest(now: datetime) -> None:
    reader = planned_reader(now)

    paused = preferences.save_preferences(reader, wanted(paused_until=date(2026, 12, 24)), now)
    resumed = preferences.end_pause(reader, now)

    assert paused.next_due_at == datetime.fromisoformat("2026-12-24T07:00+00:00")
    assert resumed.next_due_at == datetime.fromisoformat("2026-11-24T07:00+00:00")


def test_a_pause_while_a_digest_is_due_moves_the_next_one(now: datetime) -> None:
    reader = make_reader(next_due_at=now - timedelta(seconds=10))

    paused = preferences.change(reader, now, paused_until=date(2026, 12, 24))

    assert paused.next_due_at == datetime.fromisoformat("2026-12-24T07:00+00:00")


def test_saving_gives_no_next_digest_to_a_reader_who_is_not_active(now: datetime) -> None:
    reader = make_reader()
    unsubscribe(reader, Consent.Act.UNSUBSCRIBED, now)

    saved = preferences.save_preferences(reader, wanted(), now)

    assert (saved.state, saved.next_due_at) == (Subscriber.State.UNSUBSCRIBED, None)


# --- after today's digest ------------------------------------------------------------------
def moved(frm: tuple[str, int], to: tuple[str, int], at: str) -> datetime:
    """The next digest of a daily reader who changes zone and hour at this time."""
    moment = datetime.fromisoformat(at)
    reader = planned_reader(moment, zone=frm[0], hour=frm[1])
    due = preferences.change(reader, moment, zone=to[0], hour=to[1]).next_due_at
    assert due is not None
    return due


@pytest.mark.parametrize(
    ("frm", "to", "at", "next_due"),
    [
        # Today's digest is still to come, so the new hour counts today.
        (("UTC", 7), ("UTC", 18), "2026-11-23T06:00+00:00", "2026-11-23T18:00+00:00"),
        # It came at 07:00, so there is none at 18:00.
        (("UTC", 7), ("UTC", 18), "2026-11-23T08:00+00:00", "2026-11-24T18:00+00:00"),
        (("UTC", 7), ("UTC", 8), "2026-11-23T07:00+00:00", "2026-11-24T08:00+00:00"),
        # What came on Monday at 23:00 in UTC came on Monday in Los Angeles.
        (
            ("UTC", 23),
            ("America/Los_Angeles", 18),
            "2026-11-24T01:00+00:00",
            "2026-11-25T02:00+00:00",
        ),
        # Lisbon's Tuesday came; in Los Angeles Tuesday has just begun.
        (
            ("Europe/Lisbon", 7),
            ("America/Los_Angeles", 7),
            "2026-11-24T08:05+00:00",
            "2026-11-25T15:00+00:00",
        ),
        # Across the date line, from Tuesday, which has had its digest, to Monday; and from Monday
        # to Tuesday, which has not.
        (
            ("Pacific/Kiritimati", 7),
            ("Pacific/Honolulu", 18),
            "2026-11-23T20:00+00:00",
            "2026-11-26T04:00+00:00",
        ),
        (
            ("Pacific/Honolulu", 7),
            ("Pacific/Kiritimati", 9),
            "2026-11-23T18:00+00:00",
            "2026-11-23T19:00+00:00",
        ),
        # On the day of a gap and of a fold.
        (
            ("Europe/Berlin", 1),
            ("Europe/Berlin", 2),
            "2026-03-29T00:30+00:00",
            "2026-03-30T00:00+00:00",
        ),
        (
            ("America/New_York", 1),
            ("America/New_York", 2),
            "2026-11-01T06:30+00:00",
            "2026-11-02T07:00+00:00",
        ),
    ],
)
def test_a_change_brings_no_second_digest_on_one_date(
    frm: tuple[str, int], to: tuple[str, int], at: str, next_due: str
) -> None:
    assert moved(frm, to, at) == datetime.fromisoformat(next_due)


def test_no_way_of_changing_to_and_fro_brings_a_second_digest(now: datetime) -> None:
    reader = planned_reader(now)
    changes: list[dict[str, Any]] = [
        {"hour": 18},
        {"frequency": "weekly", "weekday": 4},
        {"frequency": "daily"},
        {"paused_until": now.date() + timedelta(days=9)},
        {"paused_until": None, "hour": 20},
    ]

    for minutes, fields in enumerate(changes):
        reader = preferences.change(reader, now + timedelta(minutes=minutes), **fields)

    assert reader.next_due_at == datetime.fromisoformat("2026-11-24T20:00+00:00")


@settings(max_examples=60, deadline=None)
@given(
    zones=st.tuples(st.sampled_from(ZONES), st.sampled_from(ZONES)),
    hours=st.tuples(st.integers(0, 23), st.integers(0, 23)),
    minutes=st.integers(0, 2000),
)
def test_wherever_one_moves_there_is_one_digest_a_date_and_one_within_three_days(
    zones: tuple[str, str], hours: tuple[int, int], minutes: int
) -> None:
    begin = datetime(2026, 11, 23, 12, tzinfo=UTC)
    reader = Subscriber(state="active", zone=zones[0], hour=hours[0])
    start(reader, begin)
    moment = begin + timedelta(minutes=minutes)
    served = plan(reader, moment)
    reader.zone, reader.hour = zones[1], hours[1]

    preferences.reschedule(reader, moment)

    assert reader.next_due_at is not None
    assert reader.next_due_on is not None
    assert moment < reader.next_due_at <= (served[-1].at if served else begin) + LONGEST_WAIT
    if served:
        assert reader.next_due_on > served[-1].on


# --- a new link ----------------------------------------------------------------------------
def test_a_link_is_mailed_once_a_day_at_most(now: datetime) -> None:
    reader = make_reader()

    for hours in (0, 1, 23, 25):
        preferences.mail_link(reader, now + timedelta(hours=hours))
        Letter.objects.update(sent_at=now)

    assert [letter.created_at for letter in Letter.objects.order_by("pk")] == [
        now,
        now + timedelta(hours=25),
    ]


def test_an_unconfirmed_reader_is_mailed_no_link(now: datetime) -> None:
    preferences.mail_link(make_reader(), now)
    assert Letter.objects.count() == 1

    preferences.mail_link(make_reader(state=Subscriber.State.PENDING), now)

    assert Letter.objects.count() == 1


# --- in words ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("due", "zone", "words"),
    [
        ("2026-11-23T18:00+00:00", "Europe/Lisbon", "today, Monday, 18:00 Lisbon time"),
        ("2026-11-24T07:00+00:00", "Europe/Lisbon", "tomorrow, Tuesday, 07:00 Lisbon time"),
        ("2026-11-30T07:00+00:00", "UTC", "Monday, 30 November, 07:00 UTC"),
        ("2027-01-04T07:00+00:00", "UTC", "Monday, 4 January 2027, 07:00 UTC"),
        (
            "2026-11-23T15:00+00:00",
            "America/Argentina/Buenos_Aires",
            "today, Monday, 12:00 Buenos Aires time",
        ),
        ("2026-11-23T17:00+00:00", "Pacific/Auckland", "today, Tuesday, 06:00 Auckland time"),
    ],
)
def test_the_next_digest_is_said_in_the_readers_words(
    now: datetime, due: str, zone: str, words: str
) -> None:
    reader = Subscriber(zone=zone, next_due_at=datetime.fromisoformat(due))

    assert next_digest_in_words(reader, now) == words


def test_the_words_are_in_the_language_that_is_active(now: datetime) -> None:
    reader = Subscriber(zone="UTC", next_due_at=datetime.fromisoformat("2026-11-30T07:00+00:00"))

    with override("de"):
        assert next_digest_in_words(reader, now).startswith("Montag, ")
