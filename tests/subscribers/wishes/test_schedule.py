"""When a digest is due: particular days, and properties over all zones."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.models import Subscriber
from subscribers.wishes import preferences
from subscribers.wishes.schedule import Due, Timing, next_due

from .planner import LONGEST_WAIT, plan, start

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
    return next_due(after, Timing(zone, hour, frequency, weekday, paused_until)).at


def dues(first: datetime, until: datetime, timing: Timing) -> list[Due]:
    """Everything that is due in that time, each after the one before it, as it is planned."""
    found = [next_due(first, timing)]
    while found[-1].at < until:
        found.append(next_due(found[-1].at, timing, found[-1].on))
    return found


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


# --- the local date ------------------------------------------------------------------------
def test_a_digest_belongs_to_the_day_that_it_was_meant_for() -> None:
    saturday, sunday = date(2026, 3, 28), date(2026, 3, 29)
    nuuk = Timing("America/Nuuk", 23, "daily", 0, None)
    jump = at("2026-03-29T01:00")

    assert next_due(at("2026-03-28T12:00"), nuuk) == (jump, saturday)
    assert next_due(jump, nuuk, saturday) == (at("2026-03-30T00:00"), sunday)


@pytest.mark.parametrize(
    ("zone", "gap"),
    [
        # Both jumped from 23:00 on Saturday to 00:00 on Sunday.
        ("America/Scoresbysund", date(2026, 3, 28)),
        ("America/Nuuk", date(2026, 3, 28)),
        # Havana and Beirut jumped from 00:00 to 01:00 on Sunday.
        ("America/Havana", date(2026, 3, 8)),
        ("Asia/Beirut", date(2026, 3, 29)),
    ],
)
@pytest.mark.parametrize("hour", [0, 23])
def test_no_date_is_lost_or_doubled_over_a_gap_at_midnight(zone: str, gap: date, hour: int) -> None:
    noon = datetime.combine(gap - timedelta(days=2), time(12), UTC)

    found = dues(noon, noon + timedelta(days=5), Timing(zone, hour, "daily", 0, None))

    dates = [due.on for due in found]
    assert gap in dates
    assert dates == [dates[0] + timedelta(days=number) for number in range(len(dates))]


def test_nothing_is_due_on_the_date_of_the_last_digest_or_before_it() -> None:
    monday, noon = date(2026, 11, 23), at("2026-11-23T12:00")
    at_18 = Timing("UTC", 18, "daily", 0, None)

    assert next_due(noon, at_18).on == monday
    assert next_due(noon, at_18, monday) == (at("2026-11-24T18:00"), monday + timedelta(days=1))
    # The last one came beyond the date line, where it was Tuesday already.
    assert next_due(noon, at_18, monday + timedelta(days=1)).at == at("2026-11-25T18:00")


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
days_off = st.none() | st.integers(-400, 400)
ALLOWED = {"daily": range(7), "weekdays": range(5)}


def shows_the_hour(instant: datetime, zone: str, hour: int) -> bool:
    shown = instant.astimezone(ZoneInfo(zone))
    return (shown.hour, shown.minute, shown.second) == (hour, 0, 0) and shown.fold == 0


def days_after(instant: datetime, number: int | None) -> date | None:
    return None if number is None else (instant + timedelta(days=number)).date()


@settings(max_examples=300, deadline=None)
@given(after=instants, wish=wishes, pause=days_off, had=days_off)
def test_a_digest_is_later_not_in_a_pause_and_at_the_hour_unless_the_clock_jumps(
    after: datetime, wish: dict[str, Any], pause: int | None, had: int | None
) -> None:
    paused_until, last = days_after(after, pause), days_after(after, had)
    timing = Timing(**wish, paused_until=paused_until)
    tz = ZoneInfo(timing.zone)

    result, on = next_due(after, timing, last)

    shown, before = result.astimezone(tz), (result - timedelta(seconds=1)).astimezone(tz)
    assert result > after
    assert result.tzinfo is UTC
    assert paused_until is None or on >= paused_until
    assert last is None or on > last
    assert on.weekday() in ALLOWED.get(timing.frequency, [timing.weekday])
    if shows_the_hour(result, tz.key, timing.hour):
        assert shown.date() == on
    else:
        assert shown.replace(tzinfo=None) - before.replace(tzinfo=None) > timedelta(seconds=1)
        assert on in (shown.date(), before.date())


@settings(max_examples=60, deadline=None)
@given(after=instants, wish=wishes)
def test_no_allowed_hour_is_left_out(after: datetime, wish: dict[str, Any]) -> None:
    timing = Timing(**wish, paused_until=None)
    allowed = ALLOWED.get(timing.frequency, [timing.weekday])

    result = next_due(after, timing).at

    quarter = after.replace(minute=0, second=0, microsecond=0)
    while (quarter := quarter + timedelta(minutes=15)) < result:
        is_missed = (
            quarter > after
            and shows_the_hour(quarter, timing.zone, timing.hour)
            and quarter.astimezone(ZoneInfo(timing.zone)).weekday() in allowed
        )
        assert not is_missed


@pytest.mark.parametrize("hour", [2, 23])
def test_every_zone_has_one_digest_a_day_over_the_changes_of_a_year(hour: int) -> None:
    for zone in ZONES:
        timing = Timing(zone, hour, "daily", 0, None)
        found = [due.on for due in dues(at("2026-02-20T12:00"), at("2026-11-10T12:00"), timing)]
        assert len(found) == len(set(found)) == (found[-1] - found[0]).days + 1, zone


# --- people who move -----------------------------------------------------------------------
moves = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from(ZONES), st.integers(0, 23)), max_size=5
)


@settings(max_examples=200, deadline=None)
@given(begin=instants, home=wishes, journey=moves)
def test_wherever_one_travels_a_date_has_one_digest_and_three_days_have_one(
    begin: datetime, home: dict[str, Any], journey: list[tuple[int, str, int]]
) -> None:
    """Across date lines, gaps and folds: each move this many minutes after the first digest."""
    reader = Subscriber(state=Subscriber.State.ACTIVE, **{**home, "frequency": "daily"})
    start(reader, begin)
    served: list[Due] = []

    for minutes, zone, hour in [*journey, (6000, "UTC", 7)]:
        assert reader.next_due_at is not None
        now = reader.next_due_at + timedelta(minutes=minutes)
        served += plan(reader, now)
        reader.zone, reader.hour = zone, hour
        preferences.reschedule(reader, now)

    for earlier, later in pairwise(served):
        assert earlier.on < later.on
        assert later.at - earlier.at <= LONGEST_WAIT
