"""Following an author through a reader's own link."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils import timezone

from subscribers import links
from subscribers.models import Link, Subscriber
from subscribers.wishes import following

from .language import render_for
from .links import token_page


@token_page
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether to follow the author that the address offers, and do so on a POST."""
    reader = links.find(token, Link.Purpose.PREFERENCES, timezone.now()).subscriber
    name = following.offered(request.GET.get("author", ""))
    if not name:
        return redirect("subscribers:preferences", token)
    if reader.state != Subscriber.State.ACTIVE:
        return render_for(reader, request, "subscribers/not_subscribed.html")
    is_full = request.method == "POST" and not following.follow(reader, name)
    if request.method == "POST" and not is_full:
        return HttpResponseRedirect(request.get_full_path(), status=303)
    context = {
        "token": token,
        "name": name,
        "is_full": is_full,
        "is_followed": following.is_followed(reader, name),
    }
    return render_for(reader, request, "subscribers/follow.html", context)
