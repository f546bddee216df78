"""Measure the digests that we send, our ranking and others, on what real people picked."""

import gzip
import json
import zlib
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.table import Table

from digest.choosing.rehearsal import Known, Rehearsal
from digest.ranking.learnt import weights_of
from digest.ranking.measuring import evaluation
from digest.ranking.measuring.baselines import baselines, one_thread, simple
from digest.ranking.measuring.collection import Case, Collection, EvaluationError
from digest.ranking.measuring.evaluation import Measurement, Outcome, measure, measure_days
from digest.ranking.space import SHARES
from digest.ranking.tfidf import TopicTerms

OURS, EXPLORING = "Broadsheet, the ranking", "as sent, all picks, a place off the path"
# What readers told before a digest. The figures depend on it, so each has a row.
DIGESTS = {
    "as sent, all picks": Known(),
    "as sent, all picks, 3 topics": Known(topics=3),
    "as sent, all picks, 3 topics, 3 words": Known(topics=3, keywords=3),
    "as sent, newest 8 picks, 3 topics": Known(topics=3, picks=8),
    "as sent, newest 4 picks, 3 topics": Known(topics=3, picks=4),
    "as sent, newest 1 pick, 3 topics": Known(topics=3, picks=1),
    EXPLORING: Known(is_exploring=True),
    "as sent, no picks, 3 topics": Known(topics=3, picks=0),
    "as sent, no picks, 3 topics, 3 words": Known(topics=3, keywords=3, picks=0),
    "as sent, no picks, 3 topics, more of some": Known(topics=3, picks=0, says_more=True),
    "as sent, no picks, the same, 3 words": Known(topics=3, keywords=3, picks=0, says_more=True),
}
TEXT_ONLY: Mapping[str, float] = {part: float(part == "words") for part in SHARES}


