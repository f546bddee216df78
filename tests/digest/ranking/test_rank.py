from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from digest.ranking.batch import Candidates, Chosen, Kind, Part, Readers
from digest.ranking.rank import contributions, rank
from digest.ranking.weights import SAID_VOTES

# Eight papers on two topics: 0 and 1 on the first, 1 and 2 on the second, the others on none.
FITS = [[0.9, 0], [0.75, 0.95], [0, 0.9], *[[0, 0]] * 5]
PAPERS = len(FITS)


def candidates(
    votes: Sequence[int] = (0,) * PAPERS, overlaps: dict[tuple[int, int], float] | None = None
) -> Candidates:
    overlap = np.eye(PAPERS, dtype=np.float32)
    for (one, other), how in (overlaps or {}).items():
        overlap[one, other] = overlap[other, one] = how
    return Candidates(
        paper_ids=np.arange(10, 10 + PAPERS),
        votes=np.array(votes, dtype=np.float32),
        fits=np.array(FITS, dtype=np.float32),
        topic_ids=(1, 2),
        overlaps=overlap,
    )


@dataclass
class Reader:
    """One reader's row of `Readers`, as plain lists."""

    topics: Sequence[float] = (0, 0)
    terms: Sequence[float] = (0,) * PAPERS
    holds: Sequence[int] = (0,) * PAPERS
    taste: Sequence[float] = (0,) * PAPERS
    nearest: Sequence[float] = (0,) * PAPERS
    disliked: Sequence[int] = ()
    votes: float = 0
    barred: Sequence[int] = ()
    length: int = 3
    explores: bool = False
    draw: float = 0.0


def batch(*readers: Reader) -> Readers:
    return Readers(
        topics=np.array([r.topics for r in readers], dtype=np.float32),
        terms=np.array([r.terms for r in readers], dtype=np.float32),
        holds=np.array([r.holds for r in readers], dtype=np.int8),
        taste=np.array([r.taste for r in readers], dtype=np.float32),
        nearest=np.array([r.nearest for r in readers], dtype=np.float32),
        disliked=np.array([[n in r.disliked for n in range(PAPERS)] for r in readers]),
        votes=np.array([r.votes for r in readers], dtype=np.float32),
        barred=np.array([[n in r.barred for n in range(PAPERS)] for r in readers]),
        lengths=np.array([r.length for r in readers]),
        is_exploring=np.array([r.explores for r in readers]),
        draws=np.array([r.draw for r in readers], dtype=np.float32),
    )


def choose(*readers: Reader, papers: Candidates | None = None, vote_weight: float = 0.1) -> Chosen:
    given = papers if papers is not None else candidates()
    return rank(given, batch(*readers), vote_weight=vote_weight)


def places(reader: Reader, papers: Candidates | None = None) -> list[int]:
    (row,) = choose(reader, papers=papers).places.tolist()
    return [place for place in row if place >= 0]


def test_the_paper_that_fits_best_comes_first() -> None:
    assert places(Reader(topics=(1, 0.5))) == [1, 0, 2]


def test_followed_topics_count_by_closeness_and_unwanted_ones_by_fit() -> None:
    closeness = np.zeros((PAPERS, 2), dtype=np.float32)
    closeness[:, 0] = (-0.5, 0.5, 1.5, *[0] * 5)
    papers = replace(candidates(), closeness=closeness)

    parts = contributions(papers, batch(Reader(topics=(1, -1))), vote_weight=0)

    assert parts[Part.TOPICS, 0, :3].tolist() == pytest.approx([-0.5, 0.5 - 0.95, 1.5 - 0.9])


def test_the_topic_that_contributed_most_is_named() -> None:
    chosen = choose(Reader(topics=(1, 1)))

    assert chosen.kinds.tolist() == [[Kind.TOPIC] * 3]
    assert dict(zip(*chosen.places.tolist(), *chosen.topics.tolist(), strict=True)) == {
        1: 1,
        0: 0,
        2: 1,
    }


def test_a_topic_the_reader_does_not_follow_is_never_named() -> None:
    chosen = choose(Reader(topics=(1, 0), length=2))

    assert chosen.topics.tolist() == [[0, 0]]


def test_votes_decide_between_papers_that_fit_equally() -> None:
    reader = Reader(topics=(1, 1), length=1)
    other = Reader(topics=(1, 1), length=1, barred=(1,))

    assert places(reader) == [1]
    assert places(other, candidates(votes=(0, 0, 9, 0, 0, 0, 0, 0))) == [2]


def test_a_word_that_a_paper_holds_is_the_reason_if_it_added_most() -> None:
    reader = Reader(
        topics=(1, 0), terms=(0, 0, 0, 0, 1.2, 0, 0, 0), holds=(0, 0, 0, 0, 2, 0, 0, 0), length=2
    )

    chosen = choose(reader)

    assert chosen.places.tolist() == [[4, 0]]
    assert chosen.kinds.tolist() == [[Kind.TERM, Kind.TOPIC]]


