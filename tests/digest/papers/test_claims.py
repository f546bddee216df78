"""The sentence of an abstract that says what was done."""

import pytest

from digest.papers.excerpts import telling_excerpt

BEFORE = (
    "Looms have emerged as a powerful paradigm. However, existing looms often tear their threads."
)
AFTER = "Code is available at https://loom.example."


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("We propose a loom that tears none.", ""),
        ("To this end, we introduce WeaveBird, a loom.", "We introduce WeaveBird, a loom."),
        (
            "To address these limitations, this paper presents a loom.",
            "This paper presents a loom.",
        ),
        ("In this work, we closely study why looms tear.", "We closely study why looms tear."),
        ("This survey reviews three hundred looms.", ""),
        ("Here we show that wool tears last.", ""),
        ("The authors find that wool tears last.", ""),
        ("A loom with two threads is proposed.", ""),
        ("WeaveBird is a new framework for looms without end.", ""),
        ("The tearing of wool was measured in forty looms.", ""),
        ("Experiments on forty looms show that wool tears last.", ""),
        ("We fold threads before they can tear.", ""),
    ],
)
def test_what_was_done_is_found_between_background_and_code(said: str, shown: str) -> None:
    shown = shown or said

    excerpt = telling_excerpt(f"{BEFORE} {said} {AFTER}", 360)

    assert excerpt.startswith(shown)
    assert "emerged" not in excerpt


@pytest.mark.parametrize(
    "other",
    [
        "Recent work has proposed many looms.",
        "We know that looms tear.",
        "We release the code at https://loom.example.",
        "Many methods are designed for wool.",
        "We also introduce a small shuttle.",
    ],
)
def test_what_others_did_and_what_comes_second_is_not_it(other: str) -> None:
    own = "We present a loom that tears none."

    assert telling_excerpt(f"{BEFORE} {other} {own}", 360).startswith(own)


def test_a_long_sentence_begins_where_it_comes_to_the_point() -> None:
    long = f"While {'threads that tear and ' * 12}others last, we propose a loom {'of oak ' * 12}."

    assert telling_excerpt(f"{BEFORE} {long}", 200).startswith("…we propose a loom of oak")


@pytest.mark.parametrize(
    "text", ["Webstühle reißen. Wir bauen einen, der hält.", "织机会断线。", ""]
)
def test_where_nothing_is_found_it_is_the_beginning(text: str) -> None:
    assert telling_excerpt(text, 360) == text


@pytest.mark.parametrize("flood", ["we ", "this ", "result ", "We address ", "to these ", "a. "])
def test_a_flood_of_such_words_ends(flood: str) -> None:
    assert len(telling_excerpt((flood * 5000)[:5000], 360)) <= 360
