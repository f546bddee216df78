"""The embedded servers: started, reused, refused, stopped, and orphaned by a killed parent."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
import redis

from deploy.children import spawn, stop
from deploy.servers import ServerError, Servers, running

CHECKOUT = Path(__file__).resolve().parents[2]
needs_setpriv = pytest.mark.skipif(
    shutil.which("setpriv") is None, reason="only Linux ends children with their parent"
)
HOLD = """
import sys, time
from pathlib import Path
from deploy.servers import running

with running(Path(sys.argv[1]), durable=False, environ={}) as servers:
    print(servers.database_url, servers.redis_url, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A new folder in the checkout: PostgreSQL's user may not be able to reach pytest's own."""
    home = CHECKOUT / ".broadsheet"
    home.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=home) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def redis_client(url: str) -> redis.Redis:
    socket = url.removeprefix("redis+socket://").removesuffix("?virtual_host=0")
    return redis.Redis(unix_socket_path=socket)


def server_pids(folder: Path, redis_url: str) -> list[int]:
    with redis_client(redis_url) as client:
        valkey = int(client.info("server")["process_id"])
    return [int((folder / "postgres/postmaster.pid").read_text().split()[0]), valkey]


def is_running(pid: int) -> bool:
    """Whether the process is alive. A zombie (ended, not reaped) has no command line."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except FileNotFoundError:
        return False


@pytest.fixture
def holder(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Servers]]:
    """Another Python process that runs the servers in `folder`, and their addresses."""
    argv = [sys.executable, "-c", HOLD, str(folder)]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process, Servers(*process.stdout.readline().split())
        process.kill()


def test_both_servers_answer_on_private_sockets(folder: Path) -> None:
    with running(folder, durable=False, environ={}) as found:
        rows = query(found.database_url, "SELECT current_database(), inet_server_addr()")
        with redis_client(found.redis_url) as client:
            port = client.config_get("port")

        assert rows == [("broadsheet", None)]
        assert port == {"port": "0"}
        assert (folder / "sockets").stat().st_mode & 0o777 == 0o700


def test_second_start_finds_the_data_of_the_first(folder: Path) -> None:
    with running(folder, durable=True, environ={}) as first:
        query(first.database_url, "CREATE TABLE kept AS SELECT 7 AS number")

    with running(folder, durable=True, environ={}) as second:
        rows = query(second.database_url, "SELECT number FROM kept")

    assert rows == [(7,)]


def test_nothing_runs_after_the_end(folder: Path) -> None:
    with running(folder, durable=False, environ={}) as found:
        pids = server_pids(folder, found.redis_url)
        before = [is_running(pid) for pid in pids]

    assert before == [True, True]
    assert [is_running(pid) for pid in pids] == [False, False]
    assert list((folder / "sockets").iterdir()) == []


