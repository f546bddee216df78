from collections.abc import Mapping

import numpy as np

from digest.ranking.trending import trending

# Votes at the last sighting, votes an hour between the last two, hours since the first.
SEEN = {
    "many at once": (40, 3.0, 11),
    "many, and slowing": (40, 0.2, 11),
    "some": (11, 0.1, 11),
    "none": (0, 0.0, 11),
}


def order(papers: Mapping[str, tuple[int, float, float]]) -> list[str]:
    heat = trending(*np.array(list(papers.values())).T)
    return [list(papers)[place] for place in np.argsort(-heat)]


def test_votes_and_their_speed_make_a_paper_trend() -> None:
    assert order(SEEN) == list(SEEN)


def test_no_vote_is_no_heat() -> None:
    assert trending(0, 0, [0, 5, 500]).tolist() == [0, 0, 0]


def test_the_same_votes_count_less_the_older_the_paper() -> None:
    heat = trending(20, 0.5, [1, 24, 240])

    assert (np.diff(heat) < 0).all()


def test_an_exceptional_paper_of_yesterday_beats_a_middling_one_of_today() -> None:
    assert order({"yesterday": (120, 4.0, 30), "today": (6, 1.0, 3)}) == ["yesterday", "today"]


def test_votes_taken_back_do_no_harm() -> None:
    assert trending(3, -0.5, 5) == trending(3, 0, 5)
    assert trending(-1, 0, -2) == 0
