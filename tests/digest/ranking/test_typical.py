"""What is typical of topics and words, found among earlier papers."""

import numpy as np
import pytest

from digest.ranking.features import Features, features_of
from digest.ranking.space import Index, Space
from digest.ranking.typical import Library, Typical

ROBOTS = [
    features_of("", f"Robots grasp cups by touch with soft fingers and a wrist, study{n} robots")
    for n in range(12)
]
PROTEINS = [
    features_of("", f"Proteins fold in water into helices of least energy, study{n} proteins")
    for n in range(12)
]
EARLIER = [*ROBOTS, *PROTEINS]
# The second speaks of grasping without the word "robots".
TODAY = [
    features_of("", "Robots in law, tax and trade"),
    features_of("", "Soft fingers grasp cups by touch"),
    features_of("", "Proteins fold in water"),
]


def library(fits: np.ndarray | None = None, ids: range = range(100, 124)) -> Library:
    if fits is None:
        fits = np.array([[0.9, 0]] * 12 + [[0, 0.9]] * 12, dtype=np.float32)
    return Library(Space(EARLIER), ids, EARLIER, fits)


def typical(of: Library, papers: list[Features], places: dict[int, int] | None = None) -> Typical:
    vectors = Space(EARLIER).vectors(papers)
    return of.compared(Index(vectors), vectors, places or {})


def test_a_paper_is_close_to_a_topic_that_is_typical_of_it_whatever_its_fit() -> None:
    close = typical(library(), TODAY).of_topics(np.zeros((3, 2), dtype=np.float32))

    assert close[:, 0].argsort().tolist() == [2, 0, 1]
    assert close[:, 1].argmax() == 2
    assert np.allclose(close.mean(axis=0), 0, atol=0.2)


def test_fits_stand_in_for_a_topic_with_few_papers() -> None:
    fits = np.array([[0.9, 0.9 * (n < 9)] for n in range(24)], dtype=np.float32)
    own = np.array([[0, 0.4], [0, 0.8], [0, 0]], dtype=np.float32)

    close = typical(library(fits), TODAY).of_topics(own)

    assert close[:, 1].tolist() == pytest.approx([0.6, 1.2, 0])


def test_unclear_fits_do_not_show_what_is_typical() -> None:
    fits = np.full((24, 1), 0.4, dtype=np.float32)

    close = typical(library(fits), TODAY).of_topics(np.zeros((3, 1), dtype=np.float32))

    assert not close.any()


def test_a_paper_can_be_close_to_a_word_that_it_does_not_hold() -> None:
    (close,) = typical(library(), TODAY).of_words(["robots"])

    assert close[1] > 0 > close[2]


def test_a_word_that_no_paper_has_is_close_to_nothing() -> None:
    assert not typical(library(), TODAY).of_words(["zebras"]).any()


def test_a_candidate_does_not_show_what_is_typical_for_itself() -> None:
    texts = "Zebras graze in herds near lakes", "Zebras in water have proteins that fold"
    zebras = [features_of("", text) for text in texts]
    earlier = [*ROBOTS, *zebras, *PROTEINS]
    fits = np.array([[0.9]] * 13 + [[0]] * 13, dtype=np.float32)
    space = Space(earlier)
    of = Library(space, range(26), earlier, fits)
    vectors = space.vectors([zebras[0], zebras[1], ROBOTS[0]])
    none = np.zeros((3, 1), dtype=np.float32)

    alone = of.compared(Index(vectors), vectors, {}).of_topics(none)[:, 0]
    known = of.compared(Index(vectors), vectors, {12: 0}).of_topics(none)[:, 0]

    assert known[0] < alone[0]


def test_without_earlier_papers_fits_stand_in_and_words_say_nothing() -> None:
    space, fits = Space([]), np.array([[0.5], [0], [1]], dtype=np.float32)
    vectors = space.vectors(TODAY)
    of = Library(space, [], [], np.zeros((0, 1), dtype=np.float32))

    found = of.compared(Index(vectors), vectors, {})

    assert found.of_topics(fits)[:, 0].tolist() == pytest.approx([0.75, 0, 1.5])
    assert found.of_words(["robots"]).tolist() == [[0, 0, 0]]
    assert found.of_words([]).shape == (0, 3)
