"""The pages behind the two links in a confirmation letter: "yes" and "this was not me"."""

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

from .language import render_for
from .links import token_page
from .queueing import send_letters_soon

# How long after confirming the page announces the first digest instead of the next one.
_FIRST_DIGEST = timedelta(hours=1)


@token_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm the address: a page with a button, because programs open links in mails, too."""
    now = timezone.now()
    try:
        link = links.find(token, Link.Purpose.CONFIRM, now)
    except links.ExpiredLink as expired:
        return _too_late(request, expired.link, now)
    if request.method == "POST":
        signing_up.confirm(link, now)
        return redirect("subscribers:confirm", token)
    if not _is_confirmed(link.subscriber):
        return render_for(link.subscriber, request, "subscribers/confirm.html")
    return _confirmed(request, link.subscriber, now)


def _confirmed(request: HttpRequest, subscriber: Subscriber, now: datetime) -> HttpResponse:
    confirmed_at = subscriber.confirmed_at or now
    is_first_coming = now - confirmed_at < _FIRST_DIGEST
    if is_first_coming:
        subscriber.next_due_at = signing_up.next_regular(subscriber, confirmed_at)  # not saved
    with translation.override(subscriber.language):
        next_digest = preferences.next_digest_in_words(subscriber, now)
    context = {
        "is_first_coming": is_first_coming,
        "next_digest": next_digest,
        "has_topics": subscriber.topics.exists(),
        "preferences_url": links.preferences_url(subscriber.pk, now, subscriber.links_generation),
    }
    return render_for(subscriber, request, "subscribers/confirmed.html", context)


def _too_late(request: HttpRequest, link: Link, now: datetime) -> HttpResponse:
    """The link has expired: offer a new one, and queue it when that page is posted.

    An expired link gives access to nothing else, even for readers who confirmed in time.
    """
    if "again" in request.POST:
        signing_up.ask_again(link, now)
        transaction.on_commit(send_letters_soon)
        return redirect("subscribers:check_inbox")
    return render_for(link.subscriber, request, "subscribers/expired_confirmation.html", status=410)


def _is_confirmed(subscriber: Subscriber) -> bool:
    """Return whether the reader is active and no bounce has put the address in doubt since."""
    is_active = subscriber.state == Subscriber.State.ACTIVE
    return is_active and not suppression.is_suppressed(subscriber.address_hash)


@token_page
def refuse(request: HttpRequest, token: str) -> HttpResponse:
    """ "This was not me": delete the sign-up and never write to this address again.

    Every POST leads to the same page, so it can be repeated and reveals nothing.
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
