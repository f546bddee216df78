"""Worker hosts of their own: network namespaces (Linux, as root) that reach the servers over TCP.

Each has its own network, host name and folder. Its link to the others can be cut and let back.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from deploy import children
from deploy.children import works

NUMBER = 2
DATABASE_PORT, REDIS_PORT = 15432, 16379


class Hosts:
    """The hosts of one round, numbered from 0. A context manager."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """`environment` is that of a process beside the servers."""
        self._name = f"bs{os.getpid() % 100_000}"
        self._log = folder / "relay.log"
        self._address = f"10.213.{os.getpid() % 250}"
        self._before = environment
        self.environment = {**environment, **self._elsewhere(environment)}

    def __enter__(self) -> Self:
        near = f"{self._address}.1"
        try:
            _ip("link", "add", self._name, "type", "bridge")
            _ip("address", "add", f"{near}/24", "dev", self._name)
            _ip("link", "set", self._name, "up")
            for host in range(NUMBER):
                self._connect(host)
        except BaseException:
            self._remove()
            raise
        command = [sys.executable, "-m", "tests.chaos.relay", near, *self._targets()]
        self._relay = children.spawn(command, log=self._log, death_signal="KILL")
        return self

    def _connect(self, host: int) -> None:
        name, link = self._names(host)
        _ip("netns", "add", name)
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name)
        _ip("link", "set", link, "master", self._name, "up")
        _ip("-netns", name, "address", "add", f"{self._address}.{host + 2}/24", "dev", "eth0")
        _ip("-netns", name, "link", "set", "eth0", "up")
        _ip("-netns", name, "link", "set", "lo", "up")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        children.stop(self._relay)
        self._remove()

    def _remove(self) -> None:
        for host in range(NUMBER):
            works(["ip", "netns", "delete", self._names(host)[0]])
        works(["ip", "link", "delete", self._name])

    def command(self, host: int) -> list[str]:
        """What a command begins with so that it runs on this host."""
        name, _ = self._names(host)
        named = ["unshare", "--uts", "sh", "-c", 'hostname "$0"; exec "$@"', name]
        return ["ip", "netns", "exec", name, *named]

    def cut(self, host: int) -> None:
        """Nothing gets through any more, and nobody is told."""
        _ip("link", "set", self._names(host)[1], "down")

    def let_back(self, host: int) -> None:
        _ip("link", "set", self._names(host)[1], "up")

    def _names(self, host: int) -> tuple[str, str]:
        return f"{self._name}-{host}", f"{self._name}v{host}"

    # --- where the servers are ---------------------------------------------------------------
    def _elsewhere(self, environment: Mapping[str, str]) -> dict[str, str]:
        database, near = urlsplit(environment["DATABASE_URL"]), f"{self._address}.1"
        mail = urlsplit(environment["EMAIL_URL"])
        return {
            "DATABASE_URL": f"postgresql://postgres@{near}:{DATABASE_PORT}{database.path}",
            "REDIS_URL": f"redis://{near}:{REDIS_PORT}/0",
            "EMAIL_URL": f"smtp://{near}:{mail.port}",
        }

    def _targets(self) -> list[str]:
        (sockets,) = parse_qs(urlsplit(self._before["DATABASE_URL"]).query)["host"]
        redis, mail = (urlsplit(self._before[name]) for name in ("REDIS_URL", "EMAIL_URL"))
        return [
            f"{DATABASE_PORT}={sockets}/.s.PGSQL.5432",
            f"{REDIS_PORT}={redis.path}",
            f"{mail.port}={mail.port}",
        ]


def problem() -> str:
    """Why there can be no such hosts here, or nothing."""
    if not works(["ip", "netns", "add", f"bs-try-{os.getpid()}"]):
        return "network namespaces cannot be made here (they need Linux, root and iproute2)"
    works(["ip", "netns", "delete", f"bs-try-{os.getpid()}"])
    return ""


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
