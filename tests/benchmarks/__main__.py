"""``make bench``: run the benchmarks named in the arguments (all of them if none is), each on a
PostgreSQL and a Valkey of its own, and print their tables."""

import os
import shutil
import sys
from importlib import import_module

import django
from rich.console import Console

from deploy.services import running
from tests.services_plugin import ENVIRONMENT, HOME

BENCHMARKS = ("rendering", "engine", "smtp")


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
    for name in names:
        Console().print(import_module(f"tests.benchmarks.{name}").run())


if __name__ == "__main__":
    main()
