"""The site for the benchmark of pages, with what each response took in its headers.

Run it with ``gunicorn tests.benchmarks.site``.
"""

import time
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from deploy.wsgi import application as _site

Headers = list[tuple[str, str]]


def _nothing(request: HttpRequest) -> HttpResponse:
    """Render nothing, to measure what Django and the middleware take on their own."""
    return HttpResponse()


# First in the list, so that no time goes into patterns that do not match.
import_module("deploy.urls").urlpatterns.insert(0, path("nothing", _nothing))


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Run our site, and add three headers that say what each response took."""
    queries = 0
    start, cpu = time.perf_counter(), time.thread_time()

    def counted(execute: Callable[..., Any], *call: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*call)

    def started(status: str, headers: Headers, *more: Any) -> Any:
        spent = (time.perf_counter() - start) * 1000
        worked = (time.thread_time() - cpu) * 1000
        told = [("X-Milliseconds", f"{spent:.3f}"), ("X-Cpu", f"{worked:.3f}")]
        told.append(("X-Queries", str(queries)))
        return start_response(status, [*headers, *told], *more)

    with connection.execute_wrapper(counted):
        answer: Iterable[bytes] = _site(environ, started)
    return answer
