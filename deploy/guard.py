"""The edge of the site: refuses what no page could use, and logs each failure without its path.

A header may name a character set that is none, a body may be larger than any form of ours, and a
value may be one that PostgreSQL cannot store, such as a NUL character. Each of these gets an answer
of 400 or 413 here, so that no view has to think of it. Views still validate what they read.
"""

import codecs
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any

from django.core.signals import got_request_exception
from django.db import DataError
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.http import parse_header_parameters

from deploy.limits import most_bytes
from deploy.watching import outages

logger = logging.getLogger(__name__)

_ROOT = Path(__file__).resolve().parents[1]
# These pages read their bodies themselves: what mail services and mail programs send must arrive
# even if it is malformed, since a reader may be leaving.
_READ_THEMSELVES = ("/u/", "/webhooks/")
# The first must let a reader leave; the second says in the reader's language that a file is too
# large.
_JUDGE_THEMSELVES = ("/u/", "/p/")
# Those that a text is in: their names are not always the names that Python uses.
_CHARSETS = {"utf-8", "ascii"}


def readable(application: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Wrap the WSGI application: answer 400 to a character set that is none.

    Django decodes the query with it while it makes the request, before any middleware.
    """

    def answering(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        kind, parameters = _content_type(environ)
        if "charset" in parameters:
            path = environ.get("PATH_INFO", "")
            if not _is_charset_known(parameters) and not path.startswith(_READ_THEMSELVES):
                start_response("400 Bad Request", [("Content-Length", "0")])
                return []
            del parameters["charset"]
            given = [f'{name}="{value}"' for name, value in parameters.items()]
            environ["CONTENT_TYPE"] = "; ".join([kind, *given])
        return application(environ, start_response)

    return answering


def _content_type(environ: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """Return what the body is said to be, and with which parameters.

    A parameter may say in which character set it is itself (RFC 2231). Where that is none, the
    body's is taken for none, too.
    """
    said = environ.get("CONTENT_TYPE", "")
    try:
        return parse_header_parameters(said)
    except (ValueError, LookupError):
        return said.partition(";")[0].strip().lower(), {"charset": "none"}


class Guard:
    """Middleware, before all others that read anything of a request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = _refusal(request) or self._get_response(request)
        return outages.unavailable(request) if outages.is_marked(request) else response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer 400 to a value that does not fit: a NUL, a date after 9999, a huge number, half
        a character."""
        if not isinstance(error, DataError | OverflowError | UnicodeEncodeError):
            return None
        logger.warning("Refused a value: %s", described(request, error))
        return HttpResponseBadRequest()


def _refusal(request: HttpRequest) -> HttpResponse | None:
    """Return the answer to a request that no view should see, or None."""
    if not _is_charset_known(request.content_params or {}):
        if not request.path_info.startswith(_READ_THEMSELVES):
            return HttpResponseBadRequest()
        request.encoding = "utf-8"
    may_be_larger = request.path_info.startswith(_JUDGE_THEMSELVES)
    if _length(request) > most_bytes(request.path_info) and not may_be_larger:
        return _too_large()
    return None


def _too_large() -> HttpResponse:
    response = HttpResponse(status=413)
    response["Connection"] = "close"
    return response


# --- what a request contains ---------------------------------------------------------------
def _is_charset_known(parameters: Mapping[str, str]) -> bool:
    """Whether the body is text as we read it. Python also knows "zip", "idna" and the like."""
    try:
        return codecs.lookup(parameters.get("charset", "utf-8")).name in _CHARSETS
    except (LookupError, ValueError):
        return False


def _length(request: HttpRequest) -> int:
    said = request.META.get("CONTENT_LENGTH") or "0"
    return int(said) if said.isdecimal() and len(said) < 19 else 0


# --- failures ------------------------------------------------------------------------------
@receiver(got_request_exception)
def log_failure(request: HttpRequest | None = None, **_: object) -> None:
    """Log what an answer of 500 came from. Paths and messages may contain tokens and addresses.

    While the database cannot be used, it becomes 503.
    """
    if (error := sys.exc_info()[1]) is None:
        return
    if outages.is_outage(error):
        outages.mark(request)
        logger.error("The database cannot be used: %s", described(request, error))
    else:
        logger.error("A page failed: %s", described(request, error))


def described(request: HttpRequest | None, error: BaseException) -> str:
    """Return the classes, the places and the view of an error, without anything from outside."""
    classes = " from ".join(type(each).__qualname__ for each in _causes(error))
    match = getattr(request, "resolver_match", None)
    view = (match.view_name or match._func_path) if match else "no view"
    return f"{classes} at {' via '.join(_places(error.__traceback__))} in {view}"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _number in range(5):
        if error is not None:
            yield error
            error = error.__cause__ or error.__context__


def _places(traceback: TracebackType | None) -> Iterator[str]:
    """Yield where the error was raised, and the last lines of our own that led there."""
    frames = [(frame.f_code.co_filename, line) for frame, line in walk_tb(traceback)]
    ours = [(file, line) for file, line in frames if _is_ours(file)]
    for file, line in dict.fromkeys([*frames[-1:], *reversed(ours[-3:])]):
        yield f"{_short(file)}:{line}"


def _is_ours(file: str) -> bool:
    path = Path(file)
    return path.is_relative_to(_ROOT) and "site-packages" not in path.parts and file != __file__


def _short(file: str) -> str:
    _before, _mark, after = file.rpartition("/site-packages/")
    return after.removeprefix(f"{_ROOT}/") if not _mark else after
