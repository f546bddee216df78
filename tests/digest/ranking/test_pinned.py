"""Papers that come first for everybody who is not barred from them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from digest.ranking.batch import Chosen, Hold, Kind
from digest.ranking.rank import rank
from tests.digest.ranking.test_rank import Reader, batch, candidates

VOTES = (0, 1, 2, 3, 4, 5, 6, 70)


def choose(
    *readers: Reader,
    pinned: Sequence[int],
    overlaps: dict[tuple[int, int], float] | None = None,
) -> tuple[Chosen, list[list[int]]]:
    available = replace(candidates(VOTES, overlaps), pinned=np.array(pinned, dtype=np.int64))
    chosen = rank(available, batch(*readers), vote_weight=0.02)
    return chosen, [[place for place in row if place >= 0] for row in chosen.places.tolist()]


# Follows a topic, an author of paper 3, and words that papers 4 and 5 hold.
EAGER = Reader(
    topics=(1, 0),
    holds=(0, 0, 0, Hold.AUTHOR, Hold.KEYWORD, Hold.KEYWORD, 0, 0),
    terms=(0, 0, 0, 0, 0.4, 0.4, 0, 0),
)


@pytest.mark.parametrize("length", [3, 5, 6, 8])
def test_pinned_papers_come_first_in_their_order_for_all_kinds_of_readers(length: int) -> None:
    readers = [
        replace(reader, length=length, explores=explores)
        for reader in (Reader(), Reader(topics=(1, 0)), EAGER, Reader(topics=(1, -1)))
        for explores in (False, True)
    ]

    chosen, places = choose(*readers, pinned=(6, 2, 0))

    for row, reader in enumerate(readers):
        assert places[row][:3] == [6, 2, 0]
        assert chosen.kinds[row, :3].tolist() == [Kind.PINNED] * 3
        assert Kind.PINNED not in chosen.kinds[row, 3 : len(places[row])].tolist()
        assert len(places[row]) == len(set(places[row])) <= reader.length
    assert chosen.chances[:, :3].tolist() == [[1.0] * 3] * len(readers)


def test_who_is_barred_from_one_gets_the_others_first() -> None:
    """Having had, muted or known a paper bars it. Wanting less of its topic does not."""
    barred, less = Reader(topics=(1, 0), barred=(6,)), Reader(topics=(1, -1))
    disliking = Reader(topics=(1, 0), disliked=(2,))

    _, places = choose(barred, less, disliking, pinned=(6, 2))

    assert places[0][0] == 2
    assert 6 not in places[0]
    assert places[1][:2] == places[2][:2] == [6, 2]


def test_a_pin_makes_no_selection_for_who_would_have_none() -> None:
    nothing = Reader(topics=(0, 1), barred=(1, 2))

    _, places = choose(nothing, pinned=(6, 0))

    assert places == [[]]


def test_the_same_news_is_not_pinned_twice() -> None:
    _, places = choose(Reader(topics=(1, 0)), pinned=(6, 7), overlaps={(6, 7): 0.9})

    assert places[0][0] == 6
    assert 7 not in places[0]


def test_what_a_reader_follows_has_half_of_the_places_that_are_left() -> None:
    _, places = choose(replace(EAGER, length=5), pinned=(6, 2))

    assert places[0][:3] == [6, 2, 3]
    assert len({4, 5} & set(places[0])) == 1
    assert len(places[0]) == 5


def test_nothing_changes_where_nothing_is_pinned() -> None:
    for reader in (Reader(), EAGER, replace(EAGER, length=7, explores=True, draw=0.4)):
        plain = rank(candidates(VOTES), batch(reader), vote_weight=0.02)
        none, _ = choose(reader, pinned=())
        assert plain.places.tolist() == none.places.tolist()
        assert plain.kinds.tolist() == none.kinds.tolist()
