"""When a digest is due: particular days, and properties over all zones."""

from copy import copy
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.models import Subscriber
from subscribers.wishes import preferences
from subscribers.wishes.schedule import end_of_day, last_due_of, next_due, next_due_of

ZONES = sorted(available_timezones())


def due(
    after: datetime,
    zone: str = "UTC",
    hour: int = 7,
    *,
    frequency: str = "daily",
    weekday: int = 0,
    paused_until: date | None = None,
) -> datetime:
    return next_due(
        after,
        zone=zone,
        hour=hour,
        frequency=frequency,
        weekday=weekday,
        paused_until=paused_until,
    )


def at(text: str, zone: str = "UTC") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


# --- named days ----------------------------------------------------------------------------
def test_the_hour_that_is_now_has_passed() -> None:
    assert due(at("2026-11-23T07:00")) == at("2026-11-24T07:00")
    assert due(at("2026-11-23T06:59:59")) == at("2026-11-23T07:00")


def test_weekdays_leave_out_saturday_and_sunday() -> None:
    friday = at("2026-11-27T07:00")

    assert due(friday, frequency="weekdays") == at("2026-11-30T07:00")


def test_a_weekly_digest_comes_on_its_day() -> None:
    monday = at("2026-11-23T12:00")

    assert due(monday, frequency="weekly", weekday=3) == at("2026-11-26T07:00")
    assert due(monday, frequency="weekly", weekday=0) == at("2026-11-30T07:00")


def test_the_weekday_is_the_readers_own() -> None:
    sunday_in_utc = at("2026-11-22T20:00")

    result = due(sunday_in_utc, "Pacific/Auckland", frequency="weekly", weekday=0)

    # It is Monday 09:00 there already, two hours too late for this week.
    assert result == at("2026-11-29T18:00")


def test_a_pause_ends_on_its_day_in_the_readers_zone() -> None:
    result = due(at("2026-11-23T12:00"), "Asia/Tokyo", paused_until=date(2026, 12, 1))

    assert result == at("2026-11-30T22:00")


def test_a_pause_that_is_over_changes_nothing() -> None:
    assert due(at("2026-11-23T12:00"), paused_until=date(2026, 1, 1)) == at("2026-11-24T07:00")


def test_an_hour_that_the_clock_jumps_over_is_the_moment_of_the_jump() -> None:
    # Berlin jumped from 02:00 to 03:00 on 2026-03-29.
    result = due(at("2026-03-28T12:00"), "Europe/Berlin", 2)

    assert result == at("2026-03-29T03:00", "Europe/Berlin").astimezone(UTC)
    assert due(result, "Europe/Berlin", 2) == at("2026-03-30T00:00")


def test_an_hour_that_comes_twice_counts_once_and_the_first_time() -> None:
    # New York fell back from 02:00 to 01:00 on 2026-11-01.
    first = due(at("2026-10-31T12:00"), "America/New_York", 1)

    assert first == at("2026-11-01T05:00")
    assert due(first, "America/New_York", 1) == at("2026-11-02T06:00")


def test_midnight_that_does_not_exist_is_the_first_moment_of_the_day() -> None:
    # Beirut jumped from 00:00 to 01:00 on 2026-03-29.
    result = due(at("2026-03-28T12:00"), "Asia/Beirut", 0)

    assert result == at("2026-03-29T01:00", "Asia/Beirut").astimezone(UTC)


def test_half_an_hour_that_is_jumped_over_or_comes_twice_is_no_hour_lost_or_doubled() -> None:
    # Lord Howe jumped from 02:00 to 02:30 on 2026-10-04, and fell back from 02:00 to 01:30 on
    # 2026-04-05: its hours are 30 minutes off.
    howe = "Australia/Lord_Howe"

    gap = due(at("2026-10-03T00:00"), howe, 2)
    fold = due(at("2026-04-04T00:00"), howe, 1)

    assert gap == at("2026-10-03T15:30")
    assert due(gap, howe, 2) == at("2026-10-04T15:00")
    assert fold == at("2026-04-04T14:00")
    assert due(fold, howe, 1) == at("2026-04-05T14:30")


def test_a_jump_over_midnight_keeps_the_digest_of_the_day_before() -> None:
    # Nuuk jumps from Saturday 23:00 to Sunday 00:00.
    saturday = at("2026-03-28T12:00")

    result = due(saturday, "America/Nuuk", 23, frequency="weekly", weekday=5)

    assert result == at("2026-03-29T01:00")


@pytest.mark.parametrize(
    ("zone", "missing"),
    [("Pacific/Apia", date(2011, 12, 30)), ("Pacific/Kiritimati", date(1994, 12, 31))],
)
def test_a_day_that_a_country_left_out_has_no_digest(zone: str, missing: date) -> None:
    day_before = datetime.combine(missing - timedelta(days=1), time(7), ZoneInfo(zone))

    result = due(day_before.astimezone(UTC), zone)

    next_day = datetime.combine(missing + timedelta(days=1), time(7), ZoneInfo(zone))
    assert result == next_day.astimezone(UTC)
    assert result - day_before.astimezone(UTC) == timedelta(days=1)


# --- the days themselves -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("now", "zone", "end"),
    [
        ("2026-11-23T12:00", "UTC", "2026-11-24T00:00"),
        ("2026-11-23T12:00", "Asia/Tokyo", "2026-11-23T15:00"),
        ("2026-03-29T10:00", "Europe/Berlin", "2026-03-29T22:00"),  # of 23 hours
        ("2026-11-01T12:00", "America/New_York", "2026-11-02T05:00"),  # of 25
        ("2026-03-28T12:00", "Asia/Beirut", "2026-03-28T22:00"),  # tomorrow has no midnight
        ("2011-12-29T12:00", "Pacific/Apia", "2011-12-30T10:00"),  # tomorrow is left out
    ],
)
def test_a_day_ends_where_the_next_one_begins(now: str, zone: str, end: str) -> None:
    assert end_of_day(at(now), zone) == at(end)


