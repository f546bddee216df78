import json
import logging
import time
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from pytest_django import Settings

from digest import checks
from digest.models import Look, Paper
from digest.papers import looking
from digest.papers.looking import look, look_back
from digest.sources import SOURCES, Download, Get, SourceError
from tests.digest.papers.test_intake import THURSDAY, at_once, given, put
from tests.digest.sources.test_huggingface import entry

pytestmark = pytest.mark.django_db


def answering(*numbers: int, problems: int = 0) -> Get:
    body = json.dumps([entry(f"2608.{n:05}") for n in numbers] + [{}] * problems).encode()
    return lambda url: Download(body)


def failing(text: str = "down", **options: Any) -> Get:
    def get(url: str) -> Download:
        raise SourceError(text, **options)

    return get


@time_machine.travel(THURSDAY, tick=False)
def test_look_stores_papers_and_says_so() -> None:
    result = look("huggingface", THURSDAY.date(), get=answering(1, 2, problems=1))

    assert result == Look.objects.get()
    assert (result.outcome, result.new, result.bad) == (Look.Outcome.OK, 2, 1)
    assert result.message == "Hugging Face: entry 3 was left out: it has no arXiv id."


@time_machine.travel(THURSDAY, tick=False)
def test_failed_look_changes_no_paper_and_says_why() -> None:
    put(given(votes=7))

    result = look("huggingface", get=failing("https://x.org/ did not answer in time."))

    assert (result.outcome, result.message) == (
        Look.Outcome.FAILED,
        "https://x.org/ did not answer in time.",
    )
    assert Paper.objects.count() == 1


@time_machine.travel(THURSDAY, tick=False)
def test_empty_day_is_quiet() -> None:
    assert look("huggingface", date(2026, 8, 16), get=answering()).outcome == Look.Outcome.QUIET


@time_machine.travel(THURSDAY, tick=False)
@pytest.mark.parametrize(("day", "outcome"), [(20, Look.Outcome.QUIET), (19, Look.Outcome.FAILED)])
def test_day_that_is_not_open_yet_is_quiet_only_today(day: int, outcome: Look.Outcome) -> None:
    get = failing("answered 400", status=400)

    assert look("huggingface", date(2026, 8, day), get=get).outcome == outcome


@time_machine.travel(THURSDAY, tick=False)
def test_batch_of_known_papers_is_stale_on_a_working_day() -> None:
    put(given(1), given(2), at=THURSDAY - timedelta(days=1))

    looks = {
        "today": look("huggingface", THURSDAY.date(), get=answering(1, 2)),
        "latest": look("huggingface", None, get=answering(1, 2)),
        "yesterday": look("huggingface", date(2026, 8, 19), get=answering(1, 2)),
        "with a new one": look("huggingface", THURSDAY.date(), get=answering(1, 2, 3)),
    }

    assert {name: result.outcome for name, result in looks.items()} == {
        "today": Look.Outcome.STALE,
        "latest": Look.Outcome.STALE,
        "yesterday": Look.Outcome.OK,
        "with a new one": Look.Outcome.OK,
    }


@time_machine.travel(THURSDAY, tick=False)
def test_batch_that_came_in_an_hour_ago_is_not_stale() -> None:
    look("huggingface", THURSDAY.date(), get=answering(1, 2))

    again = look("huggingface", THURSDAY.date(), get=answering(1, 2))

    assert (again.outcome, again.same) == (Look.Outcome.OK, 2)


def test_known_papers_are_not_stale_on_a_weekend() -> None:
    put(given(1))

    with time_machine.travel(datetime(2026, 8, 22, 12, tzinfo=UTC), tick=False):
        assert look("huggingface", None, get=answering(1)).outcome == Look.Outcome.OK


@time_machine.travel(THURSDAY, tick=False)
def test_look_back_brings_in_papers_missed_in_an_outage() -> None:
    lists = {"2026-08-20": [5], "2026-08-18": [3], "2026-08-14": [1]}

    def get(url: str) -> Download:
        day = url.partition("date=")[2][:10]
        return answering(*lists.get(day, []))(url)

    looks = look_back("huggingface", get=get)

    assert [result.day for result in looks] == [date(2026, 8, day) for day in range(20, 13, -1)]
    assert Paper.objects.count() == 3


@time_machine.travel(THURSDAY, tick=False)
def test_days_before_yesterday_are_read_once_a_day() -> None:
    look_back("huggingface", get=answering())

    again = look_back("huggingface", get=answering())

    assert [result.day for result in again] == [date(2026, 8, 20), date(2026, 8, 19)]
    with time_machine.travel(THURSDAY + timedelta(days=1), tick=False):
        assert len(look_back("huggingface", get=answering())) == 7


@time_machine.travel(THURSDAY, tick=False)
def test_look_back_ends_at_the_first_failure() -> None:
    looks = look_back("huggingface", get=failing())

    assert [result.outcome for result in looks] == [Look.Outcome.FAILED]


@time_machine.travel(THURSDAY, tick=False)
def test_day_that_is_not_open_does_not_end_the_look_back() -> None:
    def get(url: str) -> Download:
        if "2026-08-20" in url:
            raise SourceError("answered 400", status=400)
        return answering(1)(url)

    assert len(look_back("huggingface", get=get)) == 7


def test_unknown_source_is_a_failed_look() -> None:
    (result,) = look_back("myspace")

    assert result.outcome == Look.Outcome.FAILED


@time_machine.travel(THURSDAY, tick=False)
def test_source_is_due_when_nobody_looked_for_a_while(settings: Settings) -> None:
    settings.SOURCES = ["huggingface", "arxiv"]
    Look.objects.create(source="arxiv", at=THURSDAY - timedelta(minutes=61), outcome="ok")
    Look.objects.create(source="huggingface", at=THURSDAY - timedelta(minutes=59), outcome="ok")

    assert looking.sources_due(timedelta(minutes=60)) == ["arxiv"]


def test_unknown_source_in_the_settings_is_an_error(settings: Settings) -> None:
    settings.SOURCES = [*SOURCES]
    assert checks.check_sources() == []

    settings.SOURCES = ["arxiv", "myspace"]
    (error,) = checks.check_sources()
    assert error.msg == "SOURCES names “myspace”, which is not a source."


@time_machine.travel(THURSDAY, tick=False)
def test_log_reports_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "digest.papers.looking")

    look("huggingface", THURSDAY.date(), get=failing("down"))

    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "huggingface 2026-08-20: The source could not be read. 0 new, 0 changed, 0 known, "
        "0 left out. down"
    )


# --- etiquette -----------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_arxiv_is_asked_by_one_at_a_time_with_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "SECONDS_BETWEEN_REQUESTS", 0.2)
    spans: list[tuple[float, float]] = []

    def download(url: str, agent: str) -> Download:
        began = time.monotonic()
        time.sleep(0.05)
        spans.append((began, time.monotonic()))
        return Download(b"")

    monkeypatch.setattr(looking, "download", download)
    at_once(4, lambda: looking.polite_download("https://rss.arxiv.org/atom/cs.CL"))

    gaps = [after[0] - before[1] for before, after in pairwise(spans)]
    assert len(gaps) == 3
    assert min(gaps) >= 0.2


def test_site_is_named_to_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    agents: list[str] = []

    def download(url: str, agent: str) -> Download:
        agents.append(agent)
        return Download(b"")

    monkeypatch.setattr(looking, "download", download)

    looking.polite_download("https://huggingface.co/api/daily_papers")

    assert agents == ["Broadsheet/0.1 (+https://news.example.org)"]
