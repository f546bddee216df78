"""The public pages. GET and HEAD show, POST acts.

None of them sets or reads a cookie, and so none needs Django's token against cross-site
requests. On the pages behind a link the token in the path is the right to act, and another
site does not have it. The sign-up form is open to everybody; that no foreign page sends it
from a visitor's browser is seen from the headers that browsers add by themselves.
"""

import logging
from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe
from kombu.exceptions import OperationalError

from subscribers import links, preferences, suppression, tasks
from subscribers import signup as signing_up
from subscribers import unsubscribe as unsubscribing
from subscribers.forms import PreferencesForm, SignupForm
from subscribers.models import Consent, Link, Subscriber

logger = logging.getLogger(__name__)

TokenView = Callable[[HttpRequest, str], HttpResponse]


def token_page(view: TokenView) -> TokenView:
    """For pages with a token in their path: no cache, referrer or search engine may keep it.

    A link that does not work becomes a page that says what to do.
    """

    @csrf_exempt
    @never_cache
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        try:
            response = view(request, token)
        except links.ExpiredLink:
            response = render(request, "subscribers/expired_link.html", status=410)
        except links.BadLink:
            response = render(request, "subscribers/bad_link.html", status=404)
        response["Referrer-Policy"] = "no-referrer"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded


# --- sign-up -------------------------------------------------------------------------------
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """The front page with the sign-up form. The answer to a valid one never depends on it."""
    form = SignupForm(request.POST if request.method == "POST" else None)
    if form.is_bound and _is_from_elsewhere(request):
        return render(request, "subscribers/from_elsewhere.html", status=403)
    if form.is_valid():
        if not form.is_by_a_program():
            _sign_up(form)
        return redirect("subscribers:check_inbox")
    response = render(request, "subscribers/signup.html", {"form": form})
    # With "no-referrer" a browser would not say where the form comes from.
    response["Referrer-Policy"] = "same-origin"
    return response


@require_safe
def check_inbox(request: HttpRequest) -> HttpResponse:
    """The same page whoever signed up, so that it tells nobody who is a reader."""
    return render(request, "subscribers/check_inbox.html")


def _sign_up(form: SignupForm) -> None:
    wanted = form.cleaned_data
    letter = signing_up.start_signup(
        wanted["email"], wanted["topics"], wanted["zone"], timezone.now()
    )
    if letter is not None:
        # After the commit: a worker that is quicker than that would find no letter.
        transaction.on_commit(ring_for_letters)


def ring_for_letters() -> None:
    """Have the waiting letters sent now. Without a broker the next tick sends them."""
    try:
        tasks.send_letters.delay()
    except OperationalError:
        logger.warning("The broker does not answer; the letter goes out with the next tick")


def _is_from_elsewhere(request: HttpRequest) -> bool:
    """Whether a browser says that another site sent this form.

    https://www.w3.org/TR/fetch-metadata/ for the first header; older browsers have only the
    second. Programs without either are no cross-site requests.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.get_host()


# --- behind a link -------------------------------------------------------------------------
@token_page
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """Confirm the address: a page with a button, because programs open links in mails too."""
    now = timezone.now()
    link = links.find(token, Link.Purpose.CONFIRM, now)
    if request.method == "POST":
        signing_up.confirm(link, now)
        return redirect("subscribers:confirm", token)
    subscriber = link.subscriber
    if not _is_confirmed(subscriber):
        return render(request, "subscribers/confirm.html", {"subscriber": subscriber})
    context = {
        "subscriber": subscriber,
        "next_digest": preferences.next_digest_in_words(subscriber, now),
        "preferences_url": links.preferences_url(subscriber.pk, now),
    }
    return render(request, "subscribers/confirmed.html", context)


def _is_confirmed(subscriber: Subscriber) -> bool:
    """Active, and with an address that no bounce has put in doubt since."""
    is_active = subscriber.state == Subscriber.State.ACTIVE
    return is_active and not suppression.is_suppressed(subscriber.address_hash)


@token_page
def set_preferences(request: HttpRequest, token: str) -> HttpResponse:
    """What a reader may set. Shows the address masked: a digest may have been forwarded."""
    now = timezone.now()
    subscriber = links.find(token, Link.Purpose.PREFERENCES, now).subscriber
    if subscriber.state != Subscriber.State.ACTIVE:
        return render(request, "subscribers/not_subscribed.html", {"subscriber": subscriber})
    today = now.astimezone(ZoneInfo(subscriber.zone)).date()
    form = PreferencesForm(subscriber, today, request.POST if request.method == "POST" else None)
    if form.is_valid():
        wanted = preferences.Preferences(**form.cleaned_data)
        preferences.save_preferences(subscriber, wanted, now)
        return redirect(f"{request.path}?saved")
    context = {
        "form": form,
        "subscriber": subscriber,
        "is_saved": "saved" in request.GET and not form.is_bound,
        "next_digest": preferences.next_digest_in_words(subscriber, now),
        "unsubscribe_url": links.unsubscribe_url(subscriber.pk),
    }
    return render(request, "subscribers/preferences.html", context)


@token_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Unsubscribe: by the page's button, or by a mail program's one-click POST (RFC 8058).

    A POST needs nothing but the path and always answers with the same page, so that it can be
    repeated and tells nothing. It redirects nowhere, which RFC 8058 §3.1 forbids.
    """
    now = timezone.now()
    if request.method != "POST":
        link = links.find(token, Link.Purpose.UNSUBSCRIBE, now)
        return render(request, "subscribers/unsubscribe.html", {"subscriber": link.subscriber})
    try:
        link = links.find(token, Link.Purpose.UNSUBSCRIBE, now)
    except links.BadLink:
        logger.info("An unsubscribe link that we do not know was used")
    else:
        unsubscribing.unsubscribe(link.subscriber, _act(request), now)
    return render(request, "subscribers/unsubscribed.html")


def _act(request: HttpRequest) -> Consent.Act:
    """Which POST it was. Only our page sends a body of its own; anything else is one click."""
    try:
        is_page = "page" in request.POST
    except (MultiPartParserError, SuspiciousOperation, OSError):
        is_page = False  # the reader's wish counts, not the form of the body
    return Consent.Act.UNSUBSCRIBED if is_page else Consent.Act.ONE_CLICK
