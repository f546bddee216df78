"""Signing up: our own pages, and the form on other people's sites.

For a valid sign-up the answer and the work are always the same, whoever the address belongs to; see
`signup.start_signup`.
"""

from datetime import timedelta
from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.cache import cache_control
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from subscribers.forms import MOST_TOPICS, SignupForm, allowed_redirect, opened_now
from subscribers.joining import abuse
from subscribers.joining import signup as signing_up
from subscribers.wishes import following

from .queueing import send_letters_soon

BUSY_SECONDS = 3600


# --- our own pages -------------------------------------------------------------------------
@csrf_exempt
@cache_control(private=True, no_store=True)
@require_http_methods(["GET", "HEAD", "POST"])
def front(request: HttpRequest) -> HttpResponse:
    """The front page, which contains the sign-up form."""
    return _page(request, "subscribers/signup.html", "subscribers:check_inbox")


@csrf_exempt
@cache_control(private=True, no_store=True)
@require_http_methods(["GET", "HEAD", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """The form on a page of its own. Forms on other people's sites lead here, too."""
    return _page(request, "subscribers/signup_alone.html", "subscribers:check_inbox")


@require_safe
def check_inbox(request: HttpRequest) -> HttpResponse:
    """The same page for everybody, so that it does not reveal who is a reader."""
    return render(request, "subscribers/check_inbox.html", {"base": "base.html"})


# --- on other people's sites ---------------------------------------------------------------
@require_safe
def embed(request: HttpRequest) -> HttpResponse:
    """The HTML to copy into one's own site: a plain form, and a frame."""
    names = ("snippet", "iframe")
    codes = {
        name: render_to_string(f"subscribers/embed/{name}.html", {}, request) for name in names
    }
    return render(request, "subscribers/signup_embed.html", codes)


@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})
@csrf_exempt
@cache_control(private=True, no_store=True)
@require_http_methods(["GET", "HEAD", "POST"])
def frame(request: HttpRequest) -> HttpResponse:
    """The form that other sites show in a frame. It is signed and protected like our own pages.

    Nobody but the visitor fills it in: a site may show it invisibly, and a single click would sign
    up whomever the site likes.
    """
    template = "subscribers/signup_alone.html"
    return _page(request, template, "subscribers:frame_sent", base="subscribers/frame.html")


@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})
@require_safe
def frame_sent(request: HttpRequest) -> HttpResponse:
    return render(request, "subscribers/check_inbox.html", {"base": "subscribers/frame.html"})


# --- what they share -----------------------------------------------------------------------
def _page(
    request: HttpRequest, template: str, sent: str, *, base: str = "base.html"
) -> HttpResponse:
    """Show the form, or accept it. The answer to a valid form never depends on the address.

    `sent` is the URL name of the page that says "check your inbox".
    """
    is_framed = base != "base.html"
    is_foreign = request.method == "POST" and is_from_elsewhere(request)
    if request.method != "POST" or (is_foreign and is_framed):
        form = SignupForm(initial=_initial(request))
        return render(request, template, {"form": form, "base": base})
    if is_foreign:
        return render(request, "subscribers/signup_here.html", {"form": _filled(request)})
    if abuse.is_network_busy(client_of(request)):  # before anything costs us time
        return busy(request, base)
    form = SignupForm(request.POST)
    if not form.is_valid():
        return render(request, template, {"form": form, "base": base})
    if not form.is_by_a_program():
        if better := form.better_spelled():
            return render(request, template, {"form": form, "base": base, "better": better})
        _sign_up(form)
    return redirect(form.cleaned_data["next"] or sent)


def _initial(request: HttpRequest) -> dict[str, object]:
    """Return what the address of the form already says: whom or what to follow, where to go on."""
    return {
        "next": allowed_redirect(request.GET.get("next", "")),
        "author": request.GET.get("author", "")[: following.LONGEST],
        "topics": request.GET.getlist("topics")[:MOST_TOPICS],
    }


def _sign_up(form: SignupForm) -> None:
    wanted = form.cleaned_data
    signing_up.start_signup(
        form.address(),
        wanted["topics"],
        wanted["zone"],
        timezone.now(),
        translation.get_language() or "en",
        author=wanted["author"],
    )
    transaction.on_commit(send_letters_soon)


def _filled(request: HttpRequest) -> SignupForm:
    """Return a form with the values posted from another site, for the visitor to review and submit.

    Nothing happens before that: any page could otherwise submit other people's addresses from its
    visitors' browsers. The form is already filled in, so it may be submitted at once.
    """
    given = request.POST
    return SignupForm(
        initial={
            "email": given.get("email", "")[:320],
            "topics": given.getlist("topics")[:MOST_TOPICS],
            "zone": given.get("zone", "")[:64],
            "next": allowed_redirect(given.get("next", "")),
            "opened": opened_now(least=timedelta(0)),
        }
    )


def busy(request: HttpRequest, base: str = "base.html") -> HttpResponse:
    """The page for a network with too many sign-ups, whatever the addresses."""
    response = render(request, "subscribers/signup_busy.html", {"base": base}, status=429)
    response["Retry-After"] = str(BUSY_SECONDS)
    return response


def client_of(request: HttpRequest) -> str:
    """Return the visitor's IP address as reported by our own proxies."""
    return abuse.client_of(
        request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", "")
    )


def is_from_elsewhere(request: HttpRequest) -> bool:
    """Return whether a browser says that another site sent this form.

    Sec-Fetch-Site is defined in https://www.w3.org/TR/fetch-metadata/; older browsers send only
    Origin. Programs that send neither do not count as another site.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is not None and _host_in(origin) != request.get_host()


def _host_in(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""
