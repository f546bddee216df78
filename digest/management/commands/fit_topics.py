"""``manage.py fit_topics``: learn the weights of the starter topics. Needs no database."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from digest.ranking import learnt
from digest.ranking.measuring import subjects
from digest.ranking.measuring.learning import learn

from .evaluate_ranking import rows_of


class Command(BaseCommand):
    help = (
        "Learn from papers and their keywords which words say that a paper is on a starter topic, "
        "and write the weights that the site matches papers with. Only papers with keywords of "
        "the earlier half of the days count; evaluate_topics measures on the later half. Files "
        "are JSON Lines, plain or gzip. Needs scikit-learn."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--papers", nargs="+", required=True, metavar="FILE", type=Path)
        parser.add_argument("--to", metavar="FILE", type=Path, default=learnt.FILE)

    def handle(self, *args: Any, **options: Any) -> None:
        rows = [row for path in options["papers"] for row in rows_of(path)]
        earlier = subjects.earlier_half(rows)
        if not earlier:
            raise CommandError("No paper of the earlier half of the days has keywords.")
        try:
            weights = learn(earlier)
        except ImportError as error:
            raise CommandError("Learning needs scikit-learn.") from error
        options["to"].write_text(learnt.as_json(weights))
        words = sum(len(each.of) for each in weights.values())
        self.stdout.write(f"{len(earlier):,} papers, {len(weights)} topics, {words:,} weights.")
