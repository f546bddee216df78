"""The evaluation, on a small collection whose readers each stay with one subject."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from digest.choosing.rehearsal import Known, Rehearsal
from digest.management.commands.evaluate_ranking import EXPLORING, measure_sent, results_on
from digest.ranking.measuring.baselines import baselines, simple
from digest.ranking.measuring.collection import Collection, EvaluationError
from digest.ranking.measuring.evaluation import (
    difference,
    interval,
    measure,
    measurement,
    ranked,
    sent,
)

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


def test_outcomes_of_a_perfect_and_of_a_reversed_order() -> None:
    picked = np.array([False, True] + [False] * 18)
    scores = np.arange(20, dtype=np.float32)

    assert ranked(picked, np.where(picked, 1, 0).astype(np.float32)) == (1, 1, 1, 10)
    assert ranked(picked, -scores * (1 - 2 * picked)) == (1, 1, 1, 10)
    assert ranked(~picked, picked.astype(np.float32)).auc == 0


def test_an_outcome_counts_the_place_of_the_pick() -> None:
    picked = np.array([False, False, True, False])

    outcome = ranked(picked, np.array([4, 3, 2, 1], dtype=np.float32))

    assert outcome == pytest.approx((0.5, 1, 1 / 3, 4))


def test_the_outcome_of_a_digest_counts_the_shown_papers_only() -> None:
    picked = np.array([True, False, True, False])

    assert sent(picked, [])[:2] == (0, 0)
    assert sent(picked, [1, 2]).recall == 0.5
    assert sent(picked, [2, 0])[:2] == (1, 1)


def test_papers_with_equal_scores_count_half() -> None:
    picked = np.array([True, False, False])

    assert ranked(picked, np.zeros(3, dtype=np.float32)).auc == 0.5


def test_the_interval_is_one_of_readers_and_not_of_days() -> None:
    """A reader with many equal days tells no more than with one."""
    few = interval(list("abcd"), np.array([0.0, 1, 0, 1]))
    many = interval(list("abcd") * 50, np.array([0.0, 1, 0, 1] * 50))

    assert many == few
    assert few[0] < 0.5 < few[1]
    assert interval(["a", "b"], np.array([0.5, 0.5])) == (0.5, 0.5)


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


def test_nothing_of_the_future_is_known(collection: Collection) -> None:
    for case in collection.cases:
        before = collection.before(case.day, 1000)
        assert all(collection.rows[paper]["list_date"] < case.day for paper in before)
        assert all(collection.rows[paper]["list_date"] < case.day for paper in case.before)
        assert (case.ages > 0).all()
    assert len(collection.before("2026-01-30", 1000)) == len(collection.rows)
    assert len(collection.before("2026-01-30", 7)) == 7


def test_papers_of_incomplete_lists_are_known_and_not_ranked() -> None:
    papers, readers = rows()
    lists = [row for row in papers if row["list_date"] >= DAYS[6]]
    history = [row for row in papers if row["list_date"] < DAYS[6]]

    collection = Collection.of(lists, readers, with_authors=False, history=history)

    assert {case.day for case in collection.cases} == set(DAYS[6:])
    assert len(collection.rows) == len(papers)
    assert min(len(case.before) for case in collection.cases) == 6


def test_our_ranking_finds_the_subject_and_chance_does_not(collection: Collection) -> None:
    ours = {result.name: result for result in results_on(collection)}
    others = {
        name: measure(collection, name, ranker)
        for name, ranker in {
            **simple(collection),
            **baselines(collection, with_labels=False).rankers,
        }.items()
    }

    assert ours["text: Broadsheet, the ranking"].all.auc > 0.8
    assert others["random"].all.auc == pytest.approx(0.5, abs=0.15)
    assert others["linear SVM per reader"].all.auc > 0.8
    assert min(others["random"].microseconds, ours[EXPLORING].microseconds) > 0


def test_a_digest_as_sent_holds_the_pick(collection: Collection) -> None:
    result = measure_sent(Rehearsal(collection), "as sent", Known())

    assert result.all.recall == 1
    assert result.all.length == 10
    assert result.all.without == 0


def test_followed_words_alone_find_the_subject(collection: Collection) -> None:
    of_nothing = measure_sent(Rehearsal(collection), "nothing", Known(picks=0))
    of_words = measure_sent(Rehearsal(collection), "words", Known(keywords=3, picks=0))

    assert of_words.all.ndcg > of_nothing.all.ndcg + 0.2


def test_a_ranking_is_compared_case_by_case(collection: Collection) -> None:
    good, bad = sent(np.array([True]), [0]), sent(np.array([True]), [])
    first = measurement(collection, "first", [good] * len(collection.cases), 0)
    second = measurement(collection, "second", [bad] * len(collection.cases), 0)

    assert difference(collection, first, second, held_out=False) == (1, 1, 1)
    assert difference(collection, second, first, held_out=True) == (-1, -1, -1)


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
