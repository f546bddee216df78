"""The reader's own data: download it, or erase it."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override
from django.views.decorators.http import require_safe

from subscribers.export import everything_about
from subscribers.leaving import erasing
from subscribers.models import Subscriber

from .fresh_links import fresh_link_page
from .language import render_for


@fresh_link_page
def export(request: HttpRequest, token: str, subscriber: Subscriber) -> HttpResponse:
    """Download everything we know about the reader as a file."""
    with override(subscriber.language):
        known = everything_about(subscriber)
    layout = {"indent": 2, "ensure_ascii": False}
    response = JsonResponse(known, json_dumps_params=layout)
    response["Content-Disposition"] = 'attachment; filename="broadsheet.json"'
    return response


@fresh_link_page
def erase(request: HttpRequest, token: str, subscriber: Subscriber) -> HttpResponse:
    """Erase the reader: a page that says what stays, with one button."""
    if request.method == "POST":
        erasing.erase(subscriber, timezone.now())
        return HttpResponseRedirect(reverse("subscribers:erased"), status=303)
    return render_for(subscriber, request, "subscribers/erase.html", {"token": token})


@require_safe
def erased(request: HttpRequest) -> HttpResponse:
    return render(request, "subscribers/erased.html")
