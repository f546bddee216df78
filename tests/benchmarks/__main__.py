"""``make bench``: runs the benchmarks named in the arguments, or all of them.

They share a PostgreSQL and a Valkey started for this run. Prints their tables and writes the same
figures as JSON to .broadsheet/bench.json.
"""

import json
import os
import shutil
import sys
from importlib import import_module

import django
from rich.console import Console
from rich.table import Table

from deploy.servers import running
from tests.services_plugin import ENVIRONMENT, HOME

BENCHMARKS = (
    *("rendering", "ranking", "relevance", "topics", "engine", "smtp", "pages", "search"),
    *("webhooks", "cold_start", "desk", "importing", "similar", "idle"),
    *("hosts", "letters", "retention"),
)


def main() -> None:
    folder = HOME / f"bench-{os.getpid()}"
    try:
        with running(folder, durable=False) as servers:
            os.environ |= ENVIRONMENT
            os.environ["DATABASE_URL"] = servers.database_url
            os.environ["REDIS_URL"] = servers.redis_url
            os.environ["STATE_FOLDER"] = str(folder / "state")  # a journal is kept, as in real life
            django.setup()
            _run_all(sys.argv[1:] or BENCHMARKS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_all(names: "list[str] | tuple[str, ...]") -> None:
    # These imports need Django to be set up, which needs the servers.
    import_module("django.core.management").call_command("migrate", verbosity=0)
    figures = {}
    for name in names:
        table = import_module(f"tests.benchmarks.{name}").run()
        Console().print(table)
        figures[name] = _rows(table)
        (HOME / "bench.json").write_text(json.dumps(figures, indent=1, ensure_ascii=False))


def _rows(table: Table) -> list[dict[str, str]]:
    """The table as data: one dictionary for each row, keyed by column."""
    names = [str(column.header) for column in table.columns]
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


if __name__ == "__main__":
    main()
