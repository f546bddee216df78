"""``manage.py evaluate_topics``: measure how well papers are matched to the starter topics.

The matching is that of a new site. The yardsticks, and how they were made, are in
``digest.ranking.measuring.subjects``.
"""

import json
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.table import Table

from digest.ranking.measuring import subjects
from digest.ranking.measuring.agreeing import Agreement, Agreements, agreements
from digest.ranking.measuring.collection import text_of
from digest.ranking.tfidf import TopicTerms, topic_fits

from .evaluate_ranking import as_text, rows_of, starter_topics


class Command(BaseCommand):
    help = (
        "Match papers to the starter topics, with the same code as the site, and compare the "
        "result with the papers' own keywords and arXiv categories. Only the later half of the "
        "days with keywords counts: the matching was made from the earlier half. Files are JSON "
        "Lines, plain or gzip."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--papers", nargs="+", required=True, metavar="FILE", type=Path)
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [row for path in options["papers"] for row in rows_of(path)]
        later = subjects.later_half(rows)
        if not all(row.get("title") for row in later):
            raise CommandError("A paper has no title.")
        found = agreements_on(later)
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found), indent=1))
            return
        self.stdout.write(as_text(table_of(found.topics)))
        for line in lines_of(found):
            self.stdout.write(line)


def agreements_on(
    rows: Sequence[Mapping[str, Any]], topics: Sequence[TopicTerms] | None = None
) -> Agreements:
    """Compare the matches of `topics`, which are the starter topics if nothing is given, with
    keywords and categories, over the papers that have them."""
    topics = starter_topics() if topics is None else topics
    fits = topic_fits([text_of(row) for row in rows], topics) > 0
    return agreements(rows, fits, {str(topic.key): topic.name for topic in topics})


def table_of(topics: Sequence[Agreement]) -> Table:
    table = Table("topic", "by", "matched", "expected", "precision", "recall", "F1")
    for one in topics:
        counts = (f"{one.matched:,}", f"{one.expected:,}")
        shares = (f"{share:.2f}" for share in (one.precision, one.recall, one.f1))
        table.add_row(one.topic, one.by, *counts, *shares)
    return table


def lines_of(found: Agreements) -> list[str]:
    """Return what is told of all topics together."""
    low, high = found.interval
    return [
        f"Macro-F1 by keywords: {found.macro_f1:.3f} [{low:.3f}, {high:.3f}]",
        f"Papers that fit no topic: {found.unmatched:.1%}",
    ]
