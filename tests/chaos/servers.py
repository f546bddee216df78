"""A PostgreSQL and a Valkey that can be crashed and restarted at the same address."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from deploy.servers import Servers, running

STARTS_ELSEWHERE = "not started here"


def without_servers(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without the operator's own servers, which must not be crashed."""
    named = {"DATABASE_URL", "REDIS_URL"}
    return {name: value for name, value in environ.items() if name not in named}


class Server:
    """One of the two servers, with its data in `folder`. A context manager.

    PostgreSQL is durable: whatever it has committed must survive a crash.
    """

    def __init__(self, folder: Path, other: str) -> None:
        """`other` is the variable of the other server, which `running` must not start."""
        self.folder = folder
        self._environ = {**without_servers(os.environ), other: STARTS_ELSEWHERE}
        self._stack = ExitStack()
        self.servers: Servers

    def __enter__(self) -> Self:
        self.servers = self._stack.enter_context(
            running(self.folder, durable=True, environ=self._environ)
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def crash(self, pid: int, signal_number: int, *, pause: float) -> None:
        """Send the signal to the server's main process, and restart it after `pause` seconds."""
        before = self.servers
        os.kill(pid, signal_number)
        time.sleep(pause)
        self._stack.close()
        self.__enter__()
        assert self.servers == before, "a server that moved would be another fault"


class PostgreSQL(Server):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "REDIS_URL")

    @property
    def url(self) -> str:
        return self.servers.database_url

    def restart(self, signal_number: int, *, pause: float) -> None:
        """SIGINT ends the sessions and closes the files; SIGQUIT causes a crash with recovery."""
        pid = int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        self.crash(pid, signal_number, pause=pause)


class Valkey(Server):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "DATABASE_URL")

    @property
    def url(self) -> str:
        return self.servers.redis_url

    def flush(self) -> None:
        """Delete every queued task."""
        with self._client() as client:
            client.flushall()

    def restart(self, *, pause: float) -> None:
        """Kill it and start it again, empty because it saves nothing."""
        with self._client() as client:
            pid = int(client.info("server")["process_id"])
        self.crash(pid, signal.SIGKILL, pause=pause)

    def _client(self) -> redis.Redis:
        path = self.url.removeprefix("redis+socket://").partition("?")[0]
        return redis.Redis(unix_socket_path=path)
