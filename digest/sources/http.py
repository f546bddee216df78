"""One careful GET: bounded in time, bytes and redirects, and never to a private address.

A feed's address may come from anybody, and what answers may be hostile or broken. So
everything that the answer decides (how long, how much, where to next) has its limit here.
"""

import ipaddress
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from .base import Download, SourceError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

AGENT = "Broadsheet/0.1"
_REDIRECTS = {301, 302, 303, 307, 308}
_TRY_LATER = {408, 425, 429}
_LONGEST_WAIT = 86_400.0
_UNICAST = ipaddress.IPv6Network("2000::/3")


@dataclass(frozen=True, slots=True)
class Limits:
    """`connect` and `read`: seconds for one step of the network; `total`: for everything.
    `size` counts bytes after decompression."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 60.0
    size: int = 20_000_000
    redirects: int = 3


def is_public(address: IPAddress) -> bool:
    """Whether it is an address of the open Internet: not private, local, multicast or reserved,
    and no IPv6 address that wraps one of those."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return is_public(address.ipv4_mapped)
        if address not in _UNICAST or address.sixtofour or address.teredo:
            return False
    return address.is_global and not address.is_multicast


def download(
    url: str,
    *,
    agent: str = AGENT,
    limits: Limits = Limits(),
    is_allowed: Callable[[IPAddress], bool] = is_public,
) -> Download:
    """GET `url`, following a few redirects, each checked like the first address.

    Raises SourceError for anything but an answer with status 200: permanent if asking again
    is no use, with `retry_after` if the server named a time.
    """
    deadline = time.monotonic() + limits.total
    first = url
    for _ in range(limits.redirects + 1):
        with _opened(url, agent, limits, deadline, is_allowed) as response:
            if response.status_code not in _REDIRECTS:
                _raise_for_status(url, response)
                body = b"".join(_chunks(url, response, limits, deadline))
                return Download(body, response.headers.get("Content-Type", ""))
            url = urljoin(url, response.headers.get("Location", ""))
    raise SourceError(
        f"{shown(first)} redirects more than {limits.redirects} times, in a circle perhaps. "
        "Look at the address with a browser and set the one it ends at.",
        permanent=True,
    )


def shown(url: str) -> str:
    """The address as it may stand in a log: a query or a user's name may be a secret."""
    parts = _split(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"[:200]


# --- asking --------------------------------------------------------------------------------
@contextmanager
def _opened(
    url: str,
    agent: str,
    limits: Limits,
    deadline: float,
    is_allowed: Callable[[IPAddress], bool],
) -> Iterator[requests.Response]:
    """The answer to one GET, its body unread. No redirect is followed."""
    parts = _split(url)
    address = _checked_address(parts, is_allowed)
    with requests.Session() as session:
        # No proxy, which would connect where it likes, and no password from a .netrc.
        session.trust_env = False
        adapter = _Pinned(str(address))
        session.mount(f"{parts.scheme}://", adapter)
        with _in_time(adapter, deadline), _translated(url, deadline):
            response = session.get(
                url,
                headers={"Host": parts.netloc.rpartition("@")[2], "User-Agent": agent},
                timeout=(limits.connect, limits.read),
                stream=True,
                allow_redirects=False,
            )
            with response:
                yield response


class _Pinned(HTTPAdapter):
    """Connects to an address that was checked, in the name of the host that was asked for.

    Were the name looked up again for the connection, its owner could answer with a public
    address for the check and with a private one for the connection (DNS rebinding).
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._lines: list[socket.socket] = []
        self._is_over = False
        super().__init__()

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        host, options = super().build_connection_pool_key_attributes(request, verify, cert)
        # TLS greets and checks the name; for http urllib3 drops the option.
        named = dict(options) | {"server_hostname": host["host"]}
        return dict(host) | {"host": self._address}, named

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        watch = self._watch

        class Watched(pool.ConnectionCls):  # type: ignore[misc]
            def _new_conn(self) -> socket.socket:
                return watch(super()._new_conn())

        pool.ConnectionCls = Watched
        return pool

    def _watch(self, line: socket.socket) -> socket.socket:
        # A second handle, because TLS and urllib3 take the first one over and hide it.
        self._lines.append(line.dup())
        if self._is_over:
            self.break_off()
        return line

    def break_off(self) -> None:
        """Make whatever waits for the network fail now, in whichever thread it waits."""
        self._is_over = True
        for line in self._lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        for line in self._lines:
            line.close()


@contextmanager
def _in_time(adapter: _Pinned, deadline: float) -> Iterator[None]:
    """Break the connection off at the deadline.

    A time-out of the socket starts anew with each byte, so a server that sends one now and
    then, in the headers say, would hold us for days.
    """
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), adapter.break_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _translated(url: str, deadline: float) -> Iterator[None]:
    """Every way in which the network fails, as SourceError."""
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        timeouts = (requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError)
        is_late = time.monotonic() >= deadline or isinstance(error, timeouts)
        what = "did not answer in time" if is_late else f"cannot be read ({_cause(error)})"
        raise SourceError(
            f"{shown(url)} {what}. It will be asked again; if this goes on, see whether the "
            "address is right and this machine reaches it."
        ) from error


def _cause(error: Exception) -> str:
    """The kind of error; its text may hold the whole address."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return re.sub(
        r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", type(error).__name__
    ).lower()


