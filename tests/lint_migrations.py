"""``python -m tests.lint_migrations``: no migration may stop a system that is being used.

While a new version comes, workers of the old one go on: what a migration adds must be nothing to
them, and it must not lock a large table for long. django-migration-linter reads the SQL of each
migration. Exits with 1 for one that is neither fine nor named here with a reason.
"""

import logging
import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import django

from deploy.servers import running

from .services_plugin import ENVIRONMENT

# Those up to here were made before anybody had an installation.
BASELINE = {"digest": "0040", "subscribers": "0019"}
# What the linter objects to although it does no harm, and why not.
REVIEWED: dict[tuple[str, str], str] = {}


def main() -> int:
    logging.disable(logging.INFO)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), durable=False, environ={"REDIS_URL": "redis://localhost"}) as servers,
    ):
        os.environ |= ENVIRONMENT
        os.environ |= {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
        django.setup()
        return _lint()


def _lint() -> int:
    library: Any = import_module("django_migration_linter")
    linter = library.MigrationLinter(no_cache=True, all_warnings_as_errors=True, quiet=["ok"])
    loaded = linter.migration_loader.disk_migrations
    for (app, name), migration in sorted(loaded.items()):
        is_ours = app in BASELINE and name[:4] > BASELINE[app]
        if is_ours and (app, name) not in REVIEWED:
            linter.lint_migration(migration)
    print(f"Migrations: {linter.nb_total} looked at, {linter.nb_erroneous} to be mended.")  # noqa: T201  # its output
    return int(linter.nb_erroneous > 0)


if __name__ == "__main__":
    sys.exit(main())
