"""``make bench``: run the benchmarks named in the arguments (all of them if none is), each on a
PostgreSQL and a Valkey of its own, and print their tables. The same figures go as JSON into
.broadsheet/bench.json."""

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

BENCHMARKS = ("rendering", "ranking", "relevance", "engine", "smtp", "pages", "webhooks")


def main() -> None:
    folder = HOME / f"bench-{os.getpid()}"
    try:
        with running(folder, durable=False) as services:
            os.environ |= ENVIRONMENT
            os.environ["DATABASE_URL"] = services.database_url
            os.environ["REDIS_URL"] = services.redis_url
            django.setup()
            _run_all(sys.argv[1:] or BENCHMARKS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run_all(names: "list[str] | tuple[str, ...]") -> None:
    # These need Django to be set up, which needs the services.
    import_module("django.core.management").call_command("migrate", verbosity=0)
    told = {}
    for name in names:
        table = import_module(f"tests.benchmarks.{name}").run()
        Console().print(table)
        told[name] = _rows(table)
        (HOME / "bench.json").write_text(json.dumps(told, indent=1, ensure_ascii=False))


def _rows(table: Table) -> list[dict[str, str]]:
    """What the table says, for a program: a row each, by the columns' names."""
    names = [str(column.header) for column in table.columns]
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


if __name__ == "__main__":
    main()
