"""A thin or stale day is held and says so. It closes on approval, or readers are told at last."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from digest.delivery import plan
from digest.desk.editions import running
from digest.desk.editions.catching_up import begin
from digest.models import Digest, Edition, Look
from digest.papers import editions
from digest.papers.holding import Hold, Rules
from tests.clock import Clock
from tests.digest.delivery.test_days import at, days_of, work, work_through
from tests.digest.delivery.test_days import clock as clock
from tests.factories import make_edition, make_paper
from tests.subscribers.wishes.planner import planned_reader

pytestmark = pytest.mark.django_db

DAY = date(2026, 7, 14)
HOUR = timedelta(hours=1)
FOUR = datetime(2026, 7, 14, 4, tzinfo=UTC)
FIVE = FOUR + HOUR
THIN = Rules(least=5)


def close_if_due(now: datetime, rules: Rules) -> Edition | None:
    return editions.close_if_due(now, hour=5, rules=rules)


def wait_for_edition(number: int) -> None:
    for votes in range(number):
        make_paper(votes=votes, first_seen_at=FOUR - HOUR)


def test_a_thin_day_is_held_until_enough_papers_have_come() -> None:
    wait_for_edition(3)

    assert close_if_due(FIVE, THIN) is None

    held = Edition.objects.held().get()
    assert (held.date, held.hold_rule, held.held_at) == (DAY, "thin", FIVE)
    assert held.hold_reason == "3 papers are waiting, and EDITION_LEAST_PAPERS asks for 5."
    assert close_if_due(FIVE + HOUR, THIN) is None
    wait_for_edition(2)
    edition = close_if_due(FIVE + 2 * HOUR, THIN)
    assert edition == held
    assert (edition.candidates.count(), edition.hold_rule, edition.held_at) == (5, "", None)


def test_a_stale_day_is_held_until_a_source_answers_well() -> None:
    wait_for_edition(3)
    rules = Rules(stale=6 * HOUR, sources=("huggingface", "arxiv"))
    # An earlier day that was read again, a failure, and papers that were known say nothing.
    look_at = [("ok", DAY - timedelta(days=2)), ("failed", DAY), ("stale", DAY)]
    for outcome, day in look_at:
        Look.objects.create(source="huggingface", outcome=outcome, day=day, at=FOUR)

    assert close_if_due(FIVE, rules) is None
    assert "There has been no good look at any source" in Edition.objects.held().get().hold_reason
    old = Look.objects.create(source="arxiv", outcome="ok", at=FOUR - 12 * HOUR)
    assert close_if_due(FIVE, rules) is None
    reason = Edition.objects.held().get().hold_reason
    assert reason == (
        "The last good look at a source was at 2026-07-13 16:00 UTC, and EDITION_STALE_HOURS asks "
        "for one within 6 hours."
    )

    old.at = FOUR
    old.save()

    assert close_if_due(FIVE, rules) is not None


def test_by_default_nothing_is_held(settings: Settings) -> None:
    wait_for_edition(1)

    assert plan.closing_rules() == Rules(1, None, settings.SOURCES)
    assert close_if_due(FIVE, plan.closing_rules()) is not None


def test_an_approved_edition_closes_at_its_hour_or_at_once() -> None:
    wait_for_edition(3)

    assert editions.approve(DAY, FOUR)
    assert not editions.approve(DAY, FOUR)
    assert close_if_due(FOUR, THIN) is None
    edition = close_if_due(FIVE, THIN)
    assert edition
    assert edition.approved_at == FOUR
    with pytest.raises(editions.EditionError):
        editions.approve(DAY, FIVE)


def test_an_approval_is_for_its_day_only() -> None:
    editions.approve(DAY, FOUR)
    wait_for_edition(3)
    day_after = FIVE + 24 * HOUR

    assert close_if_due(day_after, THIN) is None

    held = Edition.objects.held().get()
    assert (held.date, held.approved_at) == (DAY + timedelta(days=1), None)


def test_an_operators_hold_lasts_until_it_is_approved(settings: Settings) -> None:
    wait_for_edition(9)

    assert running.hold(DAY, FOUR)
    assert not running.hold(DAY, FOUR)
    assert close_if_due(FIVE, Rules()) is None
    assert close_if_due(FIVE + 24 * HOUR, Rules()) is None
    next_day = DAY + timedelta(days=1)
    assert Edition.objects.held().get().date == next_day

    is_new, edition = running.approve(next_day, FIVE + 24 * HOUR)

    assert is_new
    assert edition
    assert edition.candidates.count() == 9
    with pytest.raises(editions.EditionError):
        running.hold(next_day, FIVE + 24 * HOUR)


def test_a_rule_does_not_undo_an_approval_that_came_in_between() -> None:
    wait_for_edition(3)
    editions.approve(DAY, FOUR)

    editions.set_hold(DAY, Hold("thin", "Noticed just before the approval."), FIVE)

    assert not Edition.objects.held().exists()


def test_closing_by_hand_needs_no_approval_and_ends_the_hold() -> None:
    wait_for_edition(3)
    running.hold(DAY, FOUR)

    edition = running.close(DAY, FOUR)

    assert edition
    assert edition.hold_rule == ""
    with pytest.raises(editions.EditionError, match="already closed"):
        running.close(DAY, FOUR)
    with pytest.raises(editions.EditionError, match="before its day"):
        running.close(DAY + timedelta(days=1), FOUR)


@pytest.mark.parametrize(
    ("now", "closed", "expected"),
    [
        (FOUR, None, DAY - timedelta(days=1)),
        (FIVE, None, DAY),
        (FOUR, DAY - timedelta(days=1), DAY),
        (FIVE, DAY - timedelta(days=1), DAY),
        (FIVE, DAY, DAY + timedelta(days=1)),
        (FOUR, DAY, DAY + timedelta(days=1)),
    ],
)
def test_which_edition_is_next(now: datetime, closed: date | None, expected: date) -> None:
    if closed:
        make_edition(1, day=closed)

    assert editions.next_day(now, 5) == expected


def test_as_if_closed_leaves_nothing_behind() -> None:
    wait_for_edition(3)

    with editions.as_if_closed(DAY, now=FIVE) as edition:
        assert edition
        assert edition.candidates.count() == 3

    assert not Edition.objects.exists()
    assert editions.waiting_papers().count() == 3


def test_readers_of_a_held_day_get_theirs_on_approval_or_are_told(
    clock: Clock, settings: Settings
) -> None:
    """One day is approved in time; the next one never is, and the late policy takes over."""
    settings.EDITION_LEAST_PAPERS = 7
    reader = planned_reader(at("2026-07-14T00:00"), hour=7)
    work_through(clock, at("2026-07-14T04:00"), at("2026-07-14T09:00"))
    assert days_of(reader) == {"07-14": Digest.State.READY}

    running.approve(DAY, at("2026-07-14T09:00"))
    work()
    assert days_of(reader) == {"07-14": Digest.State.SENT}

    work_through(clock, at("2026-07-15T04:00"), at("2026-07-15T20:00"))
    assert days_of(reader) == {"07-14": Digest.State.SENT, "07-15": Digest.SkipReason.HELD}
    late = Edition.objects.held().get()
    assert late.hold_rule == "thin"

    # Nobody gets it twice, and who was told gets it after all if an operator wants that.
    _, edition = running.approve(late.date, at("2026-07-15T20:00"))
    assert edition
    assert (begin("missed", edition).number, begin("missed", edition).number) == (1, 0)
    work()
    assert days_of(reader) == {"07-14": Digest.State.SENT, "07-15": Digest.State.SENT}
    assert begin("missed", edition).number == 0
