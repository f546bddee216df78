"""Unsubscribing: the page, and the one-click POST of mail programs."""

import logging
from datetime import datetime

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import override, pgettext_lazy

from subscribers import links
from subscribers.leaving import unsubscribe as unsubscribing
from subscribers.leaving.unsubscribe import LEFT_BY_CHOICE
from subscribers.models import Consent, Link, Subscriber
from subscribers.wishes import preferences

from .language import render_for
from .links import token_page

logger = logging.getLogger(__name__)

_REASONS = [
    (Consent.Reason.TOO_MANY.value, pgettext_lazy("why I left", "Too many emails")),
    (Consent.Reason.NOT_FOR_ME.value, pgettext_lazy("why I left", "Not the papers I want")),
    (Consent.Reason.NEVER_ASKED.value, pgettext_lazy("why I left", "I never asked for it")),
    (Consent.Reason.OTHER.value, pgettext_lazy("why I left", "Another reason")),
]


@token_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Unsubscribe with the page's button, or with a mail program's one-click POST (RFC 8058).

    A POST needs nothing but the path. Any POST that does not come from our page counts as
    one-click. It always gets the same answer, so it can be repeated and reveals nothing, and it
    never redirects, which RFC 8058 §3.1 forbids. Our own buttons redirect to the page.
    """
    now = timezone.now()
    if request.method != "POST":
        return _page(request, links.find(token, Link.Purpose.UNSUBSCRIBE, now), now)
    try:
        link = links.find(token, Link.Purpose.UNSUBSCRIBE, now)
    except links.BadLink:
        logger.info("Somebody used an unknown unsubscribe link")
        return render(request, "subscribers/unsubscribed.html")
    posted = _posted(request)
    if "page" in posted:
        done = _do(posted, link, now)
        return HttpResponseRedirect(request.path + done, status=303)
    unsubscribing.unsubscribe(link.subscriber, Consent.Act.ONE_CLICK, now)
    return render(request, "subscribers/unsubscribed.html")


def _posted(request: HttpRequest) -> QueryDict:
    try:
        return request.POST
    except (MultiPartParserError, SuspiciousOperation, OSError):
        return QueryDict()  # the reader's wish counts, even if the body is malformed


def _do(posted: QueryDict, link: Link, now: datetime) -> str:
    """Do what a button on our page says. Returns the query string for the next page."""
    subscriber = link.subscriber
    is_active = subscriber.state == Subscriber.State.ACTIVE
    match posted["page"]:
        case "weekly" | "pause" | "undo" | "reason" if not links.is_readers_own(link):
            pass  # the page has no such buttons
        case "weekly" if is_active:
            preferences.switch_to_weekly(subscriber, now)
            return "?weekly"
        case "pause" if is_active:
            preferences.pause_for_a_month(subscriber, now)
            return "?paused"
        case "undo":
            return "?resumed" if unsubscribing.resume(subscriber, now) else ""
        case "reason" if (reason := posted.get("reason", "")) in Consent.Reason:
            unsubscribing.give_reason(subscriber, Consent.Reason(reason))
        case "weekly" | "pause" | "reason":
            pass  # the page was open while the reader left or came back
        case _:
            unsubscribing.unsubscribe(subscriber, Consent.Act.UNSUBSCRIBED, now)
    return ""


def _page(request: HttpRequest, link: Link, now: datetime) -> HttpResponse:
    subscriber, is_own = link.subscriber, links.is_readers_own(link)
    if subscriber.state == Subscriber.State.UNSUBSCRIBED:
        leaving = unsubscribing.leaving_of(subscriber)
        context = {
            "can_resume": is_own and unsubscribing.can_resume(subscriber, now),
            "reasons": _REASONS,
            "may_say_why": is_own and leaving is not None and leaving.act in LEFT_BY_CHOICE,
            "has_said_why": leaving is not None and leaving.reason != "",
        }
        return render_for(subscriber, request, "subscribers/left.html", context)
    today = preferences.today_of(subscriber, now)
    with override(subscriber.language):
        next_digest = preferences.next_digest_in_words(subscriber, now)
    is_paused = subscriber.paused_until is not None and subscriber.paused_until > today
    context = {
        "done": next((done for done in ("weekly", "paused", "resumed") if done in request.GET), ""),
        "next_digest": next_digest,
        "is_active": is_own and subscriber.state == Subscriber.State.ACTIVE,
        "is_paused": is_paused,
        "is_weekly": subscriber.frequency == Subscriber.Frequency.WEEKLY,
    }
    return render_for(subscriber, request, "subscribers/unsubscribe.html", context)
