"""Behind the two links of a confirmation mail: yes, and "this was not me"."""

from datetime import datetime, timedelta

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.http import require_safe

from subscribers import links
from subscribers.joining import signup as signing_up
from subscribers.leaving import suppression
from subscribers.models import Link, Subscriber
from subscribers.wishes import preferences

from .links import token_page
from .ringing import ring_for_letters
from .speaking import render_for

# So long the page says that the first digest is coming, not when the next one does.
FIRST_DIGEST = timedelta(hours=1)


@token_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm the address: a page with a button, because programs open links in mails too."""
    now = timezone.now()
    try:
        link = links.find(token, Link.Purpose.CONFIRM, now)
    except links.ExpiredLink as expired:
        return _too_late(request, expired.link.subscriber, now)
    if request.method == "POST":
        signing_up.confirm(link, now)
        return redirect("subscribers:confirm", token)
    if not _is_confirmed(link.subscriber):
        return render_for(link.subscriber, request, "subscribers/confirm.html")
    return _confirmed(request, link.subscriber, now)


def _confirmed(request: HttpRequest, subscriber: Subscriber, now: datetime) -> HttpResponse:
    confirmed_at = subscriber.confirmed_at or now
    is_first_coming = now - confirmed_at < FIRST_DIGEST
    if is_first_coming:
        subscriber.next_due_at = signing_up.next_regular(subscriber, confirmed_at)  # not saved
    with translation.override(subscriber.language):
        next_digest = preferences.next_digest_in_words(subscriber, now)
    context = {
        "is_first_coming": is_first_coming,
        "next_digest": next_digest,
        "preferences_url": links.preferences_url(subscriber.pk, now),
    }
    return render_for(subscriber, request, "subscribers/confirmed.html", context)


def _too_late(request: HttpRequest, subscriber: Subscriber, now: datetime) -> HttpResponse:
    """The link has expired: offer a new one, and mail it on a POST from that page.

    Its holder learns no more than that: not even who confirmed in time gets at anything here.
    """
    if "again" in request.POST:
        signing_up.ask_again(subscriber, now)
        transaction.on_commit(ring_for_letters)
        return redirect("subscribers:check_inbox")
    return render_for(subscriber, request, "subscribers/expired_confirmation.html", status=410)


def _is_confirmed(subscriber: Subscriber) -> bool:
    """Active, and with an address that no bounce has put in doubt since."""
    is_active = subscriber.state == Subscriber.State.ACTIVE
    return is_active and not suppression.is_suppressed(subscriber.address_hash)


@token_page
def refuse(request: HttpRequest, token: str) -> HttpResponse:
    """ "This was not me": forget the sign-up, and write no more to this address.

    A POST always leads to the same page, so that it can be repeated and tells nothing.
    """
    now = timezone.now()
    try:
        link = links.find(token, Link.Purpose.REFUSE, now)
        if request.method == "POST":
            signing_up.refuse(link, now)
    except links.BadLink:
        if request.method != "POST":
            raise
    if request.method == "POST":
        return redirect("subscribers:refused")
    return render_for(link.subscriber, request, "subscribers/refuse.html")


@require_safe
def refused(request: HttpRequest) -> HttpResponse:
    return render(request, "subscribers/refused.html")
