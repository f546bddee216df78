"""The view of everything under ``/api/v1/``."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def answer(request: HttpRequest, rest: str = "") -> HttpResponseBase:
    """Have the API answer. It knows nobody by a cookie, so no other site can make one act."""
    from . import routes  # noqa: PLC0415  # see this package's docstring

    return routes.answer(request, rest)