def test_taste_is_a_reason_only_where_it_and_the_likeness_are_clear() -> None:
    reader = Reader(
        taste=(0, 0, 0, 0.9, 0.4, 0.06, 0.02, -0.1),
        nearest=(0, 0, 0, 0.5, 0.01, 0.5, 0, 0),
        length=8,
    )

    chosen = choose(reader)

    kinds = dict(zip(*chosen.places.tolist(), *chosen.kinds.tolist(), strict=True))
    assert [kinds[place] for place in range(3, 8)] == [
        Kind.TASTE,
        Kind.CLOSEST,
        Kind.REST,
        Kind.REST,
        Kind.REST,
    ]


def test_a_topic_that_a_paper_only_touches_is_no_reason() -> None:
    papers = candidates()
    papers.fits[:, 0] = (0.69, 0.71, 0, 0, 0, 0, 0, 0)

    chosen = choose(Reader(topics=(1, 0), length=2), papers=papers)

    assert chosen.places.tolist() == [[1, 0]]
    assert chosen.kinds.tolist() == [[Kind.TOPIC, Kind.CLOSEST]]


def test_the_least_fit_is_a_match() -> None:
    papers = candidates()
    papers.fits[:] = 0
    papers.fits[4, 0] = 0.15

    assert places(Reader(topics=(1, 0), length=2), papers) == [4, 0]
    assert places(Reader(topics=(0, 1), length=2), papers) == []


def test_barred_papers_are_never_chosen() -> None:
    reader = Reader(topics=(1, 1), taste=(9,) * PAPERS, barred=(1, 4), length=PAPERS)

    assert set(places(reader)) == set(range(PAPERS)) - {1, 4}


def test_a_reader_without_interests_gets_the_most_voted() -> None:
    chosen = choose(Reader(length=2), papers=candidates(votes=(0, 5, 0, 9, 0, 0, 0, 0)))

    assert chosen.places.tolist() == [[3, 1]]
    assert chosen.kinds.tolist() == [[Kind.VOTES, Kind.VOTES]]


def test_the_same_news_is_chosen_once() -> None:
    reader = Reader(topics=(1, 1), length=3)

    assert places(reader) == [1, 0, 2]
    assert places(reader, candidates(overlaps={(1, 0): 0.9})) == [1, 2, 3]


def test_a_paper_that_overlaps_much_with_the_first_gives_way() -> None:
    reader = Reader(topics=(1, 1), length=2)

    assert places(reader) == [1, 0]
    assert places(reader, candidates(overlaps={(1, 0): 0.5})) == [1, 2]


def test_a_selection_is_filled_by_score_before_votes() -> None:
    papers = candidates(votes=(0, 0, 0, 1, 7, 3, 0, 0))
    reader = Reader(topics=(1, 0), taste=(0, 0, 0, 0, 0, 0, -0.2, -0.1), barred=(1, 2, 3), length=5)

    chosen = choose(reader, papers=papers)

    assert chosen.places.tolist() == [[0, 4, 5, 7, 6]]
    assert chosen.kinds.tolist() == [[Kind.TOPIC, *[Kind.REST] * 4]]


def test_without_a_match_only_readers_who_voted_get_the_day_s_closest() -> None:
    reader = Reader(topics=(1, 1), barred=(0, 1, 2), length=2)

    assert places(reader) == []
    assert places(replace(reader, taste=(0, 0, 0, -3, -2, -1, -3, -3), votes=1)) == [5, 4]


def test_what_readers_said_counts_less_the_more_they_voted() -> None:
    reader = Reader(topics=(1, 0), taste=(0, -0.1, 0, 0.1, 0, 0, 0, 0), length=1)

    assert places(reader) == [0]
    assert places(replace(reader, votes=1)) == [0]
    assert places(replace(reader, votes=9)) == [3]


def test_papers_by_followed_authors_come_first_however_many_votes_there_are() -> None:
    reader = Reader(
        topics=(1, 1), holds=(0, 0, 0, 0, 3, 0, 0, 0), taste=(9, *[0] * 7), votes=99, length=2
    )

    chosen = choose(reader)

    assert chosen.places.tolist() == [[4, 0]]
    assert chosen.kinds[0, 0] == Kind.TERM


def test_papers_that_hold_a_followed_word_have_half_of_the_places() -> None:
    tastes = (0.9, 0.8, 0.7, 0.6, 0.5, -0.1, -0.2, -0.3)
    reader = Reader(holds=(0, 0, 0, 0, 0, 2, 2, 2), taste=tastes, votes=99, length=4)

    assert places(reader) == [0, 1, 5, 6]
    assert places(replace(reader, barred=(5, 6))) == [0, 1, 2, 7]
    assert places(replace(reader, holds=(0,) * 8)) == [0, 1, 2, 3]