@pytest.mark.parametrize(
    ("frequency", "now", "last"),
    [
        ("daily", "2026-11-23T07:00", "2026-11-23T07:00"),
        ("daily", "2026-11-23T06:59", "2026-11-22T07:00"),
        ("weekdays", "2026-11-23T06:59", "2026-11-20T07:00"),
        ("weekly", "2026-11-24T12:00", "2026-11-18T07:00"),
    ],
)
def test_the_last_digest_was_due_when_the_wishes_say(frequency: str, now: str, last: str) -> None:
    reader = Subscriber(frequency=frequency, weekday=2)

    assert last_due_of(reader, at(now)) == at(last)


# --- properties ----------------------------------------------------------------------------
instants = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001  # hypothesis wants naive limits
    datetime(2036, 12, 31),  # noqa: DTZ001
    timezones=st.just(UTC),
)
wishes = st.fixed_dictionaries(
    {
        "zone": st.sampled_from(ZONES),
        "hour": st.integers(0, 23),
        "frequency": st.sampled_from(["daily", "weekdays", "weekly"]),
        "weekday": st.integers(0, 6),
    }
)


def shows_the_hour(instant: datetime, zone: str, hour: int) -> bool:
    shown = instant.astimezone(ZoneInfo(zone))
    return (shown.hour, shown.minute, shown.second) == (hour, 0, 0) and shown.fold == 0


@settings(max_examples=300, deadline=None)
@given(after=instants, wish=wishes, pause=st.none() | st.integers(-400, 400))
def test_a_digest_is_later_not_in_a_pause_and_at_the_hour_unless_the_clock_jumps(
    after: datetime, wish: dict[str, object], pause: int | None
) -> None:
    tz = ZoneInfo(str(wish["zone"]))
    paused_until = None if pause is None else (after + timedelta(days=pause)).date()

    result = next_due(after, **wish, paused_until=paused_until)  # type: ignore[arg-type]

    shown, before = result.astimezone(tz), (result - timedelta(seconds=1)).astimezone(tz)
    assert result > after
    assert result.tzinfo is UTC
    assert paused_until is None or shown.date() >= paused_until
    assert shows_the_hour(result, tz.key, int(str(wish["hour"]))) or (
        shown.replace(tzinfo=None) - before.replace(tzinfo=None) > timedelta(seconds=1)
    )


@settings(max_examples=60, deadline=None)
@given(after=instants, wish=wishes)
def test_no_allowed_hour_is_left_out(after: datetime, wish: dict[str, object]) -> None:
    zone, hour = str(wish["zone"]), int(str(wish["hour"]))
    allowed = {"daily": range(7), "weekdays": range(5)}.get(
        str(wish["frequency"]), [int(str(wish["weekday"]))]
    )
    result = next_due(after, **wish, paused_until=None)  # type: ignore[arg-type]

    quarter = after.replace(minute=0, second=0, microsecond=0)
    while (quarter := quarter + timedelta(minutes=15)) < result:
        is_missed = (
            quarter > after
            and shows_the_hour(quarter, zone, hour)
            and quarter.astimezone(ZoneInfo(zone)).weekday() in allowed
        )
        assert not is_missed


def test_every_zone_has_one_digest_a_day_over_the_changes_of_a_year() -> None:
    for zone in ZONES:
        instant, dues = at("2026-02-20T12:00"), []
        while instant < at("2026-11-10T12:00"):
            instant = due(instant, zone, 2)
            dues.append(instant.astimezone(ZoneInfo(zone)).date())
        assert len(dues) == len(set(dues)) == (dues[-1] - dues[0]).days + 1, zone


@settings(max_examples=100, deadline=None)
@given(after=instants, wish=wishes)
def test_the_next_due_time_becomes_the_last_once_it_has_come(
    after: datetime, wish: dict[str, object]
) -> None:
    reader = Subscriber(**wish)

    due = next_due_of(reader, after)

    assert last_due_of(reader, due) == due
    assert (last_due_of(reader, due - timedelta(seconds=1)) or after) <= after


# --- people who move -----------------------------------------------------------------------
moves = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from(ZONES), st.integers(0, 23)), max_size=5
)


@settings(max_examples=200, deadline=None)
@given(start=instants, home=wishes, journey=moves)
def test_wherever_one_travels_a_day_has_one_digest_and_three_days_have_one(
    start: datetime, home: dict[str, object], journey: list[tuple[int, str, int]]
) -> None:
    """Across date lines, gaps and folds: each move this many minutes after the first digest."""
    reader = Subscriber(state=Subscriber.State.ACTIVE, **{**home, "frequency": "daily"})
    reader.next_due_at = next_due_of(reader, start)
    served: list[tuple[datetime, str]] = []

    for minutes, zone, hour in [*journey, (6000, "UTC", 7)]:
        now = reader.next_due_at + timedelta(minutes=minutes)
        while reader.next_due_at <= now:
            served.append((reader.next_due_at, reader.zone))
            reader.next_due_at = next_due_of(reader, reader.next_due_at)
        before, reader.zone, reader.hour = copy(reader), zone, hour
        preferences.reschedule(reader, before, now)
        assert reader.next_due_at is not None

    for (earlier, _), (later, zone) in pairwise(served):
        assert end_of_day(earlier, zone) <= later <= earlier + timedelta(days=3)
