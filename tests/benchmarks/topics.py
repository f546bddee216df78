"""How well papers are matched to the starter topics: the figures of ``evaluate_topics``.

By what was learnt and by the topics' words alone, which an operator's own topics have to do with.
"""

import os
from dataclasses import replace
from pathlib import Path

from rich.table import Table

from digest.management.commands.evaluate_ranking import rows_of, starter_topics
from digest.management.commands.evaluate_topics import agreements_on
from digest.ranking.measuring import subjects

from .relevance import SHARED

PAPERS = "hf_daily_papers.jsonl.gz"


def run() -> Table:
    table = Table("matched by", "macro-F1, later half", "95 % of it", "papers of no topic")
    file = Path(os.environ.get("BENCH_DATA", SHARED)) / PAPERS
    if not file.is_file():
        table.add_row("-", "BENCH_DATA is not a folder with the data", "", "")
        return table
    rows = list(rows_of(file))
    later = subjects.later_half(rows)
    learnt = starter_topics()
    by_words = [replace(topic, weights=None) for topic in learnt]
    for name, topics in (("words", by_words), ("learnt weights and words", learnt)):
        found = agreements_on(later, topics)
        low, high = found.interval
        table.add_row(
            name, f"{found.macro_f1:.3f}", f"{low:.3f} to {high:.3f}", f"{found.unmatched:.1%}"
        )
    return table
