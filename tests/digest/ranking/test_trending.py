"""The trending order, on made-up figures and on votes observed on Hugging Face."""

import gzip
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from digest.ranking.trending import trending

OBSERVED = (
    Path(__file__)
    .resolve()
    .parents[4]
    .joinpath("shared", "data", "hf_upvote_observations.jsonl.gz")
)
needs_data = pytest.mark.skipif(
    not OBSERVED.exists(), reason="the observed votes are not next to this checkout"
)

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


def test_without_votes_nothing_trends() -> None:
    assert trending(0, 0, [0, 5, 500]).tolist() == [0, 0, 0]


def test_the_same_votes_count_less_the_older_the_paper() -> None:
    heat = trending(20, 0.5, [1, 24, 240])

    assert (np.diff(heat) < 0).all()


def test_an_exceptional_paper_of_yesterday_beats_a_middling_one_of_today() -> None:
    assert order({"yesterday": (120, 4.0, 30), "today": (6, 1.0, 3)}) == ["yesterday", "today"]


def test_negative_figures_count_as_zero() -> None:
    assert trending(3, -0.5, 5) == trending(3, 0, 5)
    assert trending(-1, 0, -2) == 0


# --- observed votes ------------------------------------------------------------------------
# When a paper was seen, and how many votes it had then.
Sightings = Sequence[tuple[datetime, int]]


def seen() -> dict[str, list[Sightings]]:
    """The sightings of each paper, by the day on which it was listed."""
    days: dict[str, list[Sightings]] = defaultdict(list)
    with gzip.open(OBSERVED, "rt") as lines:
        for row in map(json.loads, lines):
            found = [(datetime.fromisoformat(o["at"]), o["upvotes"]) for o in row["observations"]]
            days[row["list_date"]].append(found)
    return days


def heat_of(sightings: Sightings, at: datetime) -> float:
    """How the paper trended at that time, from the sightings until then."""
    known = [(when, votes) for when, votes in sightings if when <= at]
    (first, least), (last, most) = known[0], known[-1]
    hours = max((last - first).total_seconds() / 3600, 1)
    return float(trending(most, (most - least) / hours, (at - first).total_seconds() / 3600))


def agreement(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """Spearman's rank correlation."""
    ranks = np.array([np.argsort(np.argsort(figures)) for figures in (ours, theirs)])
    return float(np.corrcoef(ranks)[0, 1])


@needs_data
def test_trending_papers_gain_more_votes_afterwards() -> None:
    lists = [papers for papers in seen().values() if len(papers) > 5]

    found = [
        agreement(
            [heat_of(paper, paper[-2][0]) for paper in papers],
            [paper[-1][1] - paper[-2][1] for paper in papers],
        )
        for papers in lists
    ]

    assert len(found) == 6
    assert min(found) > 0
    assert np.mean(found) > 0.5


@needs_data
def test_the_top_of_three_days_mixes_new_papers_with_the_best_of_yesterday() -> None:
    at = datetime(2025, 1, 11, 2, 20, tzinfo=UTC)
    days = {day: papers for day, papers in seen().items() if "2025-01-08" <= day <= "2025-01-10"}
    papers = [(day, paper) for day, listed in days.items() for paper in listed]

    papers.sort(key=lambda dated: -heat_of(dated[1], at))

    front = [day for day, _ in papers[:10]]
    assert (front.count("2025-01-10"), front.count("2025-01-08")) == (5, 1)
    votes = [max(votes for when, votes in paper if when <= at) for _, paper in papers]
    assert votes.index(max(votes)) == 1
