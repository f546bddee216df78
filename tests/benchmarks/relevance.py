"""How good the ranking is on what real people picked: the figures of ``evaluate_ranking``.

We may not redistribute the data. It is read from the folder in BENCH_DATA, or from
`shared/data` next to the checkout.
"""

import os
from pathlib import Path

from rich.table import Table

from digest.management.commands.evaluate_ranking import results_on, rows_of
from digest.ranking.measuring.collection import Collection
from digest.ranking.measuring.evaluation import Measurement

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
# The lists of papers, and what readers picked from them. The readers of the second task are
# authors, and their picks are what they wrote. Authors would give the picks away, so they never
# count.
TASKS = {
    "Daily Papers": (["hf_daily_papers.jsonl.gz"], "hf_readers.jsonl.gz"),
    "arXiv": (
        ["arxiv_2026-01_02.jsonl.gz", "arxiv_sample_2025-2026.jsonl.gz"],
        "arxiv_readers.jsonl.gz",
    ),
}


def run() -> Table:
    table = Table("task", "ranking", "nDCG@10, held out", "nDCG@10, all", "µs of CPU a reader")
    folder = Path(os.environ.get("BENCH_DATA", SHARED))
    if not folder.is_dir():
        table.add_row("-", "BENCH_DATA is not a folder with the data", "", "", "")
        return table
    for task, (papers, readers) in TASKS.items():
        for result in _results(folder, papers, readers):
            table.add_row(
                task,
                result.name,
                f"{result.held_out.ndcg:.3f}",
                f"{result.all.ndcg:.3f}",
                f"{result.microseconds:,.0f}",
            )
    return table


def _results(folder: Path, papers: list[str], readers: str) -> list[Measurement]:
    rows = [row for name in papers for row in rows_of(folder / name)]
    return results_on(Collection.of(rows, rows_of(folder / readers), with_authors=False))
