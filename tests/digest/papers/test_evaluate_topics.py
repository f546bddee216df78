"""The commands that learn and measure topics, on files small enough to know the answer."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

ROBOTS = {
    "title": "Imitation learning for robot grasping",
    "abstract": "A robot policy for dexterous grasping with a gripper, and its locomotion.",
    "keywords": ["robotic manipulation"],
    "categories": ["cs.RO"],
}
SPEECH = {
    "title": "Speech recognition for songs",
    "abstract": "Speech and audio: singing, voice cloning, text-to-speech and music generation.",
    "keywords": ["singing voice", "robot voices"],
    "categories": ["cs.SD"],
}


SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "hf_daily_papers.jsonl.gz"


def write(tmp_path: Path, papers: list[dict[str, Any]]) -> Path:
    file = tmp_path / "papers.jsonl"
    file.write_text("".join(json.dumps(paper) + "\n" for paper in papers))
    return file


def told_of_all(file: Path) -> dict[str, Any]:
    printed = StringIO()
    call_command("evaluate_topics", "--papers", str(file), "--json", stdout=printed)
    return dict(json.loads(printed.getvalue()))


def evaluate(tmp_path: Path, papers: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    topics = told_of_all(write(tmp_path, papers))["topics"]
    return {(one["topic"], one["by"]): one for one in topics}


def test_precision_and_recall_of_a_topic_by_keywords_and_categories(tmp_path: Path) -> None:
    told = evaluate(tmp_path, [paper | {"list_date": "2026-01-02"} for paper in (ROBOTS, SPEECH)])

    by_keywords = told["Robotics and embodied AI", "keywords"]
    by_categories = told["Robotics and embodied AI", "categories"]
    assert (by_keywords["matched"], by_keywords["expected"]) == (1, 2)
    assert (by_keywords["precision"], by_keywords["recall"]) == (1, 0.5)
    assert (by_categories["precision"], by_categories["recall"]) == (1, 1)


def test_only_the_later_days_count(tmp_path: Path) -> None:
    papers = [ROBOTS | {"list_date": "2026-01-02"}, SPEECH | {"list_date": "2026-01-03"}]

    told = evaluate(tmp_path, papers)

    assert ("Robotics and embodied AI", "categories") not in told
    assert told["Speech, audio and music", "categories"]["recall"] == 1


def test_papers_of_no_topic_are_told_apart(tmp_path: Path) -> None:
    soup = {"title": "Soup", "abstract": "Onions and broth.", "keywords": ["broth"]}

    told = told_of_all(
        write(tmp_path, [paper | {"list_date": "2026-01-02"} for paper in (ROBOTS, soup)])
    )

    [rest] = [one for one in told["topics"] if one["topic"] == "Other subjects"]
    assert (rest["matched"], rest["expected"], rest["f1"]) == (1, 1, 1)
    assert told["unmatched"] == 0.5
    assert told["macro_f1"] == 1


def test_a_table_is_printed_with_the_figure_of_all_topics(tmp_path: Path) -> None:
    printed = StringIO()
    file = write(tmp_path, [ROBOTS | {"list_date": "2026-01-02"}])

    call_command("evaluate_topics", "--papers", str(file), stdout=printed)

    assert "Robotics and embodied AI" in printed.getvalue()
    assert "Macro-F1 by keywords: 1.000 [1.000, 1.000]" in printed.getvalue()


def test_weights_are_learnt_from_the_earlier_half_alone(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    earlier = [
        {"title": f"The {subject}", "abstract": "", "keywords": [word], "list_date": "2026-01-02"}
        for subject, word in (("rover", "robotics"), ("lute", "music"))
        for _ in range(12)
    ]
    later = [
        {"title": "The stove", "abstract": "", "keywords": ["code"], "list_date": "2026-01-03"}
        for _ in range(12)
    ]
    to = tmp_path / "weights.json"

    file = write(tmp_path, [*earlier, *later])
    call_command("fit_topics", "--papers", str(file), "--to", str(to))

    learnt = json.loads(to.read_text())
    assert set(learnt) == {"robotics", "speech-audio"}
    assert learnt["robotics"]["of"]["rover"] > 0


def test_nothing_to_learn_from_is_an_error_and_keeps_the_file(tmp_path: Path) -> None:
    to = tmp_path / "weights.json"
    file = write(tmp_path, [{"title": "Soup", "list_date": "2026-01-02"}])

    with pytest.raises(CommandError, match="No paper"):
        call_command("fit_topics", "--papers", str(file), "--to", str(to))

    assert not to.exists()


@pytest.mark.skipif(not SHARED.exists(), reason="the Daily Papers are not next to the checkout")
def test_the_starter_topics_reach_their_mark_on_the_daily_papers() -> None:
    told = told_of_all(SHARED)

    assert told["macro_f1"] >= 0.7
    assert told["interval"][0] >= 0.7
