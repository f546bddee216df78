"""Texts cut where a reader would cut them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.papers.excerpts import excerpt
from digest.sources.text import shorten


@pytest.mark.parametrize(
    ("text", "length", "kept"),
    [
        ("Short.", 10, "Short."),
        ("We count to nine here. Then we go on.", 30, "We count to nine here."),
        ("One. Two and then, three more words", 20, "One. Two and then…"),
        ("One two. Three four! Five six? Seven.", 36, "One two. Three four! Five six?"),
        (
            "As Smith et al. (2020) say, e.g. A. B. Cole. No more.",
            47,
            "As Smith et al. (2020) say, e.g. A. B. Cole.",
        ),
        (
            "It gains 2.5 points vs. Fig. 3 of it. And so on and on.",
            45,
            "It gains 2.5 points vs. Fig. 3 of it.",
        ),
        ("我们提出了新的方法。它很有效。代码已公开。", 18, "我们提出了新的方法。它很有效。"),
        ("Lang ohne Ende und ohne Punkt", 20, "Lang ohne Ende und…"),
    ],
)
def test_a_text_ends_with_a_sentence_or_with_a_word(text: str, length: int, kept: str) -> None:
    assert excerpt(text, length) == kept


@pytest.mark.parametrize(
    "character",
    [
        "e\N{COMBINING ACUTE ACCENT}",
        "\N{REGIONAL INDICATOR SYMBOL LETTER D}\N{REGIONAL INDICATOR SYMBOL LETTER E}",
        "👩\N{ZERO WIDTH JOINER}👩\N{ZERO WIDTH JOINER}👧",
        "👍\N{EMOJI MODIFIER FITZPATRICK TYPE-4}",
        "\u1100\u1161\u11a8",
        "❤\N{VARIATION SELECTOR-16}",
    ],
)
@pytest.mark.parametrize("length", range(8, 16))
def test_visible_characters_are_never_split(character: str, length: int) -> None:
    kept = shorten(character * 30, length)

    assert kept == character * ((len(kept) - 1) // len(character)) + "…"
    assert len(kept) <= length


@given(st.text(max_size=80), st.integers(2, 60))
def test_a_cut_text_is_never_longer_and_is_the_start_of_the_text(text: str, length: int) -> None:
    for kept in (shorten(text, length), excerpt(text, length)):
        assert len(kept) <= length
        assert text.startswith(kept.removesuffix("…"))


def test_a_flood_of_marks_ends() -> None:
    flood = "a" + "\N{COMBINING GRAVE ACCENT}" * 5000

    kept = shorten(flood, 60)

    assert kept == "…"
    assert not any(unicodedata.combining(char) for char in kept)
