"""Measure our ranking and others on what real people picked."""

import gzip
import json
import zlib
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from digest.choosing.keywords import holds
from digest.ranking.measuring.baselines import baselines, one_thread
from digest.ranking.measuring.collection import Collection, EvaluationError
from digest.ranking.measuring.evaluation import HISTORIES, Measurement, measure, measure_ours
from digest.ranking.measuring.ours import Broadsheet
from digest.ranking.tfidf import TopicTerms
from subscribers.wishes import terms


class Command(BaseCommand):
    help = (
        "For each reader and day, rank the papers of the day by what the reader had picked before, "
        "and measure how high their picks of the day come. Our ranking runs the code that digests "
        "are made with. Files are JSON Lines, plain or gzip. The rankings to compare with need "
        "scikit-learn."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--papers", nargs="+", required=True, metavar="FILE", type=Path)
        parser.add_argument("--readers", required=True, metavar="FILE", type=Path)
        parser.add_argument(
            "--with-authors",
            action="store_true",
            help="let authors count in the similarity of papers, as they do in digests",
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        papers = [row for path in options["papers"] for row in rows_of(path)]
        try:
            collection = Collection.of(
                papers, rows_of(options["readers"]), with_authors=options["with_authors"]
            )
        except EvaluationError as error:
            raise CommandError(str(error)) from error
        try:
            results = results_on(collection)
        except ImportError as error:
            raise CommandError("The rankings to compare with need scikit-learn.") from error
        if options["json"]:
            self.stdout.write(json.dumps([asdict(result) for result in results], indent=1))
            return
        days = len({case.day for case in collection.cases})
        self.stdout.write(f"{len(collection.cases):,} cases (one reader on one day), {days} days.")
        self.stdout.write(as_text(table_of(results)))


def as_text(table: Table) -> str:
    """Return the table as text of 100 columns, whatever the terminal."""
    with (console := Console(width=100, highlight=False)).capture() as printed:
        console.print(table)
    return printed.get()


def table_of(results: Sequence[Measurement]) -> Table:
    """Return nDCG@10, MRR, hit rate@10 and AUC of held-out cases, nDCG@10 of all, and the time."""
    table = Table("ranking", "nDCG@10", "MRR", "hits@10", "AUC", "nDCG, all", "µs a reader")
    for result in results:
        score = result.held_out
        figures = (score.ndcg, score.mrr, score.hit_rate, score.auc, result.all.ndcg)
        table.add_row(
            result.name, *(f"{figure:.3f}" for figure in figures), f"{result.microseconds:,.0f}"
        )
    return table


def results_on(collection: Collection) -> list[Measurement]:
    """Measure our ranking and all others. Raises ImportError without scikit-learn."""
    with one_thread():
        return list(_results(collection))


def _results(collection: Collection) -> Iterator[Measurement]:
    ours = Broadsheet(collection, starter_topics(), holds=_holds)
    yield measure_ours(ours, "Broadsheet", ours.by_picks)
    yield measure_ours(ours, "Broadsheet, as sent", ours.as_sent)
    for number in reversed(HISTORIES):
        yield measure_ours(ours, f"Broadsheet, newest {number} only", ours.by_picks, number)
    if collection.keyword_counts:
        yield measure_ours(ours, "Broadsheet, no picks: topics, words", ours.by_wishes)
    for name, ranker in baselines(collection).items():
        yield measure(collection, name, ranker)


def _holds(title: str, abstract: str, keyword: str) -> bool:
    return holds(title, abstract, terms.key(keyword))


def starter_topics() -> list[TopicTerms]:
    """Return the topics of a new site."""
    module = import_module("subscribers.migrations.0002_add_starter_topics")
    return [
        TopicTerms(
            topic.slug,
            topic.name,
            topic.description,
            tuple(term.strip() for term in topic.seed_terms.split(",")),
        )
        for topic in module.STARTER_TOPICS
    ]


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a JSON Lines file, plain or gzip.

    Raises CommandError, with the file and line, for anything else.
    """
    try:
        with path.open("rb") as file:
            is_gzip = file.read(2) == b"\x1f\x8b"
        with gzip.open(path, "rt") if is_gzip else path.open() as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _row(path, number, line)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error


def _row(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise CommandError(f"{path}, line {number} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise CommandError(f"{path}, line {number} is not a JSON object.")
    return row
