"""While the database cannot be used, every page says so with 503, which programs try again.

An error of one statement looks the same as a database that is down, full or starting. All of them
pass, so all are answered alike.
"""

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext

# When to try again. PostgreSQL restarts within seconds.
RETRY_SECONDS = 30
_MARK = "_has_no_database"


def is_outage(error: BaseException) -> bool:
    """Whether the error, or what it came from, is that the database cannot be used now."""
    seen: BaseException | None = error
    for _number in range(5):
        if isinstance(seen, OperationalError | InterfaceError):
            return True
        seen = seen and (seen.__cause__ or seen.__context__)
    return False


def mark(request: HttpRequest | None) -> None:
    """Remember that this request failed for that. It may be in the middle of any middleware."""
    if request is not None:
        setattr(request, _MARK, True)


def is_marked(request: HttpRequest) -> bool:
    return hasattr(request, _MARK)


def unavailable(request: HttpRequest) -> HttpResponse:
    """Return the answer, without looking at the database."""
    response: HttpResponse
    if request.path_info.startswith("/api/"):
        said = gettext("The service is not available for the moment. Please try again soon.")
        response = JsonResponse({"error": said}, status=503)
    else:
        response = HttpResponse(render_to_string("503.html"), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    return response
