"""The evaluation, on a small collection whose readers each stay with one subject."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from digest.ranking.measuring.baselines import baselines
from digest.ranking.measuring.collection import Collection, EvaluationError
from digest.ranking.measuring.evaluation import measure, measure_ours, measures
from digest.ranking.measuring.ours import Broadsheet

SUBJECTS = ("robot gripper touch", "protein folding energy", "poetry rhyme translation")
DAYS = [f"2026-01-{day:02}" for day in range(1, 13)]


def paper(day: str, subject: int, number: int) -> dict[str, Any]:
    rng = np.random.default_rng(int(day[-2:]) * 100 + subject * 10 + number)
    own = rng.permutation(SUBJECTS[subject].split())
    filler = [f"filler{word}" for word in rng.integers(0, 60, 12)]
    return {
        "id": f"{day}-{subject}-{number}",
        "title": " ".join(own),
        "abstract": " ".join([*own, *filler]),
        "list_date": day,
        "upvotes": int(rng.integers(0, 50)),
        "keywords": [SUBJECTS[subject]],
        "categories": ["cs.LG"],
    }


def rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Four papers a day on each subject, and eight readers who pick one paper a day on theirs."""
    papers = [paper(day, s, n) for day in DAYS for s in range(len(SUBJECTS)) for n in range(4)]
    readers = [
        {
            "user": f"reader{number}",
            "items": [{"date": day, "id": f"{day}-{number % 3}-0"} for day in DAYS],
        }
        for number in range(8)
    ]
    return papers, readers


@pytest.fixture
def collection() -> Collection:
    return Collection.of(*rows(), with_authors=False)


def test_measures_of_a_perfect_and_of_a_reversed_order() -> None:
    picked = np.array([False, True] + [False] * 18)
    scores = np.arange(20, dtype=np.float32)

    assert measures(picked, np.where(picked, 1, 0).astype(np.float32)) == (1, 1, 1, 1)
    assert measures(picked, -scores * (1 - 2 * picked)) == (1, 1, 1, 1)
    assert measures(~picked, picked.astype(np.float32))[3] == 0


def test_measures_count_the_place_of_the_pick() -> None:
    picked = np.array([False, False, True, False])

    ndcg, mrr, hit_rate, auc = measures(picked, np.array([4, 3, 2, 1], dtype=np.float32))

    assert [ndcg, mrr, hit_rate, auc] == pytest.approx([0.5, 1 / 3, 1, 1 / 3])


def test_papers_with_equal_scores_count_half() -> None:
    picked = np.array([True, False, False])

    assert measures(picked, np.zeros(3, dtype=np.float32))[3] == 0.5


def test_a_day_is_a_case_only_after_four_earlier_picks(collection: Collection) -> None:
    first = [case for case in collection.cases if case.reader == "reader0"]

    assert [case.day for case in first] == DAYS[4:]
    assert [len(case.before) for case in first] == [4, 5, 6, 7, 8, 9, 10, 11]
    assert all(len(case.pool) == 12 and case.picked.sum() == 1 for case in first)


def test_held_out_cases_were_not_used_for_tuning(collection: Collection) -> None:
    held_out = [case for case in collection.cases if collection.is_held_out(case)]
    others = {case.reader for case in collection.cases} - {case.reader for case in held_out}
    earlier = [case for case in collection.cases if case.day < collection.later]
    tuning = [case for case in earlier if case.reader in others]

    assert tuning
    assert held_out
    assert max(case.day for case in tuning) < min(case.day for case in held_out)


def test_our_ranking_finds_the_subject_and_chance_does_not(collection: Collection) -> None:
    ours = Broadsheet(collection)
    by_picks = measure_ours(ours, "ours", ours.by_picks)
    others = {
        name: measure(collection, name, ranker) for name, ranker in baselines(collection).items()
    }

    assert by_picks.all.auc > 0.8
    assert others["random"].all.auc == pytest.approx(0.5, abs=0.15)
    assert others["linear SVM per reader"].all.auc > 0.8
    assert min(by_picks.microseconds, others["random"].microseconds) > 0


def test_a_digest_as_sent_holds_the_pick(collection: Collection) -> None:
    ours = Broadsheet(collection)

    sent = measure_ours(ours, "as sent", ours.as_sent)

    assert sent.all.hit_rate == 1


def test_followed_words_alone_find_the_subject(collection: Collection) -> None:
    ours = Broadsheet(collection)

    assert measure_ours(ours, "no picks", ours.by_wishes).all.auc > 0.8


@pytest.mark.parametrize(
    ("papers", "readers", "message"),
    [
        ([{"title": "No id"}], [], "A row has no id"),
        (rows()[0], [{"user": "a"}], "Reader a has no list of items"),
        (rows()[0], [{"items": []}], "A row has no user"),
        (rows()[0], [{"user": "a", "items": ["x"]}], "A row has no id"),
        (rows()[0], [], "No reader picked a paper"),
    ],
)
def test_rows_that_cannot_be_used_are_reported(papers: Any, readers: Any, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        Collection.of(papers, readers, with_authors=False)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b'{"id": "1", "title": "x"}\n' * 1000)[:-20], "cannot be read"),
        (b"\xff\xfe\n", "cannot be read"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_file(
    tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "papers").write_bytes(content)
    (tmp_path / "readers").write_text("")

    with pytest.raises(CommandError, match=message):
        call_command("evaluate_ranking", papers=[tmp_path / "papers"], readers=tmp_path / "readers")


def test_the_command_says_when_there_is_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("evaluate_ranking", papers=[tmp_path / "a"], readers=tmp_path / "b")
