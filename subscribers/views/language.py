"""Pages in the reader's own language."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import override

from subscribers.models import Subscriber


def render_for(
    subscriber: Subscriber,
    request: HttpRequest,
    template: str,
    context: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render a page in the language the reader chose, whatever their browser prefers."""
    with override(subscriber.language):
        response = render(
            request, template, {"subscriber": subscriber, **(context or {})}, status=status
        )
    response["Content-Language"] = subscriber.language
    return response
