"""``python -m deploy.web``: serves the site, with waitress.

One thread receives all requests and hands over complete ones only, so a slow visitor costs a
connection and no worker: four visitors who send nothing would otherwise stop a server with four
threads. A request may take only so long to arrive, and be only as large as its path allows
(`deploy.limits`), before anything of it is kept.
"""

import argparse
import copy
import os
import resource
import signal
import socket
import sys
import time
from types import FrameType
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server

from deploy.limits import most_bytes

THREADS = 4
# How many visitors may be connected at once, and how long a request may take to arrive, or an idle
# connection stay open.
CONNECTIONS = 1000
SECONDS = 120
# For the files, the database and Redis.
_OTHER_FILES = 200


class Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    """Refuses a body that its path does not allow, before it is received."""

    def parse_header(self, header_plus: bytes) -> None:
        super().parse_header(header_plus)
        self.adj: Adjustments = copy.copy(self.adj)
        self.adj.max_request_body_size = most_bytes(self.path) + 1


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection on which the time for a request begins with its first byte.

    waitress closes what has been idle for long. A visitor who sends a byte now and then never is.
    """

    parser_class = Parser
    _began = 0.0

    def received(self, data: bytes) -> bool:
        if self.request is None:
            self._began = time.time()
        is_taken: bool = super().received(data)
        if self.request is not None:  # it is still incomplete
            self.last_activity = self._began
        return is_taken


def main() -> int:
    options = _options()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deploy.settings")
    from deploy.wsgi import application  # noqa: PLC0415  # only once the settings can be found

    with _socket(options) as listening:
        serve(application, listening)
    return 0


def serve(application: Any, listening: socket.socket) -> None:
    """Serve on this socket until SIGTERM."""
    signal.signal(signal.SIGTERM, _stop)
    server = make_server(application, listening)
    host, port = listening.getsockname()[:2]
    sys.stdout.write(f"Listening at http://{host}:{port}\n")
    sys.stdout.flush()
    server.run()


def make_server(application: Any, listening: socket.socket, *, seconds: int = SECONDS) -> Any:
    """Return a server on this socket that is not running yet."""
    server = create_server(
        application,
        sockets=[listening],
        threads=THREADS,
        connection_limit=_allowed_connections(),
        channel_timeout=seconds,
        cleanup_interval=min(seconds, 5),
        asyncore_use_poll=True,  # select() cannot watch more than 1,024
        max_request_header_size=32_000,
        # Django reads these headers, and believes what our own proxies add (TRUSTED_PROXIES).
        clear_untrusted_proxy_headers=False,
        log_socket_errors=False,
        ident="",
    )
    server.channel_class = Channel
    return server


def _allowed_connections() -> int:
    """Allow as many open files as we may, and return for how many connections that is enough."""
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # A connection with a long body or answer takes up to three.
    wanted = 3 * CONNECTIONS + _OTHER_FILES
    if now != resource.RLIM_INFINITY and now < wanted:
        now = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (now, most))
    if now == resource.RLIM_INFINITY:
        return CONNECTIONS
    return max(50, min(CONNECTIONS, (now - _OTHER_FILES) // 3))


def _socket(options: argparse.Namespace) -> socket.socket:
    if options.fd is not None:
        return socket.socket(fileno=options.fd)
    host, _, port = options.bind.rpartition(":")
    return socket.create_server((host, int(port)), backlog=1024)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.web", description=__doc__)
    parser.add_argument("--bind", default="127.0.0.1:8000", help="address and port")
    parser.add_argument("--fd", type=int, help="the number of a socket that listens already")
    return parser.parse_args()


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
