"""What a paper's keywords say of its topics, and what is learnt from them."""

from typing import Any

import numpy as np
import pytest

from digest.ranking.measuring.agreeing import macro_f1
from digest.ranking.measuring.learning import learn
from digest.ranking.measuring.subjects import by_keywords, middle
from digest.ranking.tfidf import TopicTerms, topic_fits


@pytest.mark.parametrize(
    ("keyword", "topics"),
    [
        ("code agents", {"code", "agents"}),
        ("sparse encoder", {"other"}),
        ("decoder", {"other"}),
        ("scientific research", {"other"}),
        ("monte carlo tree search", {"other"}),
        ("deep search", {"deep-research"}),
        ("Deep Research Agents", {"deep-research", "agents"}),
        ("web search", {"deep-research", "retrieval"}),
        ("dense retrievers", {"retrieval"}),
        ("large language models", {"other"}),
        ("attack detection", {"other"}),
        ("text-to-speech", {"speech-audio"}),
        ("multi-agent systems", {"agents"}),
        ("reagents", {"other"}),
        ("codes", {"code"}),
        ("3d gaussian splatting", {"computer-vision"}),
    ],
)
def test_marks_are_whole_words(keyword: str, topics: set[str]) -> None:
    assert by_keywords({"keywords": [keyword]}) == topics


def test_a_mark_does_not_reach_into_the_next_keyword() -> None:
    assert by_keywords({"keywords": ["deep", "search"]}) == {"other"}


def test_the_later_half_is_that_of_the_days_with_keywords() -> None:
    with_keywords = [{"list_date": f"2026-01-{day:02}", "keywords": ["a"]} for day in (5, 6, 7, 8)]
    without = [{"list_date": f"2026-01-{day:02}"} for day in (1, 2, 3)]

    assert middle([*without, *with_keywords]) == "2026-01-07"
    assert middle(without) == ""


def test_macro_f1_counts_topics_alike_and_its_interval_holds_it() -> None:
    theirs = np.array([[True, False]] * 90 + [[False, True]] * 10)
    ours = theirs.copy()
    ours[90:95] = False

    macro, (low, high) = macro_f1(ours, theirs)

    assert macro == pytest.approx((1 + 2 / 3) / 2)
    assert low < macro < high <= 1
    assert macro_f1(ours, theirs) == (macro, (low, high))


def test_no_papers_have_no_figure() -> None:
    nothing = np.zeros((0, 3), dtype=bool)

    assert macro_f1(nothing, nothing) == (0, (0, 0))


def papers() -> list[dict[str, Any]]:
    """Papers on rovers and on lutes. Neither word is in any topic's list."""
    filler = ("harbour", "kettle", "meadow", "lantern", "orchard")
    return [
        {
            "title": f"{subject} and the {filler[number % 5]}",
            "abstract": f"A {subject} near a {filler[number % 3]} and a {filler[number % 4]}.",
            "keywords": [keyword],
        }
        for number in range(30)
        for subject, keyword in (("rover", "robotics"), ("lute", "music"))
    ]


def test_words_of_papers_with_a_topic_s_keywords_are_learnt() -> None:
    pytest.importorskip("sklearn")
    weights = learn(papers())

    assert set(weights) == {"robotics", "speech-audio"}
    assert weights["robotics"].of["rover"] > 0
    assert set(weights["robotics"].of) <= {"rover", "lut"}
    topics = [TopicTerms(slug, "", "", (), weights=weights[slug]) for slug in weights]
    fits = topic_fits([("A rover on Mars", ""), ("Songs for the lute", "")], topics) > 0
    assert fits.tolist() == [[True, False], [False, True]]


def test_topics_of_a_handful_of_papers_teach_nothing() -> None:
    pytest.importorskip("sklearn")

    assert learn(papers()[:12]) == {}
