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


def similarity(papers: list[Features], others: list[Features], space: Space) -> NDArray[np.float32]:
    return Index(space.vectors(papers)).similarity(space.vectors(others))


def many(number: int) -> list[Features]:
    """Papers of random words, each paper on one of twenty subjects."""
    rng = np.random.default_rng(5)
    texts = []
    for subject in range(number):
        own = [f"s{subject % 20}w{word}" for word in rng.integers(0, 30, 25)]
        common = [f"common{word}" for word in rng.integers(0, 200, 40)]
        texts.append(" ".join([*own, *common]))
    return [features_of("", text) for text in texts]


def test_papers_on_the_same_subject_are_more_similar() -> None:
    similar = similarity(PAPERS, [GRASPS, FOLDS], Space(PAPERS))

    assert similar.argsort(axis=1)[:, ::-1][:, :2].tolist() == [[1, 0], [3, 2]]


def test_a_paper_s_similarity_to_itself_is_the_sum_of_its_parts_shares() -> None:
    similar = similarity(PAPERS, PAPERS, Space(PAPERS))

    assert np.diag(similar).tolist() == pytest.approx([SHARES["words"]] * 4, abs=1e-3)
    assert np.allclose(similar, similar.T, atol=1e-6)


def test_words_of_a_single_paper_do_not_count() -> None:
    stranger = features_of("", "zebra quagga okapi")

    assert similarity(PAPERS, [stranger], Space([*PAPERS, stranger])).tolist() == [[0, 0, 0, 0]]


def test_a_shared_rare_word_counts_more_than_a_shared_common_one() -> None:
    rare, common = features_of("", "rare"), features_of("", "common")
    mixed = features_of("", "rare common")
    space = Space([rare, mixed, *[common] * 50])

    similar = similarity([rare, common], [mixed], space)

    assert similar[0, 0] > 2 * similar[0, 1]


def test_a_usual_paper_is_closer_to_the_average_than_an_odd_one() -> None:
    papers = [ROBOT] * 8 + [PROTEIN] * 2
    vectors = Space(papers).vectors(papers)

    assert vectors.common[0] > 3 * vectors.common[-1]
    assert vectors.common[0] == pytest.approx(0.8, abs=0.01)


def test_what_many_papers_share_and_what_few_do_keeps_similar_papers_together() -> None:
    papers = many(600)
    space = Space(papers)

    similar = similarity(papers[:40], papers[40:60], space)

    same = np.equal.outer(np.arange(40, 60) % 20, np.arange(40) % 20)
    vectors = space.vectors(papers)
    assert vectors.dense.shape[1] > 0
    assert len(vectors.numbers)
    assert similar[same].min() > similar[~same].max()


def test_comparing_in_slices_gives_the_same_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    papers = many(60)
    space = Space(papers)
    at_once = similarity(papers, papers, space)

    monkeypatch.setattr("digest.ranking.space._AT_ONCE", 50)

    assert np.allclose(similarity(papers, papers, space), at_once, atol=1e-6)


def test_a_share_of_zero_leaves_a_part_out() -> None:
    papers = [features_of("", text, authors=["Ada"]) for text in ("cats", "dogs", "cats and dogs")]
    without = Space(papers, {**SHARES, "authors": 0})

    assert similarity(papers[:1], papers[1:2], Space(papers))[0, 0] > 0.01
    assert similarity(papers[:1], papers[1:2], without)[0, 0] == 0


@pytest.mark.parametrize("papers", [[], [features_of("", "")], [ROBOT]])
def test_a_space_of_hardly_any_papers_finds_nothing_similar(papers: list[Features]) -> None:
    assert not similarity([ROBOT, PROTEIN], [GRASPS], Space(papers)).any()
    assert similarity([], [GRASPS], Space(papers)).shape == (1, 0)
    assert similarity([ROBOT], [], Space(papers)).shape == (0, 1)
