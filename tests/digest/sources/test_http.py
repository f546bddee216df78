import gzip
import ipaddress
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from digest.sources.addresses import IPAddress, is_public, shown
from digest.sources.base import NOTHING_KNOWN, SourceError
from digest.sources.http import Limits, download

QUICK = Limits(connect=1, read=0.3, total=1.0, size=1_000_000)
Script = Callable[[BaseHTTPRequestHandler], None]


class World:
    """A web server on loopback that runs the scripts of a test and records requests."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.asked: list[tuple[str, str]] = []
        self.agents: list[str] = []
        world = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                world.asked.append((self.headers["Host"], self.path))
                world.agents.append(self.headers["User-Agent"])
                with suppress(OSError):  # the client hung up
                    world.scripts[self.path](self)

            def log_message(self, format: str, *args: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]

    def at(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    thread = threading.Thread(target=world.server.serve_forever, args=(0.02,))
    thread.start()
    yield world
    world.server.shutdown()
    world.server.server_close()
    thread.join()


def loopback_too(address: IPAddress) -> bool:
    return address.is_loopback or is_public(address)


def answering(body: bytes, status: int = 200, **headers: str) -> Script:
    def script(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return script


def failure(url: str, limits: Limits = QUICK) -> SourceError:
    with pytest.raises(SourceError) as caught:
        download(url, limits=limits, is_allowed=loopback_too)
    return caught.value


def test_download_brings_body_and_content_type(world: World) -> None:
    world.scripts["/feed"] = answering(b"<rss/>", Content_Type="text/xml; charset=utf-8")

    got = download(world.at("/feed"), agent="Broadsheet/0.1 (+x)", is_allowed=loopback_too)

    assert (got.body, got.content_type) == (b"<rss/>", "text/xml; charset=utf-8")
    assert world.agents == ["Broadsheet/0.1 (+x)"]


def test_compressed_body_is_unpacked(world: World) -> None:
    packed = gzip.compress(b"paper " * 50_000)
    world.scripts["/feed"] = answering(packed, Content_Encoding="gzip")

    assert download(world.at("/feed"), is_allowed=loopback_too).body == b"paper " * 50_000


def test_loopback_is_refused_before_anything_is_asked(world: World) -> None:
    world.scripts["/feed"] = answering(b"secret")

    with pytest.raises(SourceError, match="Only public addresses are read"):
        download(world.at("/feed"))

    assert world.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "192.0.0.8",
        "192.0.0.9",
        "192.88.99.1",
        "198.18.0.1",
        "2001:1::1",
        "2001:20::1",
        "3fff::1",
        "5f00::1",
        "fec0::1",
    ],
)
def test_address_that_is_not_public_is_recognized(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["151.101.1.69", "2606:4700::6810:85e5", "::ffff:151.101.1.69"])
def test_public_address_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_name_that_resolves_to_a_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [(socket.AF_INET, 1, 6, "", (ip, 0)) for ip in ("151.101.1.69", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)

    with pytest.raises(SourceError, match="Only public addresses are read"):
        download("http://papers.example/feed")


def test_connection_goes_to_the_address_that_was_checked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.scripts["/feed"] = answering(b"here")
    real = socket.getaddrinfo
    answers = iter(["127.0.0.1"])  # a second look-up of the name would find nothing

    def changing(host: str, *args: object, **options: object) -> object:
        known = next(answers) if host == "papers.example" else host
        return real(known, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", changing)

    got = download(f"http://papers.example:{world.port}/feed", is_allowed=loopback_too)

    assert got.body == b"here"
    assert world.asked == [(f"papers.example:{world.port}", "/feed")]


def test_redirect_is_followed(world: World) -> None:
    world.scripts["/old"] = answering(b"", 301, Location="/new?x=1")
    world.scripts["/new?x=1"] = answering(b"here")

    assert download(world.at("/old"), is_allowed=loopback_too).body == b"here"


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/latest/meta-data", "file:///etc/passwd", "gopher://x/"]
)
def test_redirect_to_a_private_place_is_refused(world: World, target: str) -> None:
    world.scripts["/old"] = answering(b"", 302, Location=target)

    error = failure(world.at("/old"))

    assert "is not requested" in str(error)
    assert len(world.asked) == 1


@pytest.mark.parametrize(
    "target",
    ["http://[::1", "http://a\u2100b.example/", "http://\xff.example/", "//[x]/", "http://a b/"],
)
def test_redirect_to_what_is_no_address_is_an_error(world: World, target: str) -> None:
    def script(handler: BaseHTTPRequestHandler) -> None:
        coded = "latin-1" if target.isascii() or "\xff" in target else "utf-8"
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ")
        handler.wfile.write(target.encode(coded) + b"\r\n\r\n")

    world.scripts["/old"] = script

    failure(world.at("/old"))

    assert len(world.asked) == 1


def test_cookie_that_a_redirect_sets_is_sent_back(world: World) -> None:
    def gate(handler: BaseHTTPRequestHandler) -> None:
        script = (
            answering(b"here")
            if "seen=yes" in handler.headers.get("Cookie", "")
            else answering(b"", 302, Location="/feed", **{"Set-Cookie": "seen=yes; Path=/"})
        )
        script(handler)

    world.scripts["/feed"] = gate

    assert download(world.at("/feed"), is_allowed=loopback_too).body == b"here"
    assert len(world.asked) == 2


def test_cookie_is_neither_sent_to_another_host_nor_kept(world: World) -> None:
    cookies: list[str | None] = []

    def listening(handler: BaseHTTPRequestHandler) -> None:
        cookies.append(handler.headers.get("Cookie"))
        answering(b"here")(handler)

    away = f"http://localhost:{world.port}/new"
    world.scripts["/old"] = answering(b"", 302, Location=away, **{"Set-Cookie": "a=b"})
    world.scripts["/new"] = listening

    download(world.at("/old"), is_allowed=loopback_too)
    download(world.at("/new"), is_allowed=loopback_too)

    assert cookies == [None, None]


def test_only_what_has_changed_is_sent_again(world: World) -> None:
    modified = "Fri, 20 Nov 2026 10:00:00 GMT"

    def conditional(handler: BaseHTTPRequestHandler) -> None:
        is_known = handler.headers.get("If-None-Match") == '"7"'
        is_known &= handler.headers.get("If-Modified-Since") == modified
        body, status = (b"", 304) if is_known else (b"here", 200)
        answering(body, status, ETag='"7"', **{"Last-Modified": modified})(handler)

    world.scripts["/feed"] = conditional

    first = download(world.at("/feed"), is_allowed=loopback_too)
    again = download(world.at("/feed"), is_allowed=loopback_too, known=first.validators)

    assert (first.body, first.url, first.is_unchanged) == (b"here", world.at("/feed"), False)
    assert (again.body, again.is_unchanged) == (b"", True)


@pytest.mark.parametrize(
    "headers", [{"ETag": '"' + "x" * 900 + '"'}, {"ETag": "é"}, {"Last-Modified": "yesterday"}]
)
def test_useless_validators_are_not_kept(world: World, headers: dict[str, str]) -> None:
    world.scripts["/feed"] = answering(b"here", 200, **headers)

    assert download(world.at("/feed"), is_allowed=loopback_too).validators == NOTHING_KNOWN


def test_unchanged_is_an_error_if_nothing_was_known(world: World) -> None:
    world.scripts["/feed"] = answering(b"", 304)

    assert "answered 304" in str(failure(world.at("/feed")))


def test_redirects_in_a_circle_end(world: World) -> None:
    world.scripts["/a"] = answering(b"", 302, Location="/b")
    world.scripts["/b"] = answering(b"", 302, Location="/a")

    error = failure(world.at("/a"))

    assert "perhaps in a circle" in str(error)
    assert len(world.asked) == QUICK.redirects + 1


def test_endless_body_is_aborted(world: World) -> None:
    sent = []

    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 100_000)
            sent.append(100_000)

    world.scripts["/feed"] = endless

    error = failure(world.at("/feed"), Limits(size=3_000_000))

    assert "more than 3 MB" in str(error)
    assert sum(sent) < 20_000_000


def test_gzip_bomb_is_aborted(world: World) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000)
    assert len(bomb) < 1_000_000
    world.scripts["/feed"] = answering(bomb, Content_Encoding="gzip")

    error = failure(world.at("/feed"), Limits(size=1_000_000))

    assert "more than 1 MB" in str(error)


def drip(handler: BaseHTTPRequestHandler, start: bytes, drop: bytes) -> None:
    handler.wfile.write(start)
    for _ in range(100):
        time.sleep(0.1)
        handler.wfile.write(drop)


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"<"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n<\r\n"),
    ],
    ids=["headers", "body", "chunks"],
)
def test_answer_that_drips_ends_at_the_deadline(world: World, start: bytes, drop: bytes) -> None:
    world.scripts["/feed"] = lambda handler: drip(handler, start, drop)
    began = time.monotonic()

    error = failure(world.at("/feed"))

    assert "did not answer in time" in str(error)
    assert time.monotonic() - began < QUICK.total + 1


def test_silence_ends_at_the_read_timeout(world: World) -> None:
    world.scripts["/feed"] = lambda handler: time.sleep(2)
    began = time.monotonic()

    error = failure(world.at("/feed"))

    assert "did not answer in time" in str(error)
    assert time.monotonic() - began < QUICK.total


def test_body_that_ends_early_is_an_error(world: World) -> None:
    world.scripts["/feed"] = answering(b"[half a list", Content_Length="5000")

    error = failure(world.at("/feed"))

    assert "It will be asked again" in str(error)


@pytest.mark.parametrize(
    ("status", "is_permanent"), [(400, True), (404, True), (410, True), (429, False), (503, False)]
)
def test_status_says_whether_to_ask_again(world: World, status: int, is_permanent: bool) -> None:
    world.scripts["/feed"] = answering(b"", status)

    error = failure(world.at("/feed"))

    is_asked_again = "It will be asked again later" in str(error)
    assert (error.status, is_asked_again) == (status, not is_permanent)


@pytest.mark.parametrize(
    ("header", "wish"),
    [
        ("120", ", and asks us to wait for 120 seconds."),
        ("999999999999", ", and asks us to wait for 86400 seconds."),
        ("Wed, 21 Oct 2015 07:28:00 GMT", "Requests."),
        ("soon", "Requests."),
    ],
)
def test_retry_after_is_understood(world: World, header: str, wish: str) -> None:
    world.scripts["/feed"] = answering(b"", 429, Retry_After=header)

    assert f"answered 429 Too Many {wish if wish == 'Requests.' else f'Requests{wish}'}" in str(
        failure(world.at("/feed"))
    )


def test_refused_connection_is_asked_again(world: World) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        error = failure(f"http://127.0.0.1:{unused.getsockname()[1]}/feed")

    assert "It will be asked again" in str(error)


@pytest.mark.parametrize("url", ["ftp://example.org/x", "//example.org", "http://[::1", "http://"])
def test_address_that_cannot_be_requested_is_refused(url: str) -> None:
    assert re.match("An address (is not requested|cannot be read): ", str(failure(url)))


def test_error_does_not_reveal_secrets(world: World) -> None:
    url = world.at("/feed?token=hunter2").replace("http://", "http://ada:hunter2@")
    world.scripts["/feed?token=hunter2"] = answering(b"", 500)

    assert "hunter2" not in str(failure(url))
    assert shown(url) == "http://127.0.0.1/feed"
