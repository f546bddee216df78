"""The sample papers that ship with Broadsheet, and the starter topics they are about."""

import json
import re
from datetime import date
from importlib import import_module
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from digest.ranking.tfidf import TopicTerms, topic_fits

# The module's name begins with a number, so that no import statement can name it.
STARTER_TOPICS = import_module("subscribers.migrations.0002_add_starter_topics").STARTER_TOPICS
SLUGS = [topic.slug for topic in STARTER_TOPICS]


@pytest.fixture(scope="module")
def papers() -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(
        files("digest.sources").joinpath("sample.json").read_text(encoding="utf-8")
    )
    return loaded


def terms_of(topic: Any) -> tuple[str, ...]:
    return tuple(" ".join(term.split()) for term in topic.seed_terms.split(","))


def test_there_are_58_papers_with_keys_of_their_own(papers: list[dict[str, Any]]) -> None:
    keys = {paper["key"] for paper in papers}

    assert len(papers) == len(keys) == 58
    assert [key for key in keys if not re.fullmatch(r"[a-z0-9-]{1,60}", key)] == []


def test_every_paper_has_the_same_fields(papers: list[dict[str, Any]]) -> None:
    fields = ["key", "title", "published", "num_authors", "comments", "topics", "summary"]

    assert [list(paper) for paper in papers] == [fields] * 58


def test_titles_are_one_clean_line(papers: list[dict[str, Any]]) -> None:
    titles = [paper["title"] for paper in papers]

    assert titles == [" ".join(title.split()) for title in titles]
    assert len(set(titles)) == 58


def test_dates_and_figures_are_possible(papers: list[dict[str, Any]]) -> None:
    for paper in papers:
        assert date(2020, 1, 1) <= date.fromisoformat(paper["published"]) <= date(2025, 11, 6)
        assert 1 <= paper["num_authors"] <= 31
        assert paper["comments"] is None or 1 <= paper["comments"] <= 3


def test_summaries_are_one_or_two_sentences_of_25_to_60_words(
    papers: list[dict[str, Any]],
) -> None:
    for paper in papers:
        assert 25 <= len(paper["summary"].split()) <= 60
        assert 1 <= len(re.findall(r"[.?!](?:\s|$)", paper["summary"])) <= 2


def test_every_paper_is_on_one_to_three_starter_topics(papers: list[dict[str, Any]]) -> None:
    for paper in papers:
        assert 1 <= len(paper["topics"]) <= 3
        assert sorted(set(paper["topics"]) - set(SLUGS)) == []


def test_starter_topics_fit_their_table_and_the_form() -> None:
    assert len(set(SLUGS)) == len(STARTER_TOPICS)
    for topic in STARTER_TOPICS:
        assert re.fullmatch(r"[a-z0-9-]{1,40}", topic.slug)
        assert len(topic.name) <= 32
        assert len(topic.description) <= 160


def test_starter_terms_are_15_to_30_and_in_lower_case() -> None:
    for topic in STARTER_TOPICS:
        terms = terms_of(topic)
        assert 15 <= len(set(terms)) == len(terms) <= 30
        assert [term for term in terms if not term or term != term.lower()] == []


def test_the_matcher_agrees_with_the_topics_chosen_by_hand(papers: list[dict[str, Any]]) -> None:
    topics = [
        TopicTerms(topic.slug, topic.name, topic.description, terms_of(topic))
        for topic in STARTER_TOPICS
    ]
    by_hand = np.array([[slug in paper["topics"] for slug in SLUGS] for paper in papers])

    matched = topic_fits([(paper["title"], paper["summary"]) for paper in papers], topics) > 0

    right = (matched & by_hand).sum()
    assert right / matched.sum() >= 0.8
    assert right / by_hand.sum() >= 0.65