@needs_setpriv
def test_both_servers_end_when_their_parent_is_killed(
    folder: Path, holder: tuple[subprocess.Popen[str], Servers]
) -> None:
    process, found = holder
    pids = server_pids(folder, found.redis_url)
    assert [is_running(pid) for pid in pids] == [True, True]

    process.kill()
    deadline = time.monotonic() + 5
    while any(is_running(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert [is_running(pid) for pid in pids] == [False, False]


@needs_setpriv
def test_start_right_after_a_kill_waits_for_the_old_servers(
    folder: Path, holder: tuple[subprocess.Popen[str], Servers]
) -> None:
    process, found = holder
    query(found.database_url, "CREATE TABLE kept AS SELECT 7 AS number")

    process.kill()
    with running(folder, durable=False, environ={}) as again:
        rows = query(again.database_url, "SELECT number FROM kept")

    assert rows == [(7,)]


def test_second_pair_of_servers_in_a_folder_is_refused(
    folder: Path,
    holder: tuple[subprocess.Popen[str], Servers],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("deploy.servers.folder.LOCK_SECONDS", 0.2)
    _, found = holder

    with pytest.raises(
        ServerError, match=r"^another demo is running in this checkout; stop it first"
    ):
        running(folder, durable=False, environ={}).__enter__()

    assert query(found.database_url, "SELECT 1") == [(1,)]


def test_nothing_is_started_when_the_operator_names_both_servers(folder: Path) -> None:
    theirs = {"DATABASE_URL": "postgresql://db.example/x", "REDIS_URL": "redis://r.example/0"}

    with running(folder, durable=False, environ=theirs) as found:
        logs = list(folder.glob("*.log"))

    assert found == Servers("postgresql://db.example/x", "redis://r.example/0")
    assert logs == []


def test_only_the_server_that_the_operator_does_not_name_is_started(folder: Path) -> None:
    theirs = {"DATABASE_URL": "postgresql://db.example/x"}

    with (
        running(folder, durable=False, environ=theirs) as found,
        redis_client(found.redis_url) as client,
    ):
        answer = client.ping()

    assert (found.database_url, answer) == ("postgresql://db.example/x", True)
    assert [log.name for log in folder.glob("*.log")] == ["valkey.log"]


def test_interrupted_initdb_starts_over(folder: Path) -> None:
    (folder / "postgres.unfinished" / "base").mkdir(parents=True)
    (folder / "postgres.unfinished" / "PG_VERSION").write_text("18\n")

    with running(folder, durable=False, environ={}) as found:
        rows = query(found.database_url, "SELECT 1")

    assert rows == [(1,)]
    assert not (folder / "postgres.unfinished").exists()


def test_data_of_another_major_version_is_refused(folder: Path) -> None:
    (folder / "postgres").mkdir()
    (folder / "postgres" / "PG_VERSION").write_text("9.6\n")

    with pytest.raises(ServerError, match=r"the data of PostgreSQL 9\.6 .* `make clean`"):
        running(folder, durable=False, environ={}).__enter__()


def test_a_long_path_moves_only_the_sockets_elsewhere(folder: Path) -> None:
    deep = folder / ("deep" * 30)

    with running(deep, durable=False, environ={}) as found:
        sockets = Path(found.database_url.partition("?host=")[2])
        rows = query(found.database_url, "SELECT 1")
        was_there = sockets.is_dir()

    assert (rows, was_there, sockets.exists()) == ([(1,)], True, False)
    assert (deep / "postgres" / "PG_VERSION").exists()


def test_path_with_a_space_works(folder: Path) -> None:
    with running(folder / "my papers", durable=False, environ={}) as found:
        rows = query(found.database_url, "SELECT 1")

    assert rows == [(1,)]


@pytest.mark.parametrize("name", ["PG_BIN", "REDIS_BIN"])
def test_error_names_the_program_that_is_missing(folder: Path, name: str) -> None:
    with pytest.raises(ServerError, match=rf"{name}=/nowhere\. `make \.venv/\.installed`"):
        running(folder, durable=False, environ={name: "/nowhere"}).__enter__()


def test_error_quotes_the_log_of_a_server_that_does_not_start(folder: Path) -> None:
    with running(folder, durable=False, environ={}):
        pass
    with (folder / "postgres" / "postgresql.conf").open("a") as config:
        config.write("work_mem = 'no number'\n")

    with pytest.raises(ServerError, match=r'^PostgreSQL did not start(.|\n)*"work_mem"'):
        running(folder, durable=False, environ={}).__enter__()


def test_log_holds_no_values_of_a_failed_statement(folder: Path) -> None:
    with running(folder, durable=False, environ={}) as found:
        query(found.database_url, "CREATE TABLE people (address text UNIQUE)")
        query(found.database_url, "INSERT INTO people VALUES ('ada@example.org')")
        with pytest.raises(psycopg.errors.UniqueViolation, match=r"ada@example\.org"):
            query(found.database_url, "INSERT INTO people VALUES ('ada@example.org')")

    log = (folder / "postgres.log").read_text()
    assert log.count("duplicate key value") == 1
    assert log.count("ada@example.org") == 0


def test_child_has_a_session_and_a_log_of_its_own(folder: Path) -> None:
    child = spawn([sys.executable, "-c", "print('ready'); input()"], log=folder / "child.log")
    session = os.getsid(child.pid)
    child.wait(10)

    assert session == child.pid != os.getsid(0)
    assert (folder / "child.log").read_text().splitlines()[0] == "ready"


def test_child_that_ignores_the_signal_is_killed(folder: Path) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True)"
    child = spawn([sys.executable, "-c", f"{deaf}; time.sleep(600)"], log=folder / "child.log")
    while not (folder / "child.log").read_bytes():
        time.sleep(0.01)

    assert stop(child, signal.SIGTERM, patience=0.2) == -signal.SIGKILL
    assert stop(child) == -signal.SIGKILL
