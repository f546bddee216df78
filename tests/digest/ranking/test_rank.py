from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from digest.ranking.rank import Candidates, Chosen, Kind, Part, Readers, contributions, rank

# Eight papers on two topics: 0 and 1 on the first, 1 and 2 on the second, the others on none.
FITS = [[0.5, 0], [0.4, 0.6], [0, 0.5], *[[0, 0]] * 5]
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
    taste: Sequence[float] = (0,) * PAPERS
    barred: Sequence[int] = ()
    length: int = 3
    explores: bool = False
    draw: float = 0.0


def batch(*readers: Reader) -> Readers:
    return Readers(
        topics=np.array([r.topics for r in readers], dtype=np.float32),
        terms=np.array([r.terms for r in readers], dtype=np.float32),
        taste=np.array([r.taste for r in readers], dtype=np.float32),
        barred=np.array([[n in r.barred for n in range(PAPERS)] for r in readers]),
        lengths=np.array([r.length for r in readers]),
        is_exploring=np.array([r.explores for r in readers]),
        draws=np.array([r.draw for r in readers], dtype=np.float32),
    )


def choose(
    *readers: Reader, papers: Candidates | None = None, least: int = 1, vote_weight: float = 0.1
) -> Chosen:
    given = papers if papers is not None else candidates()
    return rank(given, batch(*readers), vote_weight=vote_weight, least=least)


def places(reader: Reader, papers: Candidates | None = None, least: int = 1) -> list[int]:
    (row,) = choose(reader, papers=papers, least=least).places.tolist()
    return [place for place in row if place >= 0]


def test_the_paper_that_fits_best_comes_first() -> None:
    assert places(Reader(topics=(1, 0.5))) == [1, 0, 2]


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


def test_a_followed_word_counts_like_a_topic() -> None:
    reader = Reader(topics=(1, 0), terms=(0, 0, 0, 0, 0.6, 0, 0, 0), length=2)

    chosen = choose(reader)

    assert chosen.places.tolist() == [[4, 0]]
    assert chosen.kinds.tolist() == [[Kind.TERM, Kind.TOPIC]]


def test_taste_alone_makes_a_match_when_it_is_clear() -> None:
    reader = Reader(taste=(0, 0, 0, 0.9, 0.02, -0.9, 0, 0))

    chosen = choose(reader)

    assert chosen.places.tolist() == [[3]]
    assert chosen.kinds.tolist() == [[Kind.TASTE]]


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
    assert places(reader, candidates(overlaps={(1, 0): 0.9})) == [1, 2]


def test_a_paper_that_overlaps_much_with_the_first_gives_way() -> None:
    reader = Reader(topics=(1, 1), length=2)

    assert places(reader) == [1, 0]
    assert places(reader, candidates(overlaps={(1, 0): 0.5})) == [1, 2]


def test_a_single_match_is_filled_up_with_the_most_voted() -> None:
    papers = candidates(votes=(0, 0, 0, 1, 7, 3, 0, 0))
    reader = Reader(topics=(1, 0), barred=(1,), length=5)

    chosen = choose(reader, papers=papers, least=3)

    assert chosen.places.tolist() == [[0, 4, 5]]
    assert chosen.kinds.tolist() == [[Kind.TOPIC, Kind.VOTES, Kind.VOTES]]


def test_without_a_match_nothing_is_chosen() -> None:
    assert places(Reader(topics=(1, 1), barred=(0, 1, 2)), least=3) == []


def test_a_long_digest_ends_with_what_everyone_reads() -> None:
    papers = candidates(votes=(0, 0, 0, 1, 7, 3, 0, 0))

    chosen = choose(Reader(topics=(1, 1), length=7), papers=papers)

    assert chosen.places.tolist() == [[1, 0, 2, 4]]
    assert chosen.kinds.tolist()[0][-1] == Kind.VOTES


@pytest.mark.parametrize(("draw", "found"), [(0.0, 5), (0.99, 3)])
def test_an_exploring_reader_gets_one_of_the_more_voted_others(draw: float, found: int) -> None:
    papers = candidates(votes=(0, 0, 0, 1, 7, 3, 0, 0))

    chosen = choose(Reader(topics=(1, 1), length=7, explores=True, draw=draw), papers=papers)

    assert chosen.places.tolist() == [[1, 0, 2, 4, found]]
    assert chosen.kinds.tolist()[0][-2:] == [Kind.VOTES, Kind.EXPLORING]


def test_contributions_are_the_parts_of_the_score() -> None:
    papers = candidates(votes=(3, 0, 0, 0, 0, 0, 0, 0))
    reader = batch(Reader(topics=(1, 0), terms=(0.6, *[0] * 7), taste=(0.2, *[0] * 7)))

    parts = contributions(papers, reader, vote_weight=0.1)

    assert parts[: Part.VOTES, 0, 0].tolist() == pytest.approx([0.5, 0.6, 0.2])
    assert parts[Part.VOTES].sum() == pytest.approx(0, abs=1e-6)
    assert parts[Part.VOTES, 0, 0] > 0


def test_a_batch_is_ranked_as_each_reader_alone() -> None:
    one = Reader(topics=(1, 0.5), length=2)
    other = Reader(taste=(0, 0, 0, 0.9, 0, 0, 0, 0), length=3)

    together = choose(one, other).places.tolist()

    assert [[p for p in row if p >= 0] for row in together] == [places(one), places(other)]
