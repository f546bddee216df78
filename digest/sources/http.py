"""One careful GET: limited in time, bytes and redirects, and never to a private address.

A feed's address may come from anybody, and the server behind it may be hostile or broken. So
everything that the server decides (how long, how much, where to next) has its limit here.
"""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urljoin

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar

from .addresses import IPAddress, checked, is_public, shown, split
from .base import NOTHING_KNOWN, Download, SourceError, Validators

AGENT = "Broadsheet/0.1"
_REDIRECTS = {301, 302, 303, 307, 308}
_TRY_LATER = {408, 425, 429}
_LONGEST_WAIT = 86_400.0
_LONGEST_ETAG = 500
_LONGEST_DATE = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """`connect` and `read` are seconds for one network operation, `total` for the whole download
    with its redirects. `size` counts bytes after decompression."""

    connect: float = 5.0
    read: float = 20.0
    total: float = 60.0
    size: int = 20_000_000
    redirects: int = 5


def download(
    url: str,
    *,
    agent: str = AGENT,
    limits: Limits = Limits(),
    is_allowed: Callable[[IPAddress], bool] = is_public,
    known: Validators = NOTHING_KNOWN,
) -> Download:
    """Return the body at `url`, following a few redirects, each checked like the first address.

    Cookies that are set on the way are sent to their own sites, and forgotten at the end. With
    what is `known` of an earlier response, the server may answer that nothing has changed. Raises
    SourceError for anything but a complete response with status 200 within `limits`.
    """
    deadline = time.monotonic() + limits.total
    first = url
    cookies = RequestsCookieJar()
    headers = {"User-Agent": agent} | _conditions(known)
    for _ in range(limits.redirects + 1):
        with _opened(url, headers, cookies, limits, deadline, is_allowed) as response:
            if response.status_code not in _REDIRECTS:
                if response.status_code == HTTPStatus.NOT_MODIFIED and known != NOTHING_KNOWN:
                    return Download(b"", url=url, is_unchanged=True)
                _raise_for_status(url, response)
                body = b"".join(_chunks(url, response, limits, deadline))
                content_type = response.headers.get("Content-Type", "")
                return Download(body, content_type, url, _validators(response))
            url = urljoin(url, response.headers.get("Location", ""))
    raise SourceError(
        f"{shown(first)} redirects more than {limits.redirects} times, perhaps in a circle. "
        "Look at the address with a browser and set the one where it ends."
    )


# --- requesting --------------------------------------------------------------------------------
@contextmanager
def _opened(
    url: str,
    headers: Mapping[str, str],
    cookies: RequestsCookieJar,
    limits: Limits,
    deadline: float,
    is_allowed: Callable[[IPAddress], bool],
) -> Iterator[requests.Response]:
    """Yield the response to one GET, its body unread. Does not follow redirects."""
    with one_request(url, deadline, is_allowed) as session, _translated(url, deadline):
        session.cookies = cookies
        response = session.get(
            url,
            headers=headers,
            timeout=(limits.connect, limits.read),
            stream=True,
            allow_redirects=False,
        )
        with response:
            yield response


@contextmanager
def one_request(
    url: str, deadline: float, is_allowed: Callable[[IPAddress], bool]
) -> Iterator[requests.Session]:
    """Yield a session for one request to `url`, which must be told not to follow redirects.

    It connects to the address that is checked here, and is cut off at the deadline (a time of
    `time.monotonic`). Raises SourceError if the URL is none or its address is not allowed.
    """
    parts = split(url)
    adapter = _Pinned(str(checked(parts, is_allowed)))
    with _NoRedirects() as session:
        # Ignore proxies, which connect wherever they like, and passwords in a .netrc.
        session.trust_env = False
        session.headers["Host"] = parts.netloc.rpartition("@")[2]
        session.mount(f"{parts.scheme}://", adapter)
        with _in_time(adapter, deadline):
            yield session


def _conditions(known: Validators) -> dict[str, str]:
    asked = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in asked.items() if value}


