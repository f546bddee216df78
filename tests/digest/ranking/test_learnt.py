"""What was learnt about topics, beside the words that an operator gives them."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from digest.ranking import learnt
from digest.ranking.learnt import weights_of
from digest.ranking.tfidf import TopicTerms, Weights, topic_fits

PAINTS = ("Brushes", "A brush paints barns, and the brush paints fences.")
GRASPS = ("Robot grasping", "A robot grasps cups with a gripper. The robot learns grasping.")
COOKS = ("Soup", "Onions and broth simmer in a pot for an hour.")

LEARNT = Weights(bias=-0.5, of={"brush": 2.0, "cup": -4.0})


def topic(**fields: object) -> TopicTerms:
    usual = {"key": "one", "name": "One", "description": "", "seed_terms": ("robot", "gripper")}
    return TopicTerms(**{**usual, **fields})  # type: ignore[arg-type]


def test_what_was_learnt_matches_papers_without_the_topic_s_words() -> None:
    by_words, by_both = topic(), topic(weights=LEARNT)

    fits = topic_fits([PAINTS, COOKS], [by_words, by_both])

    assert fits[:, 0].tolist() == [0, 0]
    assert fits[0, 1] >= 0.3
    assert fits[1, 1] == 0


def test_words_that_fit_well_match_whatever_was_learnt() -> None:
    against = Weights(bias=-1.0, of={"robot": -9.0})

    fits = topic_fits([GRASPS], [topic(), topic(weights=against)])

    assert fits[0, 0] == fits[0, 1] >= 0.4


def test_words_in_passing_do_not_match_where_weights_were_learnt() -> None:
    long_text = " ".join(f"noodle{number} broth{number}" for number in range(14))
    passing = ("On soup", f"{long_text} robot gripper")
    nothing = Weights(bias=-1.0, of={})

    fits = topic_fits([passing], [topic(), topic(weights=nothing)])

    assert 0 < fits[0, 0] < 0.4
    assert fits[0, 1] == 0


def test_what_was_learnt_does_not_depend_on_the_background() -> None:
    learnt_only = [topic(seed_terms=("violin",), weights=LEARNT)]

    among_cooks = topic_fits([PAINTS], learnt_only, background=[COOKS] * 50)
    among_painters = topic_fits([PAINTS], learnt_only, background=[PAINTS] * 50)

    assert among_cooks.tolist() == among_painters.tolist() != [[0]]


def test_papers_that_fit_no_topic_are_the_rest_s_and_no_others_are() -> None:
    # Its own words would match the robot.
    rest = topic(key="rest", is_rest=True)

    fits = topic_fits([GRASPS, COOKS], [topic(), rest])

    assert (fits[0] > 0).tolist() == [True, False]
    assert (fits[1] > 0).tolist() == [False, True]
    assert fits[1, 1] <= 0.3


@pytest.mark.parametrize("papers", [[], [GRASPS]])
def test_the_rest_may_be_the_only_topic(papers: list[tuple[str, str]]) -> None:
    fits = topic_fits(papers, [topic(is_rest=True)])

    assert (fits > 0).tolist() == [[True]] * len(papers)


def test_all_starter_topics_but_the_rest_have_weights_of_words_and_pairs_of_words() -> None:
    starters = import_module("subscribers.migrations.0012_learn_starter_topics").starter_topics()

    found = {one.slug: weights_of(one.slug) for one in starters}

    assert [slug for slug, weights in found.items() if weights is None] == ["other"]
    for weights in found.values():
        for token in weights.of if weights else ():
            assert re.fullmatch(r"[^\W_]+(_[^\W_]+)?", token)


def test_topics_without_weights_have_none() -> None:
    assert weights_of("moss-and-lichen") is None


def test_the_file_holds_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "weights.json"
    file.write_text(learnt.as_json({"one": LEARNT, "two": Weights(0.25, {})}))
    monkeypatch.setattr(learnt, "FILE", file)

    assert learnt._learnt.__wrapped__() == {"one": LEARNT, "two": Weights(0.25, {})}
