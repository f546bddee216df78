import numpy as np

from digest.ranking.rank import Candidates, Ranked, rank

# Three papers, two topics. Paper 10 is about topic 1, paper 20 about both, paper 30 about none.
FITS = [[0.5, 0.0], [0.4, 0.6], [0.0, 0.0]]


def candidates(votes: tuple[int, ...] = (0, 0, 0)) -> Candidates:
    return Candidates(
        paper_ids=np.array([10, 20, 30], dtype=np.int64),
        votes=np.array(votes, dtype=np.float32),
        fits=np.array(FITS, dtype=np.float32),
        topic_ids=(1, 2),
    )


def ranked_for(
    interests: list[float],
    *,
    votes: tuple[int, ...] = (0, 0, 0),
    had: tuple[int, ...] = (),
    length: int = 10,
    least: int = 1,
    vote_weight: float = 0.1,
) -> list[Ranked]:
    papers = candidates(votes)
    (chosen,) = rank(
        papers,
        np.array([interests], dtype=np.float32),
        np.isin(papers.paper_ids, had)[np.newaxis, :],
        [length],
        vote_weight=vote_weight,
        least=least,
    )
    return chosen


def ids(chosen: list[Ranked]) -> list[int]:
    return [paper.paper_id for paper in chosen]


def test_the_paper_that_fits_best_comes_first() -> None:
    assert ids(ranked_for([1, 1])) == [20, 10]


def test_the_topic_that_contributed_most_is_the_reason() -> None:
    chosen = ranked_for([1, 1])

    assert [(paper.paper_id, paper.topic_id) for paper in chosen] == [(20, 2), (10, 1)]


def test_a_topic_the_reader_does_not_follow_is_never_the_reason() -> None:
    chosen = ranked_for([1, 0])

    assert [(paper.paper_id, paper.topic_id) for paper in chosen] == [(10, 1), (20, 1)]


def test_votes_decide_between_papers_that_fit_alike() -> None:
    assert ids(ranked_for([1, 0], votes=(0, 0, 0))) == [10, 20]
    assert ids(ranked_for([1, 0], votes=(0, 500, 0), vote_weight=0.1)) == [20, 10]


def test_no_number_of_votes_brings_a_stranger_before_a_match() -> None:
    chosen = ranked_for([1, 1], votes=(0, 0, 100_000), least=3)

    assert ids(chosen) == [20, 10, 30]
    assert chosen[2].topic_id is None


def test_papers_on_no_topic_only_fill_up_to_the_least() -> None:
    assert ids(ranked_for([1, 1], least=2)) == [20, 10]
    assert ids(ranked_for([1, 1], least=3)) == [20, 10, 30]


def test_nothing_is_chosen_when_nothing_fits() -> None:
    assert ids(ranked_for([0, 1], had=(20,), least=3)) == []


def test_a_reader_without_topics_gets_the_most_voted() -> None:
    chosen = ranked_for([0, 0], votes=(3, 9, 50))

    assert ids(chosen) == [30, 20, 10]
    assert [paper.votes for paper in chosen] == [50, 9, 3]


def test_papers_the_reader_had_are_left_out() -> None:
    assert ids(ranked_for([1, 1], had=(20,))) == [10]


def test_the_length_is_kept() -> None:
    assert ids(ranked_for([0, 0], length=2)) == [10, 20]


def test_readers_of_one_batch_do_not_disturb_each_other() -> None:
    papers = candidates()
    interests = np.array([[1, 0], [0, 1]], dtype=np.float32)
    had = np.array([[False, True, False], [False, False, False]])

    chosen = rank(papers, interests, had, [10, 10], vote_weight=0.1, least=1)

    assert [ids(one) for one in chosen] == [[10], [20]]


def test_an_edition_without_topics_or_votes_can_be_ranked() -> None:
    papers = Candidates(
        paper_ids=np.array([1], dtype=np.int64),
        votes=np.zeros(1, dtype=np.float32),
        fits=np.zeros((1, 0), dtype=np.float32),
        topic_ids=(),
    )
    none = np.zeros((1, 0), dtype=np.float32)

    (chosen,) = rank(papers, none, np.zeros((1, 1), dtype=bool), [5], vote_weight=0.1, least=3)

    assert ids(chosen) == [1]
