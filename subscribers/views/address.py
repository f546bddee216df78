"""Moving to another address: the page that asks for it, and the page that confirms it."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import override

from subscribers import links
from subscribers.forms import AddressForm
from subscribers.joining import address_change
from subscribers.models import Link, Subscriber

from .fresh_links import fresh_link_page
from .language import render_for
from .links import token_page
from .queueing import send_letters_soon


@fresh_link_page
def change_address(request: HttpRequest, token: str, subscriber: Subscriber) -> HttpResponse:
    """Ask for digests at another address, which then gets a letter.

    The page is the same whether or not the address is known, suppressed, or another reader's.
    """
    if subscriber.state != Subscriber.State.ACTIVE:
        return render_for(subscriber, request, "subscribers/not_subscribed.html")
    with override(subscriber.language):
        form = AddressForm(subscriber, request.POST if request.method == "POST" else None)
        if form.is_valid():
            address_change.start(subscriber, form.cleaned_data["email"], timezone.now())
            transaction.on_commit(send_letters_soon)
            return HttpResponseRedirect(f"{request.path}?asked", status=303)
    context = {"form": form, "token": token, "is_asked": "asked" in request.GET}
    return render_for(subscriber, request, "subscribers/change_address.html", context)


@token_page
def confirm_address(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm a new address: a page with a button, linked from a letter that only it received."""
    now = timezone.now()
    link = links.find(token, Link.Purpose.CHANGE, now)
    subscriber = link.subscriber
    if subscriber.state != Subscriber.State.ACTIVE:
        return render_for(subscriber, request, "subscribers/not_subscribed.html")
    if request.method == "POST":
        try:
            address_change.confirm(link, now)
        except address_change.AddressTaken:
            return render_for(subscriber, request, "subscribers/address_taken.html")
        transaction.on_commit(send_letters_soon)
        return HttpResponseRedirect(request.path, status=303)
    new_address = Subscriber(email=subscriber.new_email).masked_email
    context = {"new_address": new_address}
    return render_for(subscriber, request, "subscribers/confirm_address.html", context)
