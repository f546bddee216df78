"""The preferences page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import override

from subscribers import links
from subscribers.forms import PreferencesForm
from subscribers.leaving import unsubscribe as unsubscribing
from subscribers.models import Link, Subscriber
from subscribers.wishes import preferences

from .language import render_for
from .links import token_page
from .queueing import send_letters_soon


@token_page
def set_preferences(request: HttpRequest, token: str) -> HttpResponse:
    """Show and save what a reader may set. The address is masked: a digest may have been forwarded.

    For the same reason, changing the address and downloading or erasing data need a fresh link.
    This page mails one on a POST, and also does so when its own link has expired.
    """
    now = timezone.now()
    try:
        link = links.find(token, Link.Purpose.PREFERENCES, now)
    except links.ExpiredLink as expired:
        return _too_old(request, expired.link.subscriber, now)
    subscriber = link.subscriber
    if "link" in request.POST:
        return _mail_link(request, subscriber, now)
    if subscriber.state != Subscriber.State.ACTIVE:
        shown = {"shows_data": True, "way_back": _way_back(subscriber, now)}
        shown |= {"token": token, **_link_facts(request, link)}
        return render_for(subscriber, request, "subscribers/not_subscribed.html", shown)
    if "resume" in request.POST:
        preferences.end_pause(subscriber, now)
        return _redirect(request, "resumed")
    with override(subscriber.language):
        posted = request.POST if request.method == "POST" else None
        form = PreferencesForm(subscriber, preferences.today_of(subscriber, now), posted)
        if form.is_valid():
            preferences.save_preferences(subscriber, form.wanted(), now)
            return _redirect(request, "saved")
        return form_page(request, link, form, now, {"token": token})


def form_page(
    request: HttpRequest, link: Link, form: PreferencesForm, now: datetime, more: Mapping[str, Any]
) -> HttpResponse:
    """Return the page with this form, as it stands. `more` is further context for the template."""
    subscriber = link.subscriber
    until = subscriber.paused_until
    context = {
        "form": form,
        "is_saved": "saved" in request.GET and not form.is_bound,
        "is_resumed": "resumed" in request.GET,
        "is_paused": until is not None and until > form.today,
        "next_digest": preferences.next_digest_in_words(subscriber, now),
        "unsubscribe_url": links.unsubscribe_url(subscriber.pk, subscriber.links_generation),
        "saved_token": links.beside(link).saved,
        **_link_facts(request, link),
        **more,
    }
    return render_for(subscriber, request, "subscribers/preferences.html", context)


def _link_facts(request: HttpRequest, link: Link) -> dict[str, bool]:
    return {"is_fresh": links.is_fresh(link), "is_mailed": "mailed" in request.GET}


def _too_old(request: HttpRequest, subscriber: Subscriber, now: datetime) -> HttpResponse:
    """Offer a new link. The page is the same whether or not the reader has left."""
    if "link" in request.POST:
        return _mail_link(request, subscriber, now)
    context = {"is_mailed": "mailed" in request.GET}
    return render_for(subscriber, request, "subscribers/old_preferences.html", context, status=410)


def _mail_link(request: HttpRequest, subscriber: Subscriber, now: datetime) -> HttpResponse:
    preferences.mail_link(subscriber, now)
    transaction.on_commit(send_letters_soon)
    return _redirect(request, "mailed")


def _way_back(subscriber: Subscriber, now: datetime) -> str:
    """Return the URL for undoing an unsubscription, or "" if that is no longer possible."""
    can_resume = unsubscribing.can_resume(subscriber, now)
    way = links.unsubscribe_url(subscriber.pk, subscriber.links_generation)
    return way if can_resume else ""


def _redirect(request: HttpRequest, what: str) -> HttpResponse:
    """Redirect to the same page, which then says what was done."""
    return HttpResponseRedirect(f"{request.path}?{what}", status=303)
