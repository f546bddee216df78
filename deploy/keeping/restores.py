"""Restores a backup in the place of what is there, and leaves the database in safe mode.

What was there is put aside in a schema of its own, so a restore that fails, or one of the wrong
file, loses nothing. Afterwards nothing is sent until somebody says what had gone out.
"""

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from digest.delivery.limits import memory
from digest.models import Backup
from subscribers.database import execute, fetch

from . import backups, programs

# What an own entry of the table of contents is for. The rest of these would fail, or change what
# belongs to the server's owner.
_NOT_OURS = re.compile(r"^\d+; \d+ \d+ (SCHEMA - public|COMMENT - (SCHEMA public|EXTENSION)) ")


class RestoreError(RuntimeError):
    """Nothing was restored, and what was there is still there. The message says why."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored: a database as of `at`, if that is known, in place of the one in `aside`,
    if there was one."""

    at: datetime | None
    aside: str
    has_same_keys: bool


def restore(path: Path) -> Restored:
    """Put the backup in the place of what is there. Raises `RestoreError` or `ProgramError`.

    Everything else must have been stopped: whoever holds a session might go on with the old data.
    """
    contents = _contents(path)
    _refuse_newer(path)
    _refuse_others()
    aside = _put_aside()
    try:
        _fill(path, contents)
    except BaseException:
        connection.close()
        _put_back(aside)
        raise
    connection.close()
    # Its own tables may be older than we are. The hold needs ours.
    call_command("migrate", verbosity=0, interactive=False)
    return _enter_safe_mode(aside)


def forget_aside() -> Sequence[str]:
    """Delete what earlier restores have put aside. Returns the names of the schemas."""
    names = [name for (name,) in fetch(_ASIDE, {"like": f"{backups.ASIDE}%"})]
    for name in names:
        execute(f'DROP SCHEMA "{name}" CASCADE')
    return names


_ASIDE = "SELECT nspname FROM pg_namespace WHERE nspname LIKE %(like)s"


# --- beforehand ----------------------------------------------------------------------------
def _contents(path: Path) -> str:
    """The table of contents, for what we restore of it. Fails for a file that is no backup."""
    listed = programs.run("pg_restore", "--list", str(path), is_offline=True)
    if "TABLE DATA public django_migrations" not in listed:
        raise RestoreError(f"{path} is no backup of Broadsheet.")
    lines = listed.splitlines()
    return "\n".join(line for line in lines if not _NOT_OURS.match(line)) + "\n"


def _refuse_newer(path: Path) -> None:
    """A database that a newer version made cannot be used by this one."""
    arguments = ("--data-only", "--table=django_migrations", "--file=-", str(path))
    rows = programs.run("pg_restore", *arguments, is_offline=True)
    made_by = set(re.findall(r"^\d+\t(digest|subscribers)\t(\w+)\t", rows, re.MULTILINE))
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    if newer := sorted(made_by - known):
        app, name = newer[-1]
        raise RestoreError(
            f"A newer version made this backup (it has {app}.{name}). Install that version first."
        )


def _refuse_others() -> None:
    """Nobody else may hold a session: not the site, no worker, and nobody at a prompt."""
    rows = fetch(
        """
        SELECT coalesce(nullif(application_name, ''), backend_type), count(*)
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND backend_type = 'client backend'
        GROUP BY 1
        """
    )
    if rows:
        who = ", ".join(f"{name} ({number})" for name, number in rows)
        raise RestoreError(
            f"Others are connected to the database: {who}. Stop the site, the workers, the clock "
            "and the watcher first; then try again."
        )


# --- the two schemas -----------------------------------------------------------------------
# All that is ours in a schema, each as the words of an ALTER. Indexes, triggers and the sequences
# of columns go with their tables. What an extension brought belongs to whoever owns the server.
_OBJECTS = """
    SELECT kind || ' ' || name FROM (
        SELECT CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
            oid::regclass::text AS name, relnamespace AS schema, oid, 'pg_class'::regclass AS class
        FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S')
        UNION ALL
        SELECT 'ROUTINE', oid::regprocedure::text, pronamespace, oid, 'pg_proc'::regclass
        FROM pg_proc
        UNION ALL
        SELECT CASE typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END, oid::regtype::text,
            typnamespace, oid, 'pg_type'::regclass
        FROM pg_type WHERE typtype IN ('d', 'e')
    ) object
    WHERE schema = %s::regnamespace AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE classid = class AND objid = object.oid AND deptype IN ('a', 'i', 'e')
    )
"""


def _put_aside() -> str:
    """Move what is there to another schema, and return its name; "" if there is nothing."""
    _refuse_foreigners()
    name = f"{backups.ASIDE}{timezone.now():%Y%m%d_%H%M%S}"
    with transaction.atomic():
        execute(f'CREATE SCHEMA "{name}"')
        if _move("public", name):
            return name
        transaction.set_rollback(True)
        return ""


def _put_back(name: str) -> None:
    if name:
        with transaction.atomic():
            _move(name, "public")
            execute(f'DROP SCHEMA "{name}"')


def _move(schema: str, to: str) -> int:
    # With an empty path, all names are written with their schema.
    execute("SET LOCAL search_path = ''")
    objects = fetch(_OBJECTS, [f'"{schema}"'])
    for (words,) in objects:
        execute(f'ALTER {words} SET SCHEMA "{to}"')
    execute("SET LOCAL search_path TO DEFAULT")
    return len(objects)


def _refuse_foreigners() -> None:
    """Only the owner of a database can make a schema in it."""
    ((is_owner, owner, user),) = fetch(
        """
        SELECT pg_has_role(datdba, 'USAGE'), pg_get_userbyid(datdba), current_user
        FROM pg_database WHERE datname = current_database()
        """
    )
    if not is_owner:
        raise RestoreError(
            f"The database belongs to {owner}, and {user} may not restore it. As an administrator: "
            f'ALTER DATABASE "{connection.settings_dict["NAME"]}" OWNER TO "{user}"'
        )


def _fill(path: Path, contents: str) -> None:
    """All of it or nothing."""
    with tempfile.NamedTemporaryFile("w", suffix=".list") as file:
        file.write(contents)
        file.flush()
        programs.run(
            "pg_restore",
            *("--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction"),
            f"--use-list={file.name}",
            str(path),
        )


# --- afterwards ----------------------------------------------------------------------------
def _enter_safe_mode(aside: str) -> Restored:
    backup = Backup.objects.filter(finished_at=None).order_by("-at").first()
    with transaction.atomic():
        memory.restored_by_us(backup.at if backup else None)
    execute("ANALYZE")
    return Restored(
        backup.at if backup else None,
        aside,
        backup is None or backup.keys == backups.fingerprint(),
    )
