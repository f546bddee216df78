import json
import os
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.core.management import CommandError, call_command

from digest.models import Look, Paper, Sighting
from digest.papers import looking
from digest.sources import Download, SourceError
from tests.digest.sources.test_huggingface import entry

pytestmark = pytest.mark.django_db

SAVED = Path(__file__).resolve().parents[4] / "shared" / "data" / "hf_api"
NOON = datetime(2026, 8, 20, 12, tzinfo=UTC)


def fetch(*arguments: str | Path) -> list[str]:
    """Run the command and return its output, line by line."""
    out = StringIO()
    call_command("fetch_papers", *map(str, arguments), stdout=out, no_color=True)
    return out.getvalue().splitlines()


def refused(*arguments: str | Path) -> str:
    with pytest.raises(CommandError) as caught:
        fetch(*arguments)
    assert caught.value.returncode == 1
    return str(caught.value)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A saved response of Hugging Face with two papers and an invalid entry."""
    path = tmp_path / "2026-08-20.json"
    path.write_text(json.dumps([entry("2608.00001"), entry("2608.00002"), {}]))
    return path


def test_saved_answer_is_stored(saved: Path) -> None:
    assert fetch("huggingface", "--file", saved) == [
        "huggingface 2026-08-20: 2 papers, 2 new, 0 changed, 0 known, 1 left out",
        "  Hugging Face: entry 3 was left out: it has no arXiv id.",
    ]
    assert Paper.objects.count() == 2


def test_saved_answer_was_seen_when_it_was_saved(saved: Path) -> None:
    os.utime(saved, (NOON.timestamp(), NOON.timestamp()))

    fetch("huggingface", "--file", saved)

    assert set(Sighting.objects.values_list("at", flat=True)) == {NOON}


def test_saved_answer_read_again_changes_nothing(saved: Path) -> None:
    fetch("huggingface", "--file", saved)
    before = [list(table.objects.order_by("pk").values()) for table in (Paper, Sighting)]

    assert fetch("huggingface", "--file", saved)[0] == (
        "huggingface 2026-08-20: 2 papers, 0 new, 0 changed, 2 known, 1 left out"
    )
    assert before == [list(table.objects.order_by("pk").values()) for table in (Paper, Sighting)]


def test_dry_run_reports_and_stores_nothing(saved: Path) -> None:
    assert fetch("huggingface", "--file", saved, "--dry-run")[:2] == [
        "A dry run: nothing is stored.",
        "huggingface 2026-08-20: 2 papers, 2 new, 0 changed, 0 known, 1 left out",
    ]
    assert not Paper.objects.exists()
    assert not Sighting.objects.exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>", "not JSON"),
        (b"", "not JSON"),
        (b"{}", "no list of papers"),
        (b'[{"work": 1}]', "None of the 1 entries"),
        (None, "cannot be opened: No such file or directory"),
    ],
)
def test_unreadable_file_is_named_and_the_others_are_stored(
    saved: Path, content: bytes | None, why: str
) -> None:
    bad = saved.with_name("bad.json")
    if content is not None:
        bad.write_bytes(content)

    message = refused("huggingface", "--file", bad, saved)

    assert message.startswith(f"1 of 2 could not be read:\n{bad}")
    assert why in message
    assert Paper.objects.count() == 2


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["myspace"], "There is no source “myspace”. The sources are: huggingface, arxiv"),
        (
            ["huggingface", "--date", "yesterday"],
            "“yesterday” is not a date. Write it as",
        ),
        (["huggingface", "--date", "2026-08-32"], "“2026-08-32” is not a date"),
        (["huggingface", "--date", "2099-01-01"], "2099-01-01 is in the future"),
        (["huggingface", "--since", "2099-01-01"], "2099-01-01 is in the future"),
        (["feeds", "--date", "2026-08-20"], "feeds cannot be asked for a day"),
        (["huggingface", "--date", "2026-08-20", "--since", "2026-08-20"], "not allowed with"),
    ],
)
def test_wrong_use_says_what_to_do(arguments: list[str], why: str) -> None:
    assert why in refused(*arguments)
    assert not Look.objects.exists()


@time_machine.travel(NOON, tick=False)
def test_each_day_since_a_date_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def download(url: str, agent: str) -> Download:
        asked.append(url.partition("date=")[2][:10])
        return Download(b"[]")

    monkeypatch.setattr(looking, "download", download)

    lines = fetch("huggingface", "--since", "2026-08-18")

    assert asked == ["2026-08-18", "2026-08-19", "2026-08-20"]
    assert lines[0] == "huggingface 2026-08-18: 0 papers, 0 new, 0 changed, 0 known, 0 left out"
    assert Look.objects.filter(outcome=Look.Outcome.QUIET).count() == 3


def test_source_that_is_down_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(url: str, agent: str) -> Download:
        raise SourceError("https://x.org/ did not answer in time.")

    monkeypatch.setattr(looking, "download", download)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)

    assert refused("huggingface", "--date", str(yesterday)) == (
        "1 of 1 could not be read:\n"
        f"huggingface {yesterday}: https://x.org/ did not answer in time."
    )
    assert Look.objects.get().outcome == Look.Outcome.FAILED


def test_sample_comes_without_a_network() -> None:
    (line,) = fetch("sample")

    assert line.startswith(f"sample latest: {Paper.objects.count()} papers,")
    assert Paper.objects.exists()


def test_terminal_gets_the_same_words(saved: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    call_command("fetch_papers", "huggingface", "--file", str(saved), stdout=Terminal())

    assert (
        "huggingface 2026-08-20: 2 papers, 2 new, 0 changed, 0 known, 1 left out"
        in capsys.readouterr().out.splitlines()
    )


@pytest.mark.skipif(not SAVED.is_dir(), reason="the real answers are not part of the checkout")
def test_real_answers_of_four_periods_are_stored_once() -> None:
    paths = sorted(SAVED.glob("*.json"))
    numbers = {item["paper"]["id"] for path in paths for item in json.loads(path.read_bytes())}

    fetch("huggingface", "--file", *paths)
    again = fetch("huggingface", "--file", *paths)

    assert set(Paper.objects.values_list("key", flat=True)) == {f"arxiv:{n}" for n in numbers}
    assert all(" 0 new, 0 changed, " in line and line.endswith("0 left out") for line in again)
    assert len(again) == len(paths) == 4
    assert Paper.objects.filter(published_at__date__lt=date(2024, 6, 1)).count() == 13