class Command(BaseCommand):
    help = (
        "For each reader and day, compose the digest that the reader would have been sent, knowing "
        "only what was known before that day, and measure how many of their picks of the day it "
        "holds and how high they come. Runs the code that sends, and compares its ranking with "
        "others. Files are JSON Lines, plain or gzip. The rankings to compare with need "
        "scikit-learn. Needs no settings and no database."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_files(parser)
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        collection = collection_of(options)
        try:
            results = results_on(collection)
        except ImportError as error:
            raise CommandError("The rankings to compare with need scikit-learn.") from error
        if options["json"]:
            rows = [{**asdict(result), "outcomes": None} for result in results]
            self.stdout.write(json.dumps(rows, indent=1))
            return
        days = len({case.day for case in collection.cases})
        self.stdout.write(f"{len(collection.cases):,} cases (one reader on one day), {days} days.")
        self.stdout.write(as_text(table_of(results)))
        self.stdout.write("\n".join(comparisons(collection, results)))


def add_files(parser: ArgumentParser) -> None:
    """Add the options that name the files to measure on."""
    parser.add_argument("--papers", nargs="+", required=True, metavar="FILE", type=Path)
    parser.add_argument(
        "--history",
        nargs="*",
        default=(),
        metavar="FILE",
        type=Path,
        help="papers of days whose lists are not complete: known, but not ranked",
    )
    parser.add_argument("--readers", required=True, metavar="FILE", type=Path)
    parser.add_argument(
        "--with-authors",
        action="store_true",
        help="let authors count in the similarity of papers, as they do in digests",
    )


def collection_of(options: dict[str, Any]) -> Collection:
    """Return what the options name. Raises CommandError if it cannot be used."""
    try:
        return Collection.of(
            [row for path in options["papers"] for row in rows_of(path)],
            rows_of(options["readers"]),
            with_authors=options["with_authors"],
            history=[row for path in options["history"] for row in rows_of(path)],
        )
    except EvaluationError as error:
        raise CommandError(str(error)) from error


def as_text(table: Table) -> str:
    """Return the table as text of 120 columns, whatever the terminal."""
    with (console := Console(width=120, highlight=False)).capture() as printed:
        console.print(table)
    return printed.get()


def table_of(results: Sequence[Measurement]) -> Table:
    """Return the figures of held-out cases, nDCG@10 and recall of all, and the time."""
    table = Table(
        *("ranking", "nDCG@10", "95 %", "recall", "papers", "none"),
        *("nDCG, all", "recall, all", "µs a case"),
    )
    for result in results:
        score = result.held_out
        table.add_row(
            result.name,
            f"{score.ndcg:.3f}",
            f"{score.low:.2f}-{score.high:.2f}",
            f"{score.recall:.3f}",
            f"{score.length:.1f}",
            f"{score.without:.1%}",
            f"{result.all.ndcg:.3f}",
            f"{result.all.recall:.3f}",
            f"{result.microseconds:,.0f}",
        )
    return table


def comparisons(collection: Collection, results: Sequence[Measurement]) -> Iterator[str]:
    """Yield how our ranking differs from the learnt ones that know the same."""
    named = {result.name: result for result in results}
    for name, result in named.items():
        what, _colon, ranking = name.partition(": ")
        if not ranking or ranking == OURS or "per reader" not in ranking:
            continue
        for is_held_out, of in ((True, "held out"), (False, "all")):
            mean, low, high = evaluation.difference(
                collection, named[f"{what}: {OURS}"], result, held_out=is_held_out
            )
            yield f"{what}, {of}: ours minus {ranking}: {mean:+.3f} [{low:+.3f}, {high:+.3f}]"


def results_on(collection: Collection) -> list[Measurement]:
    """Measure our digests and all rankings. Raises ImportError without scikit-learn."""
    with one_thread():
        return list(_results(collection))


def _results(collection: Collection) -> Iterator[Measurement]:
    product = Rehearsal(collection, starter_topics())
    for name, known in DIGESTS.items():
        if not known.keywords or collection.keyword_counts:
            yield measure_sent(product, name, known)
    for name, ranker in simple(collection).items():
        yield measure(collection, name, ranker)
    if any(row.get("organization") for row in collection.rows):
        yield from _rankings(product, "with organization", with_labels=True)
    yield from _rankings(Rehearsal(collection, shares=TEXT_ONLY), "text", with_labels=False)


def _rankings(ours: Rehearsal, what: str, *, with_labels: bool) -> Iterator[Measurement]:
    """Measure the orders of all papers, where every ranking knows the same of them."""
    yield _timed(ours, f"{what}: {OURS}", partial(_order, ours))
    others = baselines(ours.collection, with_labels=with_labels)
    for name, ranker in others.rankers.items():
        yield measure(ours.collection, f"{what}: {name}", ranker, others.prepare)


def _order(ours: Rehearsal, cases: list[Case]) -> list[Outcome]:
    scored = ours.scores(cases, Known())
    pairs = zip(cases, scored, strict=True)
    return [evaluation.ranked(case.picked, scores) for case, scores in pairs]


def measure_sent(ours: Rehearsal, name: str, known: Known) -> Measurement:
    """Return how good digests are that are sent to readers of whom this much is known."""

    def run(cases: list[Case]) -> list[Outcome]:
        pairs = zip(cases, ours.sent(cases, known), strict=True)
        return [evaluation.sent(case.picked, digest.places) for case, digest in pairs]

    return _timed(ours, name, run)


def _timed(ours: Rehearsal, name: str, run: Callable[[list[Case]], list[Outcome]]) -> Measurement:
    """Measure with the CPU time of choosing alone: workers keep what else this takes."""
    ours.cpu = 0.0
    return measure_days(ours.collection, name, run, cpu=lambda: ours.cpu)


def starter_topics() -> list[TopicTerms]:
    """Return the topics of a new site."""
    module = import_module("subscribers.migrations.0012_learn_starter_topics")
    return [
        TopicTerms(
            topic.slug,
            topic.name,
            topic.description,
            tuple(module.terms_of(topic)),
            weights=weights_of(topic.slug),
            is_rest=topic == module.REST,
        )
        for topic in module.starter_topics()
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
