"""The page for readers who have no link at hand: it mails one to the address that they enter."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from subscribers import addresses
from subscribers.forms import LinkForm
from subscribers.joining import abuse
from subscribers.wishes import preferences

from .queueing import send_letters_soon
from .signup import busy, client_of, is_from_elsewhere


@csrf_exempt
@cache_control(private=True, no_store=True)
@require_http_methods(["GET", "HEAD", "POST"])
def get_link(request: HttpRequest) -> HttpResponse:
    """Mail a fresh link to a reader. The answer never depends on whether the address is one's."""
    template = "subscribers/get_link.html"
    if request.method != "POST" or is_from_elsewhere(request):
        return render(request, template, {"form": LinkForm(), "is_sent": "sent" in request.GET})
    if abuse.is_network_busy(client_of(request)):
        return busy(request)
    form = LinkForm(request.POST)
    if not form.is_valid():
        return render(request, template, {"form": form})
    address: addresses.Address = form.cleaned_data["email"]
    preferences.mail_link_to(addresses.hashed(address.canonical), timezone.now())
    transaction.on_commit(send_letters_soon)
    return HttpResponseRedirect(f"{request.path}?sent", status=303)
