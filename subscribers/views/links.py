"""Pages with a token in their path."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from subscribers import links

# Takes a request, a token, and anything else in the path.
TokenView = Callable[..., HttpResponse]


def token_page(view: TokenView) -> TokenView:
    """Decorator for pages with a token: keeps it out of caches, referrers and search engines.

    If the link does not work, the visitor sees a page that says what to do.
    """

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, token: str, **more: object) -> HttpResponse:
        try:
            response = view(request, token, **more)
        except links.ExpiredLink:
            response = render(request, "subscribers/expired_link.html", status=410)
        except links.BadLink:
            response = render(request, "subscribers/bad_link.html", status=404)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded
