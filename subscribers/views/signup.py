"""Asking for digests: our own pages, and the form on other people's sites.

On every path the answer to a valid sign-up is the same, and so is the work, whoever's address
it is; see `signup.start_signup`.
"""

from datetime import timedelta
from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from subscribers.forms import SignupForm, allowed_redirect, opened_now
from subscribers.joining import abuse
from subscribers.joining import signup as signing_up

from .ringing import ring_for_letters

BUSY_SECONDS = 3600


# --- our own pages -------------------------------------------------------------------------
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def front(request: HttpRequest) -> HttpResponse:
    """The front page, with the sign-up form in it."""
    return _page(request, "subscribers/signup.html", "subscribers:check_inbox")


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def signup(request: HttpRequest) -> HttpResponse:
    """The form on a page of its own. Forms on other people's sites lead here as well."""
    return _page(request, "subscribers/signup_alone.html", "subscribers:check_inbox")


@require_safe
def check_inbox(request: HttpRequest) -> HttpResponse:
    """The same page whoever signed up, so that it tells nobody who is a reader."""
    return render(request, "subscribers/check_inbox.html", {"base": "base.html"})


# --- on other people's sites ---------------------------------------------------------------
@require_safe
def embed(request: HttpRequest) -> HttpResponse:
    """What to copy into one's own site, as a plain form and as a frame."""
    names = ("snippet", "iframe")
    codes = {
        name: render_to_string(f"subscribers/embed/{name}.html", {}, request) for name in names
    }
    return render(request, "subscribers/signup_embed.html", codes)


@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def frame(request: HttpRequest) -> HttpResponse:
    """The form as other sites show it in a frame. Everything in it is ours: it is signed, and
    protected, like the form on our own pages."""
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
    """Show the form, or take it. The answer to a valid one never depends on whose address it
    is; `sent` is the name of the page that says "check your inbox"."""
    if request.method != "POST":
        form = SignupForm(initial={"next": allowed_redirect(request.GET.get("next", ""))})
        return render(request, template, {"form": form, "base": base})
    if _is_from_elsewhere(request):
        return render(
            request, "subscribers/signup_here.html", {"form": _filled(request), "base": base}
        )
    form = SignupForm(request.POST)
    if not form.is_valid():
        return render(request, template, {"form": form, "base": base})
    if not form.is_by_a_program():
        if better := form.better_spelled():
            return render(request, template, {"form": form, "base": base, "better": better})
        if abuse.is_network_busy(client_of(request)):
            return _busy(request, base)
        _sign_up(form)
    return redirect(form.cleaned_data["next"] or sent)


def _sign_up(form: SignupForm) -> None:
    wanted = form.cleaned_data
    signing_up.start_signup(
        form.address(),
        wanted["topics"],
        wanted["zone"],
        timezone.now(),
        translation.get_language() or "en",
    )
    transaction.on_commit(ring_for_letters)


def _filled(request: HttpRequest) -> SignupForm:
    """A form with what a form on another site holds, for a person to look at and to send.

    Nothing is done before: any page could send us the addresses of others from the browser
    of whoever reads it. It was filled in already, so sending it may be quick.
    """
    given = request.POST
    return SignupForm(
        initial={
            "email": given.get("email", "")[:320],
            "topics": given.getlist("topics"),
            "zone": given.get("zone", ""),
            "next": allowed_redirect(given.get("next", "")),
            "opened": opened_now(least=timedelta(0)),
        }
    )


def _busy(request: HttpRequest, base: str) -> HttpResponse:
    """For a network that signs up too often, whatever the addresses are."""
    response = render(request, "subscribers/signup_busy.html", {"base": base}, status=429)
    response["Retry-After"] = str(BUSY_SECONDS)
    return response


def client_of(request: HttpRequest) -> str:
    """The address of the visitor's machine, as far as our own proxies know it."""
    return abuse.client_of(
        request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", "")
    )


def _is_from_elsewhere(request: HttpRequest) -> bool:
    """Whether a browser says that another site sent this form.

    https://www.w3.org/TR/fetch-metadata/ for the first header; older browsers have only the
    second. Programs without either are no cross-site requests.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return site not in {"same-origin", "none"}
    origin = request.headers.get("Origin")
    return origin is not None and urlsplit(origin).netloc != request.get_host()
