"""`/live`, `/ready` and `/metrics`, for programs that watch over this one.

They are answered before the request's host is looked at, because such programs often ask by IP
address, and before anything that needs the database.
"""

from collections.abc import Callable, Mapping

from django.conf import settings
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseNotFound,
    JsonResponse,
)
from django.utils.crypto import constant_time_compare

from digest.desk.health import metrics, readiness

from .outages import RETRY_SECONDS


class Probes:
    """Middleware, before all others that need more than the path."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = _ANSWERS.get(request.path_info)
        if answer is None:
            return self._get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        response = answer(request)
        response["Cache-Control"] = "no-store"
        return response


def live(request: HttpRequest) -> HttpResponse:
    """Say that this process answers. It may still be of no use: see `ready`."""
    return HttpResponse("live\n", content_type="text/plain")


def ready(request: HttpRequest) -> HttpResponse:
    """Say whether the service does its work, and if not, what is wrong. Nothing secret."""
    found = readiness.look()
    response = JsonResponse(found, status=200 if found["ready"] else 503)
    if not found["ready"]:
        response["Retry-After"] = str(RETRY_SECONDS)
    return response


def measured(request: HttpRequest) -> HttpResponse:
    """Return all figures for Prometheus, to whoever sends one of the tokens."""
    if not settings.METRICS_TOKEN:
        return HttpResponseNotFound()
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    matches = [constant_time_compare(token.strip(), one) for one in settings.METRICS_TOKEN]
    if kind.lower() != "bearer" or not any(matches):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    return HttpResponse(metrics.exposition(), content_type=metrics.CONTENT_TYPE)


_ANSWERS: Mapping[str, Callable[[HttpRequest], HttpResponse]] = {
    "/live": live,
    "/ready": ready,
    "/metrics": measured,
}
