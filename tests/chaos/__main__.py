"""Play rounds on a separate PostgreSQL and Valkey. Exits with 1 if a rule was broken."""

import argparse
import os
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from random import SystemRandom
from typing import Any

import django
from rich.console import Console
from rich.table import Table

from tests.services_plugin import ENVIRONMENT, HOME
from tests.workers import LIVELY

from .servers import PostgreSQL, Valkey

SETTINGS = {**LIVELY, "SENDERS": "4", "DELIVERY_BATCH": "200", "DELIVERY_CHUNK": "10"}
COLUMNS = (
    "round",
    "faults",
    "s",
    "mails",
    "sent",
    "skipped",
    "failed",
    "in doubt",
    "(taken)",
    "(bound)",
    "doubles",
    "lost",
)


def main() -> int:
    options = _options()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 140)
    console.print(f"Seed {options.seed}. Each round: {options.readers:,} readers.")
    folder = HOME / f"chaos-{os.getpid()}"
    is_good = False
    try:
        with PostgreSQL(folder / "pg") as postgres, Valkey(folder / "kv") as valkey:
            os.environ |= ENVIRONMENT
            os.environ |= SETTINGS  # for this process too: they bound the number in doubt
            os.environ |= {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url}
            os.environ["STATE_FOLDER"] = str(folder / "state")
            django.setup()
            import_module("django.core.management").call_command("migrate", verbosity=0)
            rounds = import_module("tests.chaos.rounds")
            site = rounds.Site(
                folder, postgres, valkey, options.readers, options.workers, options.seed
            )
            reports = []
            for number in range(options.first, options.first + options.rounds):
                reports.append(rounds.play(site, number))
                _tell(console, reports[-1])
        console.print(_table(reports))
        is_good = not any(report.violations for report in reports)
    finally:
        if is_good and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    console.print("Every rule held." if is_good else f"Rules were broken. Logs: {folder}")
    return 0 if is_good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--readers", type=int, default=2000, help="in each round")
    parser.add_argument("--workers", type=int, default=2, help="each with two pool processes")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--first", type=int, default=1, help="the first round's number")
    parser.add_argument("--keep", action="store_true", help="keep the logs even if every rule held")
    return parser.parse_args()


def _tell(console: Console, report: Any) -> None:
    """Print the result of a round as soon as it is over."""
    for violation in report.violations:
        console.print(f"✗ round {report.number}: {violation}", style="red", markup=False)
    for fallen in report.fallen:
        console.print(f"! round {report.number}: {fallen} and was replaced", style="yellow")
    if not report.violations:
        console.print(f"✓ round {report.number}: {report.verdict.mails:,} mails", style="green")


def _table(reports: Sequence[Any]) -> Table:
    """A row for each round, and totals. "Taken" are those in doubt that the server accepted."""
    table = Table(*COLUMNS, show_footer=True)
    rows = [_figures(report) for report in reports]
    for report, figures in zip(reports, rows, strict=True):
        table.add_row(str(report.number), _named(report.faults), *map(_shown, figures))
    total: Counter[str] = sum((report.faults for report in reports), Counter())
    footers = [f"{len(reports)}", f"{total.total()} faults"]
    footers += [_shown(sum(column)) for column in zip(*rows, strict=True)]
    for column, footer in zip(table.columns, footers, strict=True):
        column.footer = footer
    return table


def _figures(report: Any) -> tuple[float, ...]:
    verdict = report.verdict
    states = verdict.states
    settled = (states["sent"], states["skipped"], states["failed"])
    doubt = (verdict.in_doubt, verdict.taken_in_doubt, report.doubt)
    return (report.seconds, verdict.mails, *settled, *doubt, verdict.doubles, verdict.lost)


def _shown(figure: float) -> str:
    return f"{figure:,.0f}"


def _named(faults: Counter[str]) -> str:
    return ", ".join(f"{name} {n}×" if n > 1 else name for name, n in sorted(faults.items()))


if __name__ == "__main__":
    sys.exit(main())
