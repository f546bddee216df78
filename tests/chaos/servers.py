"""A PostgreSQL and a Valkey that can be crashed and started again at the same address."""

import os
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from deploy.servers import Services, running

STARTS_ELSEWHERE = "not started here"


def without_servers(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without servers of somebody else's: those must not be crashed."""
    named = {"DATABASE_URL", "REDIS_URL"}
    return {name: value for name, value in environ.items() if name not in named}


class Server:
    """One of the two servers, on data of its own in `folder`. A context manager.

    PostgreSQL is durable: what it has committed must be there after a crash.
    """

    def __init__(self, folder: Path, other: str) -> None:
        """`other` is the variable of the server that `running` shall not start with it."""
        self.folder = folder
        self._environ = {**without_servers(os.environ), other: STARTS_ELSEWHERE}
        self._stack = ExitStack()
        self.services: Services

    def __enter__(self) -> Self:
        self.services = self._stack.enter_context(
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
        """Send the signal to the server's main process, and start it again after `pause`."""
        before = self.services
        os.kill(pid, signal_number)
        time.sleep(pause)
        self._stack.close()
        self.__enter__()
        assert self.services == before, "a server that moved would be another fault"


class PostgreSQL(Server):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "REDIS_URL")

    @property
    def url(self) -> str:
        return self.services.database_url

    def restart(self, signal_number: int, *, pause: float) -> None:
        """SIGINT ends the sessions and closes the files; SIGQUIT is a crash with recovery."""
        pid = int((self.folder / "postgres" / "postmaster.pid").read_text().split()[0])
        self.crash(pid, signal_number, pause=pause)


class Valkey(Server):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "DATABASE_URL")

    @property
    def url(self) -> str:
        return self.services.redis_url

    def flush(self) -> None:
        """Forget every task there is."""
        with self._client() as client:
            client.flushall()

    def restart(self, *, pause: float) -> None:
        """Kill it: it has saved nothing."""
        with self._client() as client:
            pid = int(client.info("server")["process_id"])
        self.crash(pid, signal.SIGKILL, pause=pause)

    def _client(self) -> redis.Redis:
        path = self.url.removeprefix("redis+socket://").partition("?")[0]
        return redis.Redis(unix_socket_path=path)