def _validators(response: requests.Response) -> Validators:
    """Return what to send with the next request. What is too long, or no plain text, is none."""
    etag, modified = (response.headers.get(name, "") for name in ("ETag", "Last-Modified"))
    is_fit = etag.isascii() and etag.isprintable() and len(etag) <= _LONGEST_ETAG
    is_date = len(modified) <= _LONGEST_DATE and _seconds(modified) is not None
    return Validators(etag if is_fit else "", modified if is_date else "")


class _NoRedirects(requests.Session):
    """Leaves redirects to us: it would read where they lead even if it is not to follow them."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Pinned(HTTPAdapter):
    """Connects to the address that was checked, using the name of the requested host.

    If the name were looked up again for the connection, its owner could give a public address
    for the check and a private one for the connection (DNS rebinding).
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._sockets: list[socket.socket] = []
        self._is_over = False
        super().__init__()

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> tuple[Any, Any]:
        host, options = super().build_connection_pool_key_attributes(request, verify, cert)
        # TLS sends and verifies this name; for http urllib3 drops the option.
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

    def _watch(self, opened: socket.socket) -> socket.socket:
        # Keep a second handle, because TLS and urllib3 take over the first one and hide it.
        self._sockets.append(opened.dup())
        if self._is_over:
            self.abort()
        return opened

    def abort(self) -> None:
        """Make everything that waits for the network fail now, in any thread."""
        self._is_over = True
        for each in self._sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        super().close()
        for each in self._sockets:
            each.close()


@contextmanager
def _in_time(adapter: _Pinned, deadline: float) -> Iterator[None]:
    """Abort the connection at the deadline (a time of `time.monotonic`).

    A socket's own timeout starts again with each byte, so a server that sends one now and then,
    for example in its headers, could keep us for days.
    """
    timer = threading.Timer(max(0.0, deadline - time.monotonic()), adapter.abort)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextmanager
def _translated(url: str, deadline: float) -> Iterator[None]:
    """Turn every failure of the network, and every header that is none, into a SourceError."""
    try:
        yield
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        timeouts = (requests.Timeout, TimeoutError, urllib3.exceptions.TimeoutError)
        is_late = time.monotonic() >= deadline or isinstance(error, timeouts)
        what = "did not answer in time" if is_late else f"cannot be read ({cause(error)})"
        raise SourceError(
            f"{shown(url)} {what}. It will be asked again; if this persists, check the address "
            "and whether this machine can reach it."
        ) from error


def cause(error: Exception) -> str:
    """Return the kind of error in words. Its own text might reveal the whole address."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    return re.sub(
        r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", type(error).__name__
    ).lower()


# --- reading -------------------------------------------------------------------------------
def _chunks(
    url: str, response: requests.Response, limits: Limits, deadline: float
) -> Iterator[bytes]:
    """Yield the body as it arrives, decompressed. Raises SourceError if it is too long."""
    size = 0
    while True:
        chunk = response.raw.read1(65_536, decode_content=True)
        if time.monotonic() >= deadline:  # checked first: an aborted body may look complete
            raise requests.Timeout
        if not chunk:
            return
        size += len(chunk)
        if size > limits.size:
            raise SourceError(
                f"{shown(url)} sends more than {limits.size // 1_000_000} MB, which no list of "
                "papers needs. The download was stopped; look at the address with a browser."
            )
        yield chunk


def _raise_for_status(url: str, response: requests.Response) -> None:
    status = response.status_code
    if status == HTTPStatus.OK:
        return
    wait = _seconds(response.headers.get("Retry-After", ""))
    wish = f", and asks us to wait for {wait:.0f} seconds" if wait else ""
    advice = (
        "It will be asked again later."
        if status >= 500 or status in _TRY_LATER
        else "Look at the address with a browser; it may have moved, or be closed to us."
    )
    raise SourceError(f"{shown(url)} answered {_named(status)}{wish}. {advice}", status=status)


def _named(status: int) -> str:
    with suppress(ValueError):
        return f"{status} {HTTPStatus(status).phrase}"
    return str(status)


def _seconds(retry_after: str) -> float | None:
    """Read a Retry-After header: a number of seconds, or a date (RFC 9110, 10.2.3)."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - datetime.now(UTC)).total_seconds()), _LONGEST_WAIT)
