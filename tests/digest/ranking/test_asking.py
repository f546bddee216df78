"""Which papers a reader is asked to rate."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from digest.ranking.asking import Pool, most_telling
from digest.ranking.features import features_of
from digest.ranking.space import Index, Space
from digest.ranking.taste import excess_similarity

ROBOTS = [f"Robots that fold {what}" for what in ("towels", "maps", "shirts", "paper", "napkins")]
PROTEINS = [f"Proteins that bind {what}" for what in ("zinc", "iron", "copper", "cobalt")]
STARS = [f"Stars that orbit {what}" for what in ("holes", "dwarfs", "pulsars")]


def chosen(
    titles: Sequence[str],
    number: int,
    *,
    votes: Sequence[int] | None = None,
    interest: Sequence[float] | None = None,
    muted: Sequence[int] = (),
) -> list[int]:
    """The places in `titles` of the papers asked about."""
    papers = [features_of(title, f"{title.split()[0]} and nothing else") for title in titles]
    vectors = Space(papers).vectors(papers)
    places = np.arange(len(titles))
    similarity = Index(vectors).similarity(vectors)
    likeness = np.maximum(excess_similarity(similarity, vectors.common), 0)
    asked = most_telling(
        likeness.__getitem__,
        np.array(votes or [0] * len(titles), dtype=np.float32),
        np.array(interest or [0] * len(titles), dtype=np.float32),
        barred=np.isin(places, muted),
        number=number,
    )
    return [int(place) for place in asked]


def about(titles: Sequence[str], places: Sequence[int]) -> list[str]:
    return sorted(titles[place].split()[0] for place in places)


def test_the_papers_are_spread_over_what_there_is() -> None:
    titles = [*ROBOTS, *PROTEINS, *STARS]

    assert about(titles, chosen(titles, 3)) == ["Proteins", "Robots", "Stars"]


def test_the_first_is_on_what_the_reader_follows() -> None:
    titles = [*ROBOTS, *PROTEINS, *STARS]
    interest = [0.0] * 9 + [1.0] * 3

    assert about(titles, chosen(titles, 1)) != ["Stars"]
    assert about(titles, chosen(titles, 1, interest=interest)) == ["Stars"]


def test_no_paper_is_asked_about_twice_and_the_same_ones_always() -> None:
    titles = [*ROBOTS, *PROTEINS]

    asked = chosen(titles, 9)

    assert sorted(asked) == list(range(9))
    assert chosen(titles, 9) == asked
    assert chosen(titles, 4) == asked[:4]


def test_papers_with_the_same_words_are_told_apart_by_votes() -> None:
    titles = [ROBOTS[0]] * 3 + [PROTEINS[0]] * 3

    assert sorted(chosen(titles, 2, votes=[1, 9, 1, 1, 1, 9])) == [1, 5]


def test_what_is_known_is_not_asked_again_and_says_what_to_ask_next() -> None:
    titles = [*ROBOTS, *PROTEINS, *STARS]
    papers = [features_of(title, f"{title.split()[0]} and nothing else") for title in titles]
    votes = np.zeros(len(titles), dtype=np.float32)
    no_fits = np.zeros((len(titles), 1), dtype=np.float32)
    pool = Pool(papers, no_fits, votes)

    def next_after(opinions: Mapping[int, float]) -> list[int]:
        said = np.array([opinions.get(n, 0) for n in range(len(titles))], dtype=np.float32)
        barred = np.zeros(len(titles), dtype=np.bool_)
        topics = np.zeros(1, dtype=np.float32)
        asked = pool.most_telling(topics, opinions=said, barred=barred, number=3)
        return [int(place) for place in asked]

    assert about(titles, next_after({9: 0.4})[:2]) == ["Stars", "Stars"]
    assert 9 not in next_after({9: 0.4})
    assert "Stars" not in about(titles, next_after({9: -1}))
    assert about(titles, next_after({})) == ["Proteins", "Robots", "Stars"]


def test_barred_papers_are_never_asked_about() -> None:
    titles = [*ROBOTS, *PROTEINS]

    assert sorted(chosen(titles, 9, muted=[1, 6])) == [0, 2, 3, 4, 5, 7, 8]


@pytest.mark.parametrize("number", [0, 1, 3])
def test_there_may_be_fewer_papers_than_asked_for(number: int) -> None:
    assert sorted(chosen(STARS[:number], 8)) == list(range(number))


def test_papers_without_any_words_in_common_are_asked_about_too() -> None:
    assert sorted(chosen(["Zebra", "Quilt", "Fjord"], 2)) == [0, 1]
