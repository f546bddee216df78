"""Pages that need a fresh link: only the reader may see them."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from subscribers import links
from subscribers.models import Link, Subscriber

from .links import TokenView, token_page

_ReaderView = Callable[[HttpRequest, str, Subscriber], HttpResponse]


def fresh_link_page(view: _ReaderView) -> TokenView:
    """Decorator for pages only the reader may see: they need a fresh link (`links.is_fresh`).

    With any other link, or an expired one, visitors are redirected to the preferences page, which
    offers to mail a fresh link.
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