def test_a_topic_wanted_less_and_what_was_voted_down_are_not_chosen_to_fill() -> None:
    papers = candidates(votes=(9, 0, 0, 0, 7, 3, 0, 0))
    less = Reader(topics=(-0.5, 0.2), disliked=(4,), length=8, explores=True)

    chosen = choose(less, papers=papers)

    assert set(chosen.places[0].tolist()) == {2, 3, 5, 6, 7}
    assert {4, 0, 1}.isdisjoint(places(Reader(topics=(-0.5, 0), disliked=(4,), length=8), papers))


def test_what_is_disliked_comes_if_it_holds_a_followed_word() -> None:
    reader = Reader(votes=1, disliked=(4, 5), holds=(0, 0, 0, 0, 2, 0, 0, 0), length=8)

    assert set(places(reader)) == {0, 1, 2, 3, 4, 6, 7}


def test_a_long_digest_ends_with_what_everyone_reads() -> None:
    papers = candidates(votes=(0, 0, 0, 1, 7, 9, 0, 0))
    reader = Reader(topics=(1, 1), taste=(0, 0, 0, 0.1, 0, -0.5, 0.1, 0), length=6)

    chosen = choose(reader, papers=papers)

    assert chosen.places.tolist()[0][-1] == 5
    assert chosen.kinds.tolist()[0][-1] == Kind.VOTES


def test_where_nobody_votes_no_place_is_kept_for_votes() -> None:
    chosen = choose(Reader(topics=(1, 1), length=6))

    assert len(chosen.places[0]) == 6
    assert Kind.VOTES not in chosen.kinds


def test_the_place_off_the_path_is_drawn_with_the_stored_chance() -> None:
    """Off the path of the reader are 3 to 7; the tastes of 6 and 7 are below the others'."""
    tastes = (0, 0, 0, 0.05, 0.05, 0.05, 0, 0)
    readers = [
        Reader(topics=(1, 1), taste=tastes, length=6, explores=True, draw=draw / 500)
        for draw in range(500)
    ]

    chosen = choose(*readers)

    assert set(chosen.kinds[:, -1].tolist()) == {Kind.EXPLORING}
    drawn, counts = np.unique(chosen.places[:, -1], return_counts=True)
    chances = dict(zip(chosen.places[:, -1], chosen.chances[:, -1], strict=True))
    for place, count in zip(drawn, counts, strict=True):
        assert count / 500 == pytest.approx(chances[place], abs=0.01)
    assert sum(chances.values()) == pytest.approx(1)
    assert len(set(chances.values())) > 1
    assert (chosen.chances[:, :-1] == 1).all()


def test_a_place_for_which_there_is_no_paper_goes_to_the_next_best() -> None:
    fits = np.array([(1 - place / 10, 0) for place in range(PAPERS)], dtype=np.float32)
    on_topic, voted = replace(candidates(), fits=fits), candidates(votes=(9, *[0] * 7))

    nothing_off_the_path = choose(Reader(topics=(1, 0), length=6, explores=True), papers=on_topic)
    nothing_else_voted = choose(Reader(topics=(1, 0), length=6), papers=voted)

    assert nothing_off_the_path.places.tolist() == [[0, 1, 2, 3, 4, 5]]
    assert nothing_off_the_path.kinds.tolist() == [[*[Kind.TOPIC] * 4, Kind.CLOSEST, Kind.CLOSEST]]
    assert nothing_off_the_path.chances.tolist() == [[1] * 6]
    assert len(set(nothing_else_voted.places[0].tolist()) - {-1}) == 6
    assert Kind.VOTES not in nothing_else_voted.kinds


def test_what_everyone_reads_is_not_told_once_more_off_the_path() -> None:
    papers = candidates(votes=(0, 0, 0, 0, 0, 0, 9, 8), overlaps={(6, 7): 0.9})
    reader = Reader(taste=(1, 1, 1, 1, *[-0.1] * 4), topics=(1, 1), length=6, explores=True)

    chosen = choose(*(replace(reader, draw=n / 50) for n in range(50)), papers=papers)

    assert set(chosen.places[:, -2].tolist()) == {6}
    assert 7 not in chosen.places[:, -1]


def test_contributions_are_the_parts_of_the_score() -> None:
    papers = candidates(votes=(3, 0, 0, 0, 0, 0, 0, 0))
    half = SAID_VOTES
    reader = batch(Reader(topics=(1, 0), terms=(0.6, *[0] * 7), taste=(0.2, *[0] * 7), votes=half))

    parts = contributions(papers, reader, vote_weight=0.1)

    assert parts[: Part.VOTES, 0, 0].tolist() == pytest.approx([0.45, 0.3, 0.2])
    assert parts[Part.VOTES].sum() == pytest.approx(0, abs=1e-6)
    assert parts[Part.VOTES, 0, 0] > 0


def test_a_batch_is_ranked_as_each_reader_alone() -> None:
    one = Reader(topics=(1, 0.5), holds=(0, 0, 0, 2, 2, 2, 2, 2), length=2)
    other = Reader(taste=(0, 0, 0, 0.9, 0, 0, 0, 0), length=7, explores=True, draw=0.5)

    together = choose(one, other).places.tolist()

    assert [[p for p in row if p >= 0] for row in together] == [places(one), places(other)]
