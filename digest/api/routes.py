"""The API as a whole: its resources, and the answer to each request."""

from collections.abc import Callable, Iterator

from django.db import DataError
from django.http import HttpRequest, HttpResponseNotAllowed, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, URLResolver
from django.urls.resolvers import RegexPattern
from ninja import NinjaAPI, Router
from ninja.operation import Operation

from . import digests, document, editions, events, problems, subscribers, topics
from .access import Bearer

api = NinjaAPI(
    title="Broadsheet",
    version="1",
    description="Readers, topics, editions, digests and events of this site.",
    openapi_url=None,
    docs_url=None,
    urls_namespace="api-v1",
)
problems.handle_all(api)
_ROUTERS = {
    "subscribers": subscribers.router,
    "topics": topics.router,
    "editions": editions.router,
    "digests": digests.router,
    "events": events.router,
}


def _operations(router: Router) -> Iterator[Operation]:
    for view in router.path_operations.values():
        yield from view.operations


def _complete(operation: Operation) -> None:
    """Give the operation the name of its function, its scopes, and the answers that all have."""
    operation.operation_id = operation.view_func.__name__
    (auth,) = operation.auth_callbacks
    assert isinstance(auth, Bearer)
    operation.openapi_extra = {"x-scopes": [scope.value for scope in auth.scopes]}
    problem = operation._create_response_model(problems.Problem)
    operation.response_models |= dict.fromkeys(problems.COMMON, problem)


for _name, _router in _ROUTERS.items():
    for _operation in _operations(_router):
        _complete(_operation)
    api.add_router(f"/{_name}", _router)

_RESOLVER = URLResolver(RegexPattern(r"^"), list(api.urls[0]))


def answer(request: HttpRequest, rest: str) -> HttpResponseBase:
    """Answer any request under ``/api/v1/``."""
    response = _answer(request, rest.removesuffix("/"))
    response["Cache-Control"] = "no-store"
    return response


def _answer(request: HttpRequest, rest: str) -> HttpResponseBase:
    if rest in _PAGES:
        if request.method not in {"GET", "HEAD"}:
            return _not_allowed(["GET", "HEAD"])
        return _PAGES[rest](request)
    try:
        match = _RESOLVER.resolve(rest)
    except Resolver404:
        return problems.response(
            404, "There is nothing at this path. See the documentation at /api/v1/docs."
        )
    try:
        made: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    except (DataError, OverflowError, UnicodeEncodeError):
        return problems.response(400, "A value cannot be stored. Send text in UTF-8 without NUL.")
    if isinstance(made, HttpResponseNotAllowed):
        return _not_allowed(made["Allow"].split(", "))
    return made


def _not_allowed(methods: list[str]) -> JsonResponse:
    allowed = ", ".join(methods)
    return problems.response(405, f"Use one of {allowed} here.", headers={"Allow": allowed})


_PAGES: dict[str, Callable[[HttpRequest], HttpResponseBase]] = {
    "": lambda request: document.page(request, api),
    "docs": lambda request: document.page(request, api),
    "openapi.json": lambda _: JsonResponse(document.document(api)),
}
