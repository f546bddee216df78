import numpy as np
import pytest
from numpy.typing import NDArray

from digest.ranking.features import Features, features_of
from digest.ranking.space import SHARES, Index, Space

ROBOT = features_of("Robots that grasp", "A robot hand learns grasping of cups from touch.")
GRASPS = features_of("Grasping by touch", "The robot hand feels cups and learns to hold them.")
PROTEIN = features_of("Folding proteins", "Proteins fold, and their energy is predicted by graphs.")
FOLDS = features_of("Energy of proteins", "Graphs predict how proteins fold in water.")
PAPERS = [ROBOT, GRASPS, PROTEIN, FOLDS]


def likeness(papers: list[Features], others: list[Features], space: Space) -> NDArray[np.float32]:
    return Index(space.vectors(papers)).likeness(space.vectors(others))


def many(number: int) -> list[Features]:
    """Papers of which each is on one of twenty subjects, in words drawn by lot."""
    lot = np.random.default_rng(5)
    texts = []
    for subject in range(number):
        own = [f"s{subject % 20}w{word}" for word in lot.integers(0, 30, 25)]
        common = [f"common{word}" for word in lot.integers(0, 200, 40)]
        texts.append(" ".join([*own, *common]))
    return [features_of("", text) for text in texts]


def test_papers_on_the_same_subject_are_more_alike() -> None:
    alike = likeness(PAPERS, [GRASPS, FOLDS], Space(PAPERS))

    assert alike.argsort(axis=1)[:, ::-1][:, :2].tolist() == [[1, 0], [3, 2]]


def test_a_paper_is_as_like_itself_as_its_parts_have_shares() -> None:
    alike = likeness(PAPERS, PAPERS, Space(PAPERS))

    assert np.diag(alike).tolist() == pytest.approx([SHARES["words"]] * 4, abs=1e-3)
    assert np.allclose(alike, alike.T, atol=1e-6)


def test_words_that_only_one_paper_has_tell_nothing() -> None:
    stranger = features_of("", "zebra quagga okapi")

    assert likeness(PAPERS, [stranger], Space([*PAPERS, stranger])).tolist() == [[0, 0, 0, 0]]


def test_a_rare_word_in_common_says_more_than_a_common_one() -> None:
    rare, common = features_of("", "rare"), features_of("", "common")
    mixed = features_of("", "rare common")
    space = Space([rare, mixed, *[common] * 50])

    alike = likeness([rare, common], [mixed], space)

    assert alike[0, 0] > 2 * alike[0, 1]


def test_the_usual_paper_is_like_all_others_and_the_odd_one_is_not() -> None:
    papers = [ROBOT] * 8 + [PROTEIN] * 2
    vectors = Space(papers).vectors(papers)

    assert vectors.common[0] > 3 * vectors.common[-1]
    assert vectors.common[0] == pytest.approx(0.8, abs=0.01)


def test_the_directions_of_common_words_keep_what_is_alike() -> None:
    papers = many(600)
    space = Space(papers)

    alike = likeness(papers[:40], papers[40:60], space)

    same = np.equal.outer(np.arange(40, 60) % 20, np.arange(40) % 20)
    assert space.vectors(papers).directions.shape[1] > 0
    assert alike[same].min() > alike[~same].max()


def test_many_papers_are_compared_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    papers = many(60)
    space = Space(papers)
    at_once = likeness(papers, papers, space)

    monkeypatch.setattr("digest.ranking.space._AT_ONCE", 50)

    assert np.allclose(likeness(papers, papers, space), at_once, atol=1e-6)


def test_a_share_of_nothing_leaves_a_part_out() -> None:
    papers = [features_of("", text, authors=["Ada"]) for text in ("cats", "dogs", "cats and dogs")]
    without = Space(papers, {**SHARES, "authors": 0})

    assert likeness(papers[:1], papers[1:2], Space(papers))[0, 0] > 0.01
    assert likeness(papers[:1], papers[1:2], without)[0, 0] == 0


@pytest.mark.parametrize("papers", [[], [features_of("", "")], [ROBOT]])
def test_a_space_of_hardly_anything_finds_nothing_alike(papers: list[Features]) -> None:
    assert not likeness([ROBOT, PROTEIN], [GRASPS], Space(papers)).any()
    assert likeness([], [GRASPS], Space(papers)).shape == (1, 0)
    assert likeness([ROBOT], [], Space(papers)).shape == (0, 1)
