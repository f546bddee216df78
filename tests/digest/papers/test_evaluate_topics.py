"""The command that measures the matching of topics, on files small enough to know the answer."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import call_command

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


def evaluate(tmp_path: Path, papers: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    file = tmp_path / "papers.jsonl"
    file.write_text("".join(json.dumps(paper) + "\n" for paper in papers))
    printed = StringIO()
    call_command("evaluate_topics", "--papers", str(file), "--json", stdout=printed)
    return {(one["topic"], one["by"]): one for one in json.loads(printed.getvalue())}


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
