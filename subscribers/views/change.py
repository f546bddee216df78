from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import override

from subscribers import change, links
from subscribers.forms import AddressForm
from subscribers.models import Link, Subscriber

from .fresh import fresh_page
from .links import token_page
from .ringing import ring_for_letters
from .speaking import render_for


@fresh_page
def change_address(request: HttpRequest, token: str, subscriber: Subscriber) -> HttpResponse:
    """Ask for digests at another address, which gets a letter.

    The answer is the same for an address that is known, suppressed, or a reader's.
    """
    if subscriber.state != Subscriber.State.ACTIVE:
        return render_for(subscriber, request, "subscribers/not_subscribed.html")
    with override(subscriber.language):
        form = AddressForm(subscriber, request.POST if request.method == "POST" else None)
        if form.is_valid():
            change.start(subscriber, form.cleaned_data["email"], timezone.now())
            transaction.on_commit(ring_for_letters)
            return HttpResponseRedirect(f"{request.path}?asked", status=303)
    context = {"form": form, "token": token, "is_asked": "asked" in request.GET}
    return render_for(subscriber, request, "subscribers/change_address.html", context)


@token_page
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """Say yes for a new address: a page with a button, from a letter that only it got."""
    now = timezone.now()
    link = links.find(token, Link.Purpose.CHANGE, now)
    subscriber = link.subscriber
    if subscriber.state != Subscriber.State.ACTIVE:
        return render_for(subscriber, request, "subscribers/not_subscribed.html")
    if request.method == "POST":
        try:
            change.confirm(link, now)
        except change.Taken:
            return render_for(subscriber, request, "subscribers/address_taken.html")
        transaction.on_commit(ring_for_letters)
        return HttpResponseRedirect(request.path, status=303)
    new_address = Subscriber(email=subscriber.new_email).masked_email
    context = {"new_address": new_address}
    return render_for(subscriber, request, "subscribers/confirm_address.html", context)
