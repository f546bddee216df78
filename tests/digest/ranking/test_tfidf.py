import math

import numpy as np
import pytest

from digest.ranking.tfidf import TopicTerms, Vectorizer, tokens, topic_fits

ROBOTICS = TopicTerms(
    key="robotics",
    name="Robotics",
    description="Machines that move.",
    seed_terms=("robot", "grasping", "robot policy", "imitation learning"),
)
RETRIEVAL = TopicTerms(
    key="retrieval",
    name="Search",
    description="Finding the right text.",
    seed_terms=("retrieval", "retriever", "dense retrieval", "passage"),
)
GRASPS = (
    "A robot policy for grasping",
    "Imitation learning lets the robot grasp cups that it has never seen.",
)
SEARCHES = (
    "Dense retrieval of passages",
    "The retriever ranks every passage, and retrieval gets faster.",
)
COOKS = ("On soup", "Onions are cut, fried in butter, and boiled with broth for an hour.")


def test_tokens_are_stemmed_words_and_pairs_of_neighbours() -> None:
    assert tokens("Robots grasping cups") == ["robot", "grasp", "robot_grasp", "cup", "grasp_cup"]


def test_tokens_take_hyphenated_words_apart() -> None:
    assert tokens("few-shot") == ["few", "shot", "few_shot"]
    assert tokens("Text-to-image") == ["text", "imag", "text_imag"]


def test_tokens_pair_no_words_across_a_stop_word_or_a_comma() -> None:
    assert tokens("search the web, images") == ["search", "web", "imag"]


@pytest.mark.parametrize(
    "text",
    [
        r"\textbf{Sparse} $attention$",
        "**S**parse {attention}",
        "<i>sparse</i>&nbsp;attention https://example.org/a?b=c",
        "sparse 2024 attention",
    ],
)
def test_tokens_have_no_markup_numbers_or_addresses(text: str) -> None:
    words = [token for token in tokens(text) if "_" not in token]

    assert words == tokens("sparse, attention")


def test_a_rarer_word_weighs_more() -> None:
    vectorizer = Vectorizer.fit(["cat dog", "cat bird", "cat fish"])

    weights = vectorizer.vector("cat. dog. unicorn")

    assert sorted(weights, key=weights.__getitem__) == ["cat", "dog", "unicorn"]


def test_a_vector_has_length_one() -> None:
    weights = Vectorizer.fit([COOKS[1], GRASPS[1]]).vector(SEARCHES[1])

    assert math.hypot(*weights.values()) == pytest.approx(1)


def test_a_text_of_stop_words_is_an_empty_vector() -> None:
    assert Vectorizer.fit([]).vector("of the 12, and we") == {}


def test_each_paper_fits_its_own_topic_and_no_other() -> None:
    fits = topic_fits([GRASPS, SEARCHES, COOKS], [ROBOTICS, RETRIEVAL])

    assert (fits > 0).tolist() == [[True, False], [False, True], [False, False]]
    assert fits.dtype == np.float32


def test_a_single_paper_finds_its_topic() -> None:
    fits = topic_fits([GRASPS], [ROBOTICS, RETRIEVAL])

    assert (fits > 0).tolist() == [[True, False]]


def test_a_topic_word_that_all_papers_use_counts_less() -> None:
    paper = ("Onions in butter", "Soup for a robot with two arms, boiled for an hour.")

    among_cooks = topic_fits([paper], [ROBOTICS], background=[COOKS] * 50)
    among_robots = topic_fits([paper], [ROBOTICS], background=[GRASPS] * 50)

    assert (among_cooks > 0).tolist() == [[True]]
    assert (among_robots > 0).tolist() == [[False]]


def test_a_fit_is_never_above_one() -> None:
    fits = topic_fits([("Robot robots", "Robot grasping. Grasping robot.")], [ROBOTICS])

    assert fits.tolist() == [[1.0]]


def test_a_term_mentioned_in_passing_does_not_match() -> None:
    long_text = " ".join(f"{word} {word}ness" for word in COOKS[1].split())
    about = topic_fits([("On soup", f"{long_text} robot grasping robot policy")], [ROBOTICS])
    in_passing = topic_fits([("On soup", f"{long_text} robot")], [ROBOTICS])

    assert about[0, 0] > 0
    assert in_passing[0, 0] == 0


def test_a_term_of_two_words_needs_both() -> None:
    tools = TopicTerms("tools", "", "", ("tool use",))

    fits = topic_fits([("Tool use", ""), ("Tools, of use", "")], [tools])

    assert (fits > 0).tolist() == [[True], [False]]


def test_a_topic_without_terms_is_matched_by_its_name_and_description() -> None:
    topic = TopicTerms("soup", "Soup", "Onions and broth.", ())

    fits = topic_fits([COOKS, GRASPS], [topic])

    assert (fits > 0).tolist() == [[True], [False]]


@pytest.mark.parametrize(
    ("papers", "topics"), [([], [ROBOTICS]), ([GRASPS], []), ([("", "")], [ROBOTICS])]
)
def test_nothing_to_match_gives_zeros(
    papers: list[tuple[str, str]], topics: list[TopicTerms]
) -> None:
    fits = topic_fits(papers, topics)

    assert fits.shape == (len(papers), len(topics))
    assert not fits.any()
