import numpy as np
import pytest

from digest.ranking.features import Features, features_of

PAPER = features_of(
    "Sparse attention", "Attention that is sparse.", categories=["cs.CL"], authors=["Ada Núñez"]
)


def shared(one: Features, other: Features) -> int:
    return len(np.intersect1d(one.numbers, other.numbers))


def test_the_same_paper_has_the_same_features() -> None:
    again = features_of(
        "Sparse attention", "Attention that is sparse.", categories=["cs.CL"], authors=["Ada Núñez"]
    )

    assert again.to_bytes() == PAPER.to_bytes()


def test_features_survive_storage() -> None:
    stored = Features.from_bytes(PAPER.to_bytes())

    assert stored.numbers.tolist() == PAPER.numbers.tolist()
    assert stored.counts.tolist() == PAPER.counts.tolist()


def test_bytes_that_are_not_features_are_refused() -> None:
    with pytest.raises(ValueError, match="not features"):
        Features.from_bytes(b"12345")


def test_an_abstract_is_stored_in_two_kilobytes() -> None:
    words = " ".join(f"word{number}" for number in range(170))

    assert len(features_of("A title of six plain words", words).to_bytes()) < 2200


def test_a_word_counts_more_if_it_is_repeated_or_in_the_title() -> None:
    once = features_of("", "graph")
    twice = features_of("", "graph. Graph")
    named = features_of("graph", "")

    assert once.counts.max() == 1
    assert twice.counts.max() == named.counts.max() == pytest.approx(1 + np.log(2), abs=1e-3)


def test_pairs_of_words_are_features_of_their_own() -> None:
    assert shared(features_of("", "sparse attention"), features_of("", "sparse attention")) == 3
    assert shared(features_of("", "sparse attention"), features_of("", "attention sparse")) == 2


def test_names_are_compared_without_case_and_accents() -> None:
    assert shared(PAPER, features_of("", "", authors=["ADA  NUNEZ"])) == 1
    assert shared(PAPER, features_of("", "", authors=["Ada Lovelace"])) == 0


def test_a_word_an_author_and_a_category_with_the_same_name_are_three_features() -> None:
    word = features_of("", "turing")

    assert shared(word, features_of("", "", authors=["Turing"])) == 0
    assert shared(word, features_of("", "", categories=["Turing"])) == 0


def test_a_paper_without_words_has_no_features() -> None:
    assert len(features_of("", "of the").numbers) == 0
