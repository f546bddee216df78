"""How good the ranking is on what real people picked: the figures of ``evaluate_ranking``.

We may not redistribute the data. It is read from the folder in BENCH_DATA, or from
`shared/data` next to the checkout.
"""

import os
from pathlib import Path

from rich.table import Table

from digest.management.commands.evaluate_ranking import comparisons, results_on, rows_of
from digest.ranking.measuring.collection import Collection

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
# The complete lists of papers, further papers that only serve as history, and what readers picked
# from the lists. The readers of the second task are authors, and their picks are what they wrote.
# Authors would give the picks away, so they never count.
TASKS = {
    "Daily Papers": (["hf_daily_papers.jsonl.gz"], [], "hf_readers.jsonl.gz"),
    "arXiv": (
        ["arxiv_2026-01_02.jsonl.gz"],
        ["arxiv_sample_2025-2026.jsonl.gz"],
        "arxiv_readers.jsonl.gz",
    ),
}


def run() -> Table:
    table = Table("task", "ranking", "nDCG@10, held out", "recall", "nDCG@10, all", "µs of CPU")
    folder = Path(os.environ.get("BENCH_DATA", SHARED))
    if not folder.is_dir():
        table.add_row("-", "BENCH_DATA is not a folder with the data", "", "", "", "")
        return table
    for task, files in TASKS.items():
        collection = collection_of(folder, *files)
        results = results_on(collection)
        for result in results:
            score = result.held_out
            table.add_row(
                task,
                result.name,
                f"{score.ndcg:.3f} [{score.low:.3f}, {score.high:.3f}]",
                f"{score.recall:.3f}",
                f"{result.all.ndcg:.3f}",
                f"{result.microseconds:,.0f}",
            )
        for line in comparisons(collection, results):
            table.add_row(task, line, "", "", "", "")
    return table


def collection_of(folder: Path, papers: list[str], history: list[str], readers: str) -> Collection:
    """Return the papers and readers in these files of the folder."""
    return Collection.of(
        [row for name in papers for row in rows_of(folder / name)],
        rows_of(folder / readers),
        with_authors=False,
        history=[row for name in history for row in rows_of(folder / name)],
    )
