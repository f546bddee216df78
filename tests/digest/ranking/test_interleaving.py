import pytest

from digest.ranking.interleaving import Drafted, Team, credit_share, interleave


def test_both_teams_take_turns() -> None:
    drafted = interleave([1, 2, 3, 4], [5, 6, 7, 8], length=8, seed=3)

    rounds = [set(drafted.teams[at : at + 2]) for at in range(0, 8, 2)]
    assert rounds == [{Team.A, Team.B}] * 4


def test_each_team_takes_its_best_remaining_paper() -> None:
    drafted = interleave([1, 2, 3], [1, 2, 4], length=4, seed=1)

    assert set(drafted.paper_ids[:2]) == {1, 2}
    assert set(drafted.paper_ids) == {1, 2, 3, 4}


def test_no_paper_comes_twice() -> None:
    drafted = interleave([1, 2, 3], [3, 2, 1], length=10, seed=1)

    assert sorted(drafted.paper_ids) == [1, 2, 3]


def test_the_same_seed_drafts_the_same_list_and_others_do_not() -> None:
    lists = {interleave([1, 2, 3], [4, 5, 6], length=6, seed=seed) for seed in range(20)}

    assert len(lists) > 1
    assert interleave([1, 2], [3], length=3, seed=7) == interleave([1, 2], [3], length=3, seed=7)


def test_each_team_begins_half_of_many_drafts() -> None:
    first = [interleave([1], [2], length=1, seed=seed).teams[0] for seed in range(1000)]

    assert first.count(Team.A) == pytest.approx(500, abs=50)


def test_a_team_without_papers_sits_out() -> None:
    assert interleave([], [1, 2], length=5, seed=0) == Drafted((1, 2), (Team.B, Team.B))
    assert interleave([], [], length=5, seed=0) == Drafted((), ())


def test_the_credit_share_is_the_mean_over_readers() -> None:
    share = credit_share([(5, 0), (50, 50), (0, 0)])

    assert share is not None
    assert (share.share, share.readers) == (0.75, 2)


def test_without_credit_there_is_no_share() -> None:
    assert credit_share([]) is None
    assert credit_share([(0, 0)]) is None


def test_the_interval_includes_a_half_for_a_tie_and_not_for_a_clear_win() -> None:
    tie = credit_share([(1, 0), (0, 1)] * 20)
    win = credit_share([(1, 0)] * 30 + [(0, 1)] * 5)

    assert tie is not None
    assert win is not None
    assert tie.low < 0.5 < tie.high
    assert 0.5 < win.low < win.share < win.high < 1


def test_the_interval_narrows_with_more_readers() -> None:
    few, many = credit_share([(3, 1)] * 10), credit_share([(3, 1)] * 1000)

    assert few is not None
    assert many is not None
    assert many.high - many.low < (few.high - few.low) / 5
