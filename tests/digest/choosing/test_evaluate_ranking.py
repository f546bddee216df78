"""The command that measures the ranking, on files small enough to know the result."""

import gzip
import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import pytest
from django.core.management import CommandError, call_command

MANAGE = Path(__file__).resolve().parents[3] / "manage.py"
SUBJECTS = {
    "robots": "robot arm gripper towel fold touch seam cloth motor joint grasp sensor",
    "proofs": "proof lemma tactic theorem formal checker logic axiom kernel type goal search",
}
DAYS = [f"2026-01-{day:02}" for day in range(1, 13)]


def papers() -> list[dict[str, Any]]:
    """Ten papers a day, half of them on each subject, with random votes."""
    rng = Random(1)
    return [
        {
            "id": f"{day}.{number}",
            "title": f"{subject} {number}",
            "abstract": " ".join(rng.choices(SUBJECTS[subject].split(), k=30)),
            "list_date": day,
            "upvotes": rng.randrange(50),
            "keywords": [subject],
        }
        for day in DAYS
        for number, subject in enumerate(["robots", "proofs"] * 5)
    ]


def readers() -> list[dict[str, Any]]:
    """Ten people who pick a paper a day, always on the same subject."""
    return [
        {
            "user": f"u{number}",
            "items": [{"date": day, "id": f"{day}.{number}"} for day in DAYS],
        }
        for number in range(10)
    ]


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def evaluate(*arguments: str) -> str:
    printed = StringIO()
    call_command("evaluate_ranking", *arguments, stdout=printed)
    return printed.getvalue()


def test_earlier_picks_predict_later_ones(tmp_path: Path) -> None:
    given = write(tmp_path / "papers.jsonl.gz", papers())
    people = write(tmp_path / "readers.jsonl", readers())

    output = evaluate("--papers", str(given), "--readers", str(people), "--json")

    auc = {result["name"]: result["all"]["auc"] for result in json.loads(output)}
    assert auc["text: Broadsheet, the ranking"] > 0.7 > auc["votes only"]
    assert auc["text: linear SVM per reader"] > 0.7


def test_a_table_names_every_ranking_and_compares_ours_with_those_that_know_the_same(
    tmp_path: Path,
) -> None:
    rows = [{**row, "organization": "Lab " + row["title"][:6]} for row in papers()]
    given = write(tmp_path / "papers.jsonl", rows)
    people = write(tmp_path / "readers.jsonl.gz", readers())

    output = evaluate("--papers", str(given), "--readers", str(people))

    for name in ("random", "votes only", "as sent, all picks, 3 topics", "no picks"):
        assert name in output
    for what in ("text", "with organization"):
        assert f"{what}, held out: ours minus linear SVM per reader: " in output


def test_the_command_needs_no_settings(tmp_path: Path) -> None:
    given = write(tmp_path / "papers.jsonl", papers())
    people = write(tmp_path / "readers.jsonl", readers())
    command = [sys.executable, str(MANAGE), "evaluate_ranking"]
    command += ["--papers", str(given), "--readers", str(people)]

    done = subprocess.run(command, env={"PATH": ""}, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "as sent" in done.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{no json}\n", "line 1 is not JSON"),
        ("[1]\n", "line 1 is not a JSON object"),
        ('{"title": "without an id"}\n', "has no id"),
    ],
)
def test_a_file_that_cannot_be_used_is_reported(tmp_path: Path, content: str, message: str) -> None:
    bad = tmp_path / "bad.jsonl"
    bad.write_text(content)
    people = write(tmp_path / "readers.jsonl", readers())

    with pytest.raises(CommandError, match=message):
        evaluate("--papers", str(bad), "--readers", str(people))


def test_weights_are_tried_on_development_readers_and_days_only(tmp_path: Path) -> None:
    given = write(tmp_path / "papers.jsonl", papers())
    people = write(tmp_path / "readers.jsonl", readers())
    printed = StringIO()

    call_command("fit_ranking", papers=[given], readers=people, stdout=printed)

    number = sum(crc32(f"u{reader}".encode()) % 2 == 0 for reader in range(10)) * 4
    assert f"{number} cases for development." in printed.getvalue()
    for heading in ("said votes", "all picks", "taste from"):
        assert heading in printed.getvalue()
