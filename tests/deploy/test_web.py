"""What `make run` starts survives slow visitors by itself, and refuses bodies unread."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any

import pytest

from deploy import processes, web
from deploy.demo import ready
from deploy.processes import ProcessError

SLOW = 200
BEGINNINGS = {
    "nothing": b"",
    "half a header": b"GET / HTTP/1.1\r\nHost: a",
    "half a body": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nemail=",
    "half a chunk": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab",
}


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answer with what arrived."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{len(body)} {environ.get('HTTP_X_FORWARDED_FOR', '')}".encode()]


@pytest.fixture
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """A running server that waits `request.param` seconds for a request, or a minute."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = web.make_server(application, listening, seconds=getattr(request, "param", 60))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        server.maintenance = lambda _now: None
        for channel in list(server.active_channels.values()):
            channel.will_close = True
        while server.active_channels:
            time.sleep(0.05)
        server.task_dispatcher.shutdown()
        server.close()
        thread.join(5)


def ask(port: int, method: str = "GET", path: str = "/", **given: Any) -> tuple[int, str]:
    line = HTTPConnection("127.0.0.1", port, timeout=20)
    line.request(method, path, **given)
    answer = line.getresponse()
    found = answer.status, answer.read().decode()
    line.close()
    return found


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_visitors_who_send_half_a_request_hold_up_nobody(port: int, beginning: str) -> None:
    with ExitStack() as stack:
        for _ in range(SLOW):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
            line.sendall(BEGINNINGS[beginning])

        assert [ask(port)[0] for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("port", [1], indirect=True)
def test_a_visitor_who_sends_a_byte_now_and_then_is_sent_away(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(b"GET / HTTP/1.1\r\nX: ")
        for _ in range(150):
            if is_closed(line):
                break
            line.sendall(b"a")
            time.sleep(0.1)

        assert is_closed(line)


def is_closed(line: socket.socket) -> bool:
    """Whether the server has closed the connection, on which it has said nothing."""
    try:
        return line.recv(1, socket.MSG_DONTWAIT | socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("/", 60_000, 200),
        ("/", 100_000, 413),
        ("/api/signup", 200_000, 413),
        ("/p/token/papers", 1_040_000, 200),
        ("/webhooks/postmark/inbound/", 6_000_000, 200),
        ("/webhooks/postmark/inbound/", 40_000_000, 413),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_is_refused_by_its_size(
    port: int, path: str, size: int, status: int, is_chunked: bool
) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {size}"
        line.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\n{length}\r\n\r\n".encode())
        try:
            if is_chunked:
                line.sendall(b"%x\r\n" % size + b"x" * size + b"\r\n0\r\n\r\n")
            elif status == 200:
                line.sendall(b"x" * size)
            answer = line.recv(100)
        except ConnectionError:
            answer = b"HTTP/1.1 413"  # it stopped to listen

    assert answer.startswith(f"HTTP/1.1 {status}".encode()) or (answer == b"" and status == 413)


def test_what_the_proxies_say_arrives(port: int) -> None:
    assert ask(port, headers={"X-Forwarded-For": "192.0.2.1"}) == (200, "0 192.0.2.1")


# --- ports ---------------------------------------------------------------------------------
def test_a_chosen_port_stays_ours_until_the_site_starts() -> None:
    with ready.choose_port(None) as ours:
        number = ours.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("127.0.0.1", number))
        with pytest.raises(OSError, match="in use"):
            socket.create_server(("", number))
        with ready.choose_port(None) as other:
            assert other.getsockname()[1] > number
        with pytest.raises(ProcessError, match=f"Port {number} is taken. Try: make demo PORT="):
            ready.choose_port(number)
        assert processes.take_port(number) is None
