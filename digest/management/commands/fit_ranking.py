"""Find the few numbers that say how much what readers say counts beside what they do.

Those are in ``digest.ranking.weights``. Only development readers and days are looked at.
"""

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np
from django.core.management.base import BaseCommand
from numpy.typing import NDArray
from rich.table import Table

from digest.choosing.rehearsal import Known, Rehearsal
from digest.ranking import weights
from digest.ranking.batch import Floats, Part
from digest.ranking.measuring.collection import Collection
from digest.ranking.measuring.evaluation import by_days, ranked
from digest.ranking.rank import contributions

from .evaluate_ranking import add_files, as_text, collection_of, starter_topics

# What readers may have told: these numbers of newest picks, with topics, and also with words.
_HISTORIES = (0, 1, 2, 4, 8, None)
# The present weights of topics and of words are multiplied by these.
_TOPICS = (0.25, 0.5, 1.0, 2.0, 4.0)
_WORDS = (0.0, 0.25, 0.5, 1.0, 2.0)
_SAID_VOTES = (1.0, 2.0, 2.5, 3.0, 5.0)
# Of what the share of picks is told, and at which levels.
_TOLD = (("taste", "all picks"), ("content", "all picks"), ("content", "0 picks"))
_LEVELS = (-np.inf, 0, 0.05, 0.1, 0.15, 0.2, 0.4, 0.8, np.inf)


class _Case(NamedTuple):
    """One case's parts of scores while there are no votes, and how many votes there are."""

    picked: NDArray[np.bool_]
    parts: Floats
    votes: float


class Command(BaseCommand):
    help = (
        "Try weights for topics and for words, and how many votes outweigh them, on the readers "
        "and days for development, and print those with the best orders of papers. Also print "
        "which share of papers readers picked, by taste and by all content. Options as for "
        "evaluate_ranking."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_files(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        collection = collection_of(options)
        tuning = [case for case in collection.cases if collection.is_for_tuning(case)]
        cases = _cases(replace(collection, cases=tuning))
        self.stdout.write(f"{len(tuning)} cases for development.")
        self.stdout.write(as_text(_best(cases)))
        for name, known in _TOLD:
            self.stdout.write(as_text(_levels(cases[known], name, known)))


def _cases(collection: Collection) -> Mapping[str, list[_Case]]:
    """Return the cases by what is known of their readers."""
    rehearsal = Rehearsal(collection, starter_topics())
    words = 3 if collection.keyword_counts else 0
    found = {}
    for picks in _HISTORIES:
        known = Known(topics=3, keywords=words, picks=picks)
        name = "all picks" if picks is None else f"{picks} picks"
        found[name] = list(_of_known(rehearsal, known))
    return found


def _of_known(rehearsal: Rehearsal, known: Known) -> Iterator[_Case]:
    for _numbers, cases in by_days(rehearsal.collection.cases):
        candidates, readers = rehearsal.arrays(cases, known)
        silent = replace(readers, votes=np.zeros_like(readers.votes))
        parts = contributions(candidates, silent, vote_weight=weights.VOTES)
        for row, case in enumerate(cases):
            yield _Case(case.picked, parts[:, row], float(readers.votes[row]))


def _best(cases: Mapping[str, list[_Case]]) -> Table:
    """Return the ten best combinations, and what stands in ``weights`` now."""
    rows = []
    for topics, words, votes in product(_TOPICS, _WORDS, _SAID_VOTES):
        figures = [_mean(known, topics, words, votes) for known in cases.values()]
        rows.append((float(np.mean(figures)), topics, words, votes, figures))
    rows.sort(key=lambda row: -row[0])
    now = [row for row in rows if row[1:4] == (1.0, 1.0, weights.SAID_VOTES)]
    table = Table("topics", "words", "said votes", "mean nDCG@10", *cases)
    for mean, topics, words, votes, figures in [*rows[:10], *now]:
        table.add_row(
            f"{topics * weights.TOPIC:.3f}",
            f"{words * weights.CLOSE:.3f}, {words * weights.HOLDS:.3f}",
            f"{votes:g}",
            *(f"{figure:.4f}" for figure in (mean, *figures)),
        )
    return table


def _mean(cases: list[_Case], topics: float, words: float, said_votes: float) -> float:
    ndcg = []
    for case in cases:
        said = _said(case, said_votes)
        scores = case.parts[Part.TASTE] + case.parts[Part.VOTES]
        scores = scores + np.float32(said * topics) * case.parts[Part.TOPICS]
        scores += np.float32(said * words) * case.parts[Part.TERMS]
        ndcg.append(ranked(case.picked, scores).ndcg)
    return float(np.mean(ndcg))


def _levels(cases: list[_Case], name: str, known: str) -> Table:
    """Return which share of papers readers picked, by taste or by all content."""
    of_cases = [_content(case) if name == "content" else case.parts[Part.TASTE] for case in cases]
    levels, picked = np.concatenate(of_cases), np.concatenate([case.picked for case in cases])
    table = Table(f"{name} from, {known}", "papers", "picked")
    for low, high in pairwise(_LEVELS):
        within = (levels >= low) & (levels < high)
        if within.any():
            table.add_row(f"{low:g}", f"{within.sum():,}", f"{picked[within].mean():.0%}")
    return table


def _content(case: _Case) -> Floats:
    """Return the scores without everybody's votes."""
    told = case.parts[Part.TOPICS] + case.parts[Part.TERMS]
    content: Floats = case.parts[Part.TASTE] + np.float32(_said(case)) * told
    return content


def _said(case: _Case, half: float = weights.SAID_VOTES) -> float:
    """Return how much what the reader says still counts."""
    return float(weights.said(np.array([case.votes], dtype=np.float32), half)[0])
