from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from subscribers import links
from subscribers.models import Link, Subscriber

from .links import TokenView, token_page

ReaderView = Callable[[HttpRequest, str, Subscriber], HttpResponse]


def fresh_page(view: ReaderView) -> TokenView:
    """For pages that only the reader may see: they need a link that was asked for by itself.

    Whoever comes by another link, or too late, is led to the preferences, which mail a new one.
    """

    @token_page
    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        link = _fresh_link(token)
        if link is None:
            return redirect("subscribers:preferences", token)
        return view(request, token, link.subscriber)

    return guarded


def _fresh_link(token: str) -> Link | None:
    try:
        link = links.find(token, Link.Purpose.PREFERENCES, timezone.now())
    except links.ExpiredLink:
        return None
    return link if links.is_fresh(link) else None