# --- checking ------------------------------------------------------------------------------
def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise SourceError("An address cannot be read: correct it.", permanent=True) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SourceError(
            f"An address is not asked: {parts.scheme or 'no scheme'} is not http or https.",
            permanent=True,
        )
    if not parts.netloc.isascii():
        raise SourceError(
            f"An address is not asked: write its host {parts.hostname} in ASCII (xn--…).",
            permanent=True,
        )
    return parts


def _checked_address(parts: SplitResult, is_allowed: Callable[[IPAddress], bool]) -> IPAddress:
    """One of the host's addresses, rather IPv4; all of them must be allowed."""
    host = str(parts.hostname)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise SourceError(
            f"The host {host} is not found. It will be looked up again; if this goes on, see "
            "whether the address is right and this machine has a name server."
        ) from error
    addresses = [ipaddress.ip_address(row[4][0]) for row in found]
    if not all(is_allowed(address) for address in addresses):
        raise SourceError(
            f"The host {host} is not asked: it is an address of this machine or of a private "
            "network. Only public addresses are read.",
            permanent=True,
        )
    return min(addresses, key=lambda address: address.version)


# --- reading -------------------------------------------------------------------------------
def _chunks(
    url: str, response: requests.Response, limits: Limits, deadline: float
) -> Iterator[bytes]:
    """The body as it comes, decompressed, until it ends or is too much."""
    size = 0
    while True:
        chunk = response.raw.read1(65_536, decode_content=True)
        if time.monotonic() >= deadline:  # also when we broke off, which may look like the end
            raise requests.Timeout
        if not chunk:
            return
        size += len(chunk)
        if size > limits.size:
            raise SourceError(
                f"{shown(url)} sends more than {limits.size // 1_000_000} MB, which no list "
                "of papers needs. It was broken off; look at the address with a browser.",
                permanent=True,
            )
        yield chunk


def _raise_for_status(url: str, response: requests.Response) -> None:
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    is_temporary = status >= 500 or status in _TRY_LATER
    wait = _seconds(response.headers.get("Retry-After", ""))
    advice = (
        "It will be asked again later."
        if is_temporary
        else "Look at the address with a browser; it may have moved, or not be for us."
    )
    asks = f", and asks to wait for {wait:.0f} seconds" if wait else ""
    raise SourceError(
        f"{shown(url)} answered {_named(status)}{asks}. {advice}",
        permanent=not is_temporary,
        retry_after=wait,
        status=status,
    )


def _named(status: int) -> str:
    with suppress(ValueError):
        return f"{status} {HTTPStatus(status).phrase}"
    return str(status)


def _seconds(retry_after: str) -> float | None:
    """A Retry-After header, which is a number of seconds or a date (RFC 9110, 10.2.3)."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), _LONGEST_WAIT)
