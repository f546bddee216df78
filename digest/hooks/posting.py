"""One careful POST: limited in time and bytes, without redirects, and never to a private address.

It connects as the downloads of feeds do: to the address that was checked, whatever its name says a
moment later (DNS rebinding).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import requests
import urllib3.exceptions
from django.conf import settings

from digest.sources import SourceError
from digest.sources.addresses import IPAddress, is_public, split
from digest.sources.http import AGENT, cause, one_request

# Seconds for one network operation, and for all of it.
_EACH, TOTAL = 5.0, 10.0
# As much of an answer is kept.
_MOST_BYTES = 500
_LONGEST_WAIT = 3600


class Unreachable(Exception):
    """There was no answer. The message is a few words, without the address."""


class BadUrl(ValueError):
    """We never call this. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    answer: str
    wait: int = 0


def check_url(url: str) -> None:
    """Raise `BadUrl` unless the URL is one that may be called, whatever its host's address."""
    try:
        parts = split(url)
    except SourceError as error:
        raise BadUrl("This is no URL that can be called. Write it as https://…") from error
    is_plain = parts.scheme == "http" and not _may_be_local()
    if is_plain:
        raise BadUrl("The URL must begin with https://, because calls say who reads what.")
    if parts.username or parts.password:
        raise BadUrl("Leave out the name and the password: calls are signed instead.")


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    """Return what is answered. Raises `Unreachable`."""
    deadline = time.monotonic() + TOTAL
    said = {"User-Agent": AGENT, "Content-Type": "application/json", **headers}
    try:
        check_url(url)
        with one_request(url, deadline, _is_allowed()) as session:
            return _reply(session, url, body, said)
    except (BadUrl, SourceError) as error:
        raise Unreachable(str(error)) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        is_late = time.monotonic() >= deadline or _is_timeout(error)
        raise Unreachable("no answer in time" if is_late else cause(error)) from error


def _reply(session: requests.Session, url: str, body: bytes, said: Mapping[str, str]) -> Reply:
    with session.post(
        url, data=body, headers=said, timeout=_EACH, stream=True, allow_redirects=False
    ) as answer:
        wait = answer.headers.get("Retry-After", "")
        seconds = int(wait) if wait.isascii() and wait.isdecimal() and len(wait) < 9 else 0
        beginning = answer.raw.read1(_MOST_BYTES, decode_content=True)[:_MOST_BYTES]
        words = beginning.decode(errors="replace").replace("\0", "")
        return Reply(answer.status_code, words[:_MOST_BYTES], min(seconds, _LONGEST_WAIT))


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, requests.Timeout | TimeoutError | urllib3.exceptions.TimeoutError)


def _may_be_local() -> bool:
    return bool(settings.DEBUG or settings.DEMO)


def _is_allowed() -> Callable[[IPAddress], bool]:
    if _may_be_local():
        return lambda address: address.is_loopback or is_public(address)
    return is_public
