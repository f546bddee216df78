"""A reader's days: on each that is due, one digest or one reason.

The clock is set for the process and for PostgreSQL. The statements are those of a run; only the
hand-over between them is left out, because senders have connections of their own.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client
from pytest_django import Settings

from digest.choosing.composing import Composed
from digest.delivery import handover, leases, plan, run
from digest.delivery.chunks import Tally
from digest.delivery.handover import HandOver
from digest.delivery.leases import Lease
from digest.models import Digest, Edition
from subscribers import links
from subscribers.database import execute
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Link, Subscriber
from subscribers.wishes import preferences
from tests.clock import Clock, settable
from tests.factories import make_digest, make_edition, make_paper, make_reader
from tests.subscribers.wishes.planner import planned_reader

pytestmark = pytest.mark.django_db

State, SkipReason = Digest.State, Digest.SkipReason
HOUR = timedelta(hours=1)
# Whether it was sent, or why not; by local date.
Days = dict[str, str]


@pytest.fixture
def clock() -> Iterator[Clock]:
    """A clock that shows an early morning in summer, when nobody is due."""
    with settable(at("2026-07-14T00:00")) as clock:
        yield clock


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def papers_come(number: int = 6) -> None:
    for _ in range(number):
        make_paper()


def work() -> None:
    """Do what a tick and the workers do in a minute. Every mail is accepted."""
    plan.prepare()
    while lease := run._claim("smtp", 1000):
        composed = run._compose(lease, Tally())
        marked = mark(lease, composed)
        ids = [one.digest_id for one in composed]
        leases.skip_unwanted(lease.token, ids, late=settings.DELIVERY_LATE)
        handover.record(lease.token, [HandOver(pk, State.SENT) for pk in marked])


def mark(lease: Lease, composed: Sequence[Composed]) -> dict[int, str]:
    late = settings.DELIVERY_LATE
    return handover.mark_sending(lease.token, composed, lease=HOUR, late=late, mail_service="smtp")


def work_through(clock: Clock, start: datetime, end: datetime) -> None:
    """Work every half hour. Papers come just before each edition closes."""
    now = start
    while now < end:
        clock.set(now)
        if (now.hour, now.minute) == (settings.EDITION_CLOSES_HOUR, 0):
            papers_come()
        work()
        now += HOUR / 2


def days_of(reader: Subscriber) -> Days:
    digests = Digest.objects.filter(subscriber=reader).order_by("local_date")
    return {f"{one.local_date:%m-%d}": one.skip_reason or one.state for one in digests}


def papers_in(edition: Edition) -> list[int]:
    return sorted(edition.candidates.values_list("paper", flat=True))


def papers_of(reader: Subscriber) -> list[int]:
    rows = Digest.objects.filter(subscriber=reader).values_list("paper_ids", flat=True)
    return [paper for papers in rows for paper in papers]


# --- editions and outages ------------------------------------------------------------------
def test_readers_of_the_minute_in_which_the_edition_closes_late_wait_for_it(clock: Clock) -> None:
    readers = [
        planned_reader(at("2026-07-14T00:00"), zone="Europe/Berlin", hour=7) for _ in range(400)
    ]
    clock.set(at("2026-07-14T05:00"))
    papers_come()
    work()

    clock.set(at("2026-07-15T05:00:20"))
    work()
    waiting = Digest.objects.filter(local_date=date(2026, 7, 15), state=State.READY, edition=None)
    number = waiting.count()
    clock.set(at("2026-07-15T05:00:40"))
    papers_come()
    work()

    sent = Digest.objects.filter(state=State.SENT)
    assert number == len(readers)
    assert sent.filter(local_date=date(2026, 7, 14)).count() == len(readers)
    assert sent.filter(edition__date=date(2026, 7, 15)).count() == len(readers)
    assert not Subscriber.objects.exclude(next_due_at=at("2026-07-16T05:00")).exists()


def test_the_first_hour_after_an_outage_costs_nobody_the_digest_of_that_day(clock: Clock) -> None:
    reader = planned_reader(at("2026-07-14T00:00"), hour=16)
    work_through(clock, at("2026-07-14T04:00"), at("2026-07-14T15:30"))

    clock.set(at("2026-07-15T05:10"))
    papers_come()
    work()
    after_the_outage = days_of(reader)
    clock.set(at("2026-07-15T15:59"))
    work()
    early = days_of(reader)
    clock.set(at("2026-07-15T16:00"))
    work()

    assert after_the_outage == early == {"07-14": SkipReason.LATE}
    assert days_of(reader) == {"07-14": SkipReason.LATE, "07-15": State.SENT}


def test_each_day_that_was_missed_has_a_row_and_the_last_one_is_sent(
    clock: Clock, settings: Settings
) -> None:
    settings.DELIVERY_LATE = timedelta(hours=36)
    reader = planned_reader(at("2026-07-14T00:00"), hour=7)
    work_through(clock, at("2026-07-14T04:00"), at("2026-07-14T12:00"))

    clock.set(at("2026-07-17T08:00"))
    papers_come()
    work()
    work()

    assert days_of(reader) == {
        "07-14": State.SENT,
        "07-15": SkipReason.LATE,
        "07-16": SkipReason.SUPERSEDED,
        "07-17": State.SENT,
    }


def test_a_day_without_an_edition_says_so_and_the_next_day_has_its_own(clock: Clock) -> None:
    reader = planned_reader(at("2026-07-14T00:00"), hour=7)
    work_through(clock, at("2026-07-14T04:00"), at("2026-07-14T12:00"))

    for hour in range(7, 24):
        clock.set(at(f"2026-07-15T{hour:02}:00"))
        work()
    without = days_of(reader)
    work_through(clock, at("2026-07-16T04:00"), at("2026-07-16T08:00"))

    assert without == {"07-14": State.SENT, "07-15": SkipReason.NO_EDITION}
    assert days_of(reader) == {**without, "07-16": State.SENT}


# --- readers who change something ----------------------------------------------------------
def test_saving_preferences_between_due_and_planning_keeps_the_digest(clock: Clock) -> None:
    reader = planned_reader(at("2026-07-14T00:00"), hour=7)
    papers_come()

    clock.set(at("2026-07-14T07:00:10"))
    preferences.change(reader, at("2026-07-14T07:00:10"), hour=18)
    work_through(clock, at("2026-07-14T07:01"), at("2026-07-15T00:00"))

    reader.refresh_from_db()
    assert days_of(reader) == {"07-14": State.SENT}
    assert reader.next_due_at == at("2026-07-15T18:00")


def test_days_missed_in_an_outage_are_those_of_the_wishes_of_then(clock: Clock) -> None:
    reader = planned_reader(at("2026-07-14T00:00"), hour=7)
    work_through(clock, at("2026-07-14T04:00"), at("2026-07-14T12:00"))

    clock.set(at("2026-07-16T12:00"))
    preferences.change(reader, at("2026-07-16T12:00"), frequency="weekly", weekday=0)
    clock.set(at("2026-07-17T20:00"))
    work()

    reader.refresh_from_db()
    assert days_of(reader) == {
        "07-14": State.SENT,
        "07-15": SkipReason.LATE,
        "07-16": SkipReason.NO_EDITION,
    }
    assert reader.next_due_at == at("2026-07-20T07:00")


def test_a_day_that_was_due_before_its_reader_left_says_so(clock: Clock) -> None:
    reader = planned_reader(at("2026-07-14T00:00"), hour=7)
    papers_come()

    clock.set(at("2026-07-14T07:00:10"))
    unsubscribe(reader, Consent.Act.UNSUBSCRIBED, at("2026-07-14T07:00:10"))
    work_through(clock, at("2026-07-14T07:01"), at("2026-07-15T12:00"))

    assert days_of(reader) == {"07-14": SkipReason.UNSUBSCRIBED}


def test_a_planner_that_fails_keeps_nobody_from_leaving(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = planned_reader(at("2026-07-14T00:00"), hour=7)
    monkeypatch.setattr(plan, "_insert", lambda *_: execute("SELECT 1 / 0"))

    clock.set(at("2026-07-14T07:00:10"))
    has_left = unsubscribe(reader, Consent.Act.UNSUBSCRIBED, at("2026-07-14T07:00:10"))

    reader.refresh_from_db()
    assert has_left
    assert (reader.state, reader.next_due_at) == (Subscriber.State.UNSUBSCRIBED, None)


def test_confirming_at_night_brings_one_digest_on_that_date(clock: Clock, client: Client) -> None:
    make_edition(day=date(2026, 7, 14))
    wishes = {"zone": "Europe/Berlin", "hour": 7}
    reader = make_reader(state="pending", confirmed_at=None, next_due_at=None, **wishes)

    clock.set(at("2026-07-14T22:30"))  # in Berlin half an hour into the 15th
    link = links.issue(reader, Link.Purpose.CONFIRM, HOUR, at("2026-07-14T22:30"))
    client.post(urlsplit(link).path)
    work()
    welcomed = days_of(reader)
    work_through(clock, at("2026-07-15T04:00"), at("2026-07-16T05:00"))
    first_day = days_of(reader)
    work_through(clock, at("2026-07-16T05:00"), at("2026-07-16T05:30"))

    assert welcomed == first_day == {"07-15": State.SENT}
    assert days_of(reader) == {"07-15": State.SENT, "07-16": State.SENT}


def test_crossing_the_date_line_to_and_fro_brings_one_digest_a_date(clock: Clock) -> None:
    reader = planned_reader(at("2026-07-14T00:00"), zone="Pacific/Auckland", hour=7)

    # Wednesday's digest came in Auckland; then it is Tuesday, and Wednesday, in Honolulu.
    work_through(clock, at("2026-07-14T04:00"), at("2026-07-14T20:00"))
    preferences.change(reader, at("2026-07-14T20:00"), zone="Pacific/Honolulu")
    work_through(clock, at("2026-07-14T20:00"), at("2026-07-15T18:00"))
    abroad = days_of(reader)
    preferences.change(reader, at("2026-07-15T18:00"), zone="Pacific/Auckland")
    work_through(clock, at("2026-07-15T18:00"), at("2026-07-16T20:00"))

    assert abroad == {"07-15": State.SENT}
    assert days_of(reader) == {"07-15": State.SENT, "07-16": State.SENT, "07-17": State.SENT}
    times = Digest.objects.order_by("local_date").values_list("handed_over_at", flat=True)
    assert list(times) == [at(f"2026-07-{day}T19:00") for day in (14, 15, 16)]


@pytest.mark.parametrize(
    ("zone", "first", "second"),
    [
        # It is still the day before in UTC when the pause ends, and already the next when it began.
        ("Pacific/Kiritimati", "2026-07-14T17:00", "2026-07-15T17:00"),
        ("Pacific/Pago_Pago", "2026-07-16T10:00", "2026-07-17T10:00"),
    ],
)
def test_a_pause_until_tomorrow_ends_at_the_readers_own_midnight(
    clock: Clock, zone: str, first: str, second: str
) -> None:
    papers_come()
    hour = 7 if zone == "Pacific/Kiritimati" else 23
    reader = planned_reader(at(first) - HOUR, zone=zone, hour=hour)

    clock.set(at(first))
    plan.prepare()
    plan.plan_due()
    preferences.change(reader, at(first), paused_until=date(2026, 7, 16))
    work()
    papers_come()
    clock.set(at(second))
    work()

    assert days_of(reader) == {"07-15": SkipReason.PAUSED, "07-16": State.SENT}


@pytest.mark.parametrize(
    ("zone", "until", "is_planned"),
    [
        ("Pacific/Kiritimati", date(2026, 7, 15), True),
        ("Pacific/Kiritimati", date(2026, 7, 16), False),
        ("Pacific/Pago_Pago", date(2026, 7, 13), True),
        ("Pacific/Pago_Pago", date(2026, 7, 14), False),
    ],
)
def test_planning_early_takes_pauses_by_the_readers_own_midnight(
    clock: Clock, zone: str, until: date, is_planned: bool
) -> None:
    make_edition(day=date(2026, 7, 13))
    make_reader(zone=zone, paused_until=until, next_due_at=None)

    # In Kiritimati it is the 15th from ten o'clock, in Pago Pago the 13th until eleven.
    clock.set(at("2026-07-14T10:30"))

    assert plan.plan_early() == is_planned


def test_the_hour_that_scoresbysund_skips_at_midnight_costs_no_day(clock: Clock) -> None:
    # At 23:00 on Saturday, 28 March, its clocks were set to 0:00 on Sunday.
    reader = planned_reader(at("2026-03-27T02:00"), zone="America/Scoresbysund", hour=23)

    work_through(clock, at("2026-03-27T04:00"), at("2026-03-29T12:00"))
    preferences.change(reader, at("2026-03-29T12:00"), length=12)
    work_through(clock, at("2026-03-29T12:00"), at("2026-03-31T12:00"))

    assert days_of(reader) == {f"03-{day}": State.SENT for day in (27, 28, 29, 30)}


# --- one reader, two digests ---------------------------------------------------------------
def waiting_digest(reader: Subscriber, due_at: datetime) -> Digest:
    fields = {"local_date": due_at.date(), "due_at": due_at, "next_attempt_at": due_at}
    return make_digest(None, reader, **fields)


def test_the_papers_of_a_digest_that_is_being_sent_do_not_come_again(clock: Clock) -> None:
    before, new = make_edition(day=date(2026, 7, 13)), make_edition(day=date(2026, 7, 14))
    reader = planned_reader(at("2026-07-14T00:00"), hour=7)
    make_digest(make_edition(day=date(2026, 7, 12)), reader, state=State.SENT)
    make_digest(before, reader, state=State.SENDING, paper_ids=papers_in(before))

    clock.set(at("2026-07-14T07:00"))
    work()

    todays = Digest.objects.get(local_date=date(2026, 7, 14))
    assert (todays.state, sorted(todays.paper_ids)) == (State.SENT, papers_in(new))


def test_nothing_is_new_while_all_of_it_is_being_sent(clock: Clock) -> None:
    edition = make_edition(day=date(2026, 7, 14))
    reader = planned_reader(at("2026-07-14T00:00"), hour=7)
    fields = {"local_date": date(2026, 7, 13), "paper_ids": papers_in(edition)}
    make_digest(edition, reader, state=State.SENDING, **fields)

    clock.set(at("2026-07-14T07:00"))
    work()

    assert days_of(reader) == {"07-13": State.SENDING, "07-14": SkipReason.NOTHING_NEW}


@pytest.mark.parametrize("plans", [plan.plan_due, plan.plan_early])
def test_a_digest_that_still_waits_gives_way_to_the_next(
    clock: Clock, settings: Settings, plans: Callable[[], int]
) -> None:
    settings.DELIVERY_LATE = timedelta(hours=36)
    make_edition(day=date(2026, 7, 14))
    reader = planned_reader(at("2026-07-14T06:00"), hour=7)
    waiting_digest(reader, at("2026-07-13T07:00"))

    clock.set(at("2026-07-14T07:00"))
    plans()
    ready = Digest.objects.filter(state=State.READY).count()
    work()

    assert ready == 1
    assert days_of(reader) == {"07-13": SkipReason.SUPERSEDED, "07-14": State.SENT}


def test_a_digest_that_gave_way_is_lost_to_the_worker_who_held_it(clock: Clock) -> None:
    edition = make_edition(day=date(2026, 7, 14))
    reader = planned_reader(at("2026-07-14T06:00"), hour=7)
    waiting = waiting_digest(reader, at("2026-07-13T20:00"))
    clock.set(at("2026-07-14T06:59"))
    lease = run._claim("smtp", 10)
    assert lease is not None
    composed = run._compose(lease, Tally())

    clock.set(at("2026-07-14T07:00"))
    work()

    assert [one.digest_id for one in composed] == [waiting.pk]
    assert mark(lease, composed) == {}
    assert days_of(reader) == {"07-13": SkipReason.SUPERSEDED, "07-14": State.SENT}
    assert sorted(papers_of(reader)) == papers_in(edition)
