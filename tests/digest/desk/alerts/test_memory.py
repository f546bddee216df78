"""Each trouble is told once when it begins and once when it is over, in each way."""

from datetime import UTC, datetime, timedelta
from itertools import chain

from digest.desk.alerts.memory import OVER_AFTER, Memory
from digest.desk.today.trouble import Trouble

START = datetime(2026, 11, 27, 6, tzinfo=UTC)
HELD = Trouble("held:smtp", "Sending is held.", "Release it.")
SLOW = Trouble("queue:digests", "No worker.", "Start one.", patience=timedelta(seconds=60))
DOWN = Trouble("database", "PostgreSQL is down.", "Nothing is lost.", needs=())
WAYS = ["mail", "webhook 1"]


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def told(memory: Memory, troubles: list[Trouble], seconds: float, *fails: str) -> list[str]:
    """What is told in this round, as "way +key" or "way -key"; `fails` are ways that do not work.

    Afterwards the memory is as read from its file.
    """
    memory.see(troubles, at(seconds))
    said = []
    for news in memory.news(WAYS):
        if news.way not in fails:
            said += [f"{news.way} +{one.key}" for one in news.begun]
            said += [f"{news.way} -{one.key}" for one in news.over]
            memory.note_told(news)
    memory.forget_told(WAYS)
    memory.__init__(Memory.load(memory.dump()))  # type: ignore[misc]  # as after a restart
    return said


def test_a_trouble_is_told_when_it_begins_and_when_it_is_over() -> None:
    memory = Memory()

    rounds = [told(memory, [HELD], 30 * number) for number in range(5)]
    after = [told(memory, [], 120 + 30 * number) for number in range(1, 9)]

    assert rounds == [["mail +held:smtp", "webhook 1 +held:smtp"], [], [], [], []]
    over = int(OVER_AFTER.total_seconds() / 30) - 1
    assert after.index(["mail -held:smtp", "webhook 1 -held:smtp"]) == over
    assert sum(map(len, after)) == 2
    assert list(memory) == []


def test_what_comes_and_goes_is_one_trouble() -> None:
    memory = Memory()

    said = [told(memory, [HELD] if number % 3 else [], 30 * number) for number in range(20)]

    assert list(chain(*said)) == ["mail +held:smtp", "webhook 1 +held:smtp"]


def test_what_passes_before_its_patience_ends_is_never_told() -> None:
    memory = Memory()

    said = [told(memory, [SLOW] if seconds < 60 else [], seconds) for seconds in range(0, 600, 30)]

    assert (list(chain(*said)), list(memory)) == ([], [])


def test_what_lasts_longer_is_told() -> None:
    memory = Memory()

    said = [told(memory, [SLOW], seconds) for seconds in (0, 30, 60, 90)]

    assert said == [[], [], ["mail +queue:digests", "webhook 1 +queue:digests"], []]


def test_what_cannot_be_seen_is_not_over() -> None:
    memory = Memory()
    told(memory, [HELD], 0)

    during = [told(memory, [DOWN], seconds) for seconds in range(30, 900, 30)]
    after = told(memory, [HELD], 930)

    assert list(chain(*during)) == ["mail +database", "webhook 1 +database"]
    assert after == []
    assert told(memory, [HELD], 1200) == ["mail -database", "webhook 1 -database"]


def test_a_way_that_fails_is_tried_again_and_hears_the_end_alone_if_it_comes_first() -> None:
    memory = Memory()

    first = told(memory, [HELD], 0, "mail")
    second = told(memory, [HELD], 30, "mail")
    third = told(memory, [HELD], 60)
    assert (first, second, third) == (["webhook 1 +held:smtp"], [], ["mail +held:smtp"])

    other = Memory()
    told(other, [HELD], 0, "mail")
    told(other, [], 300, "mail")
    assert told(other, [], 330) == ["mail -held:smtp"]


def test_what_begins_again_before_its_end_could_be_told_is_told_to_nobody_twice() -> None:
    memory = Memory()
    told(memory, [HELD], 0)

    ended = told(memory, [], 300, "mail")
    again = told(memory, [HELD], 330)

    # The webhook heard of the end, so it hears of the new beginning; the mail never did.
    assert (ended, again) == (["webhook 1 -held:smtp"], ["webhook 1 +held:smtp"])


def test_what_is_not_worth_a_message_is_not_told() -> None:
    quiet = Trouble("failed", "2 failed.", "See which.", is_told=False)

    assert told(Memory(), [quiet], 0) == []
