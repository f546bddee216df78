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
import psycopg
from rich.console import Console
from rich.table import Table

from tests.services_plugin import ENVIRONMENT, HOME

from . import clock
from .mail.sink import SECRET
from .servers import PostgreSQL, Valkey

COLUMNS = (
    *("round", "mail service", "faults", "days", "reader-days", "mails", "lost", "twice"),
    *("after leaving", "in doubt", "explained", "released", "s"),
)


def main() -> int:
    options = _options()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    console.print(
        f"Seed {options.seed}. Each round: {options.readers:,} readers, {options.days} days."
    )
    folder = HOME / f"chaos-{os.getpid()}"
    is_good = False
    try:
        with PostgreSQL(folder / "pg") as postgres, Valkey(folder / "kv") as valkey:
            site = _prepare(folder, postgres, valkey, options)
            rounds = import_module("tests.chaos.rounds")
            reports = []
            for number in range(options.first, options.first + options.rounds):
                reports.append(rounds.play(site, number))
                _tell(console, reports[-1])
        console.print(_table(reports))
        is_good = not any(report.verdict.violations for report in reports)
    finally:
        if is_good and not options.keep:
            shutil.rmtree(folder, ignore_errors=True)
    console.print("Every rule held." if is_good else f"Rules were broken. Logs: {folder}")
    return 0 if is_good else 1


def _prepare(folder: Any, postgres: PostgreSQL, valkey: Valkey, options: argparse.Namespace) -> Any:
    """Set the clock, and the server's carelessness, before anything is stored."""
    os.environ |= ENVIRONMENT
    os.environ |= {"DATABASE_URL": postgres.url, "REDIS_URL": valkey.url}
    os.environ |= {"WEBHOOK_SECRET": SECRET}
    own = clock.Clock(folder / "clock", postgres.url)
    os.environ["CHAOS_CLOCK"] = str(own.path)
    clock.install(own.path)
    with psycopg.connect(postgres.url, autocommit=True) as database:
        # What is committed asynchronously is lost in a crash.
        database.execute("ALTER SYSTEM SET synchronous_commit = off")
        database.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
        database.execute("SELECT pg_reload_conf()")
    django.setup()
    import_module("django.core.management").call_command("migrate", verbosity=0)
    site = import_module("tests.chaos.course").Site
    every = import_module("tests.chaos.faults").FAULTS
    chosen = [fault for fault in every if fault.__name__ in options.only] or every
    numbers = (options.readers, options.days, options.seed)
    return site(folder, postgres, valkey, own, *numbers, chosen)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--readers", type=int, default=600, help="in each round")
    parser.add_argument("--days", type=int, default=3, help="simulated in each round")
    parser.add_argument("--seed", type=int, default=SystemRandom().randrange(10**6))
    parser.add_argument("--first", type=int, default=1, help="the first round's number")
    parser.add_argument("--only", nargs="+", default=(), help="these faults, by name")
    parser.add_argument("--keep", action="store_true", help="keep the logs even if every rule held")
    return parser.parse_args()


def _tell(console: Console, report: Any) -> None:
    """Print the result of a round as soon as it is over."""
    for violation in report.verdict.violations:
        console.print(f"✗ round {report.number}: {violation}", style="red", markup=False)
    for fallen in report.fallen:
        console.print(f"! round {report.number}: {fallen} and was replaced", style="yellow")
    states = ", ".join(f"{n} {name}" for name, n in sorted(report.verdict.states.items()))
    mark = "✗" if report.verdict.violations else "✓"
    console.print(f"{mark} round {report.number}, {report.seconds:.0f} s: {states}")


def _table(reports: Sequence[Any]) -> Table:
    """A row for each round, and totals."""
    table = Table(*COLUMNS, show_footer=True)
    for report in reports:
        names = (f"round {report.number}"[6:], report.service, _named(report.faults))
        figures = (*_figures(report.verdict), report.released, f"{report.seconds:,.0f}")
        table.add_row(*map(str, (*names, report.days, *figures)))
    faults: Counter[str] = Counter()
    for report in reports:
        faults.update(dict(report.faults))
    acts = sum(report.acts for report in reports)
    totals = [str(len(reports)), "", f"{faults.total()} faults, {acts} acts of readers"]
    totals += [str(sum(report.days for report in reports)), *_sums(reports)]
    for column, footer in zip(table.columns, totals, strict=True):
        column.footer = footer
    return table


def _figures(verdict: Any) -> tuple[Any, ...]:
    counted = (verdict.days, verdict.mails, verdict.lost, verdict.twice)
    return (*counted, f"{verdict.after:.1f} s", verdict.doubt, verdict.explained)


def _sums(reports: Sequence[Any]) -> list[str]:
    verdicts = [report.verdict for report in reports]
    names = ("days", "mails", "lost", "twice", "doubt", "explained")
    sums = [f"{sum(getattr(verdict, name) for verdict in verdicts):,}" for name in names]
    sums.insert(4, f"{max(verdict.after for verdict in verdicts):.1f} s")
    released = sum(report.released for report in reports)
    return [*sums, str(released), f"{sum(report.seconds for report in reports):,.0f}"]


def _named(faults: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {n}×" if n > 1 else name for name, n in faults)


if __name__ == "__main__":
    sys.exit(main())
