"""An operator's own page: their second factors, recovery codes, and where they are logged in.

Every change needs a confirmation just before: the second factor again, or the password while there
is none. Each is in the log of what operators did.
"""

import json
from collections.abc import Callable
from typing import Any

import segno
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import transaction
from django.forms import BaseForm as Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from digest.desk import audit
from digest.models import Factor

from . import attempts, factors, passkeys, roles, visits

_NEW_KEY = "new_key"
View = Callable[..., HttpResponse]


# --- seeing --------------------------------------------------------------------------------
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    user = _user(request)
    return _page(
        request,
        "account",
        _("Your account"),
        factors=Factor.objects.filter(user=user).order_by("pk"),
        codes_left=factors.codes_left(user),
        is_asked=factors.is_asked_of(user),
        lacks_factor=visits.lacks_factor(request),
        has_passkeys=passkeys.can_be_used(),
        role=roles.reach_of(user),
        role_words=roles.in_words(roles.reach_of(user)),
    )


def confirm(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor again, or for the password while there is none."""
    user, wrong = _user(request), ""
    has_factor = factors.has_any(user)
    if request.method == "POST":
        wrong = _judge(request, user, has_factor=has_factor)
        if not wrong:
            visits.confirm(request)
            return redirect(_next(request))
    return _page(
        request,
        "confirm",
        _("Please confirm that it is you"),
        wrong=wrong,
        has_factor=has_factor,
        asked=json.dumps(passkeys.to_use(request, user)) if has_factor else "null",
        next=_next(request),
    )


def second_step(request: HttpRequest, user: User, wrong: str) -> HttpResponse:
    """The page of the login that asks for the second factor; nobody is logged in yet."""
    asked = json.dumps(passkeys.to_use(request, user))
    return _page(request, "second_step", _("Second step"), wrong=wrong, asked=asked)


def welcome(request: HttpRequest, form: Form | None) -> HttpResponse:
    """The page on which the first owner makes their account. There is no form for a link that was
    used, has expired or never was, and all of these are answered alike."""
    response = _page(request, "welcome", _("Welcome"), form=form)
    response.status_code = 200 if form else 404
    response["Referrer-Policy"] = "no-referrer"  # the link is in the address
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def not_right() -> str:
    return _("That was not right. A code works once, and only for half a minute.")


def judge_factor(request: HttpRequest, user: User) -> str:
    """Return which factor the form in this request proves, and use it up; "" if none."""
    if answer := request.POST.get("passkey", ""):
        return factors.PASSKEY if passkeys.use(request, user, answer) else ""
    return factors.use(user, request.POST.get("code", "")[:100])


def _judge(request: HttpRequest, user: User, *, has_factor: bool) -> str:
    """Return what is wrong with a confirmation, in words; "" if nothing is."""
    kind = attempts.FACTOR if has_factor else attempts.PASSWORD
    if not attempts.is_allowed(request, user.get_username(), kind):
        return str(attempts.TOO_MANY)
    if has_factor:
        is_right = bool(judge_factor(request, user))
    else:
        is_right = user.check_password(request.POST.get("password", "")[:1000])
    result = audit.DONE if is_right else audit.REFUSED
    audit.record(request, "factor.confirm", on=user, result=result)
    return "" if is_right else _("That was not right. Nothing has changed.")


# --- changing ------------------------------------------------------------------------------
def _confirmed(view: View) -> View:
    """Ask first whether it is them, unless that has been done just now."""

    def checked(request: HttpRequest, **more: Any) -> HttpResponse:
        if visits.is_confirmed(request):
            return view(request, **more)
        back = request.path if request.method == "GET" else reverse("admin:account")
        return redirect(f"{reverse('admin:confirm')}?next={back}")

    return checked


@_confirmed
def add_app(request: HttpRequest) -> HttpResponse:
    """Show a key as a QR code, and store it once a code of it has been typed."""
    user, wrong = _user(request), ""
    if request.method == "POST":
        key = request.session.get(_NEW_KEY, "")
        if key and _may_add(request, user):
            with transaction.atomic():
                name = _name(request, _("Authenticator app"))
                added = factors.add_app(user, key, _digits(request), name)
                if added:
                    return _added(request, user, added)
        wrong = _("That code is not one that the app shows now. Scan again, or check its clock.")
    key = request.session.setdefault(_NEW_KEY, factors.new_key())
    code = segno.make(factors.address_of(key, user), error="m")
    return _page(
        request,
        "app",
        _("Add an authenticator app"),
        wrong=wrong,
        key=" ".join(key[at : at + 4] for at in range(0, len(key), 4)),
        picture=code.svg_inline(scale=5, border=3, dark="#000", light="#fff", omitsize=True),
    )


@_confirmed
def add_passkey(request: HttpRequest) -> HttpResponse:
    user, wrong = _user(request), ""
    if request.method == "POST" and _may_add(request, user):
        with transaction.atomic():
            answer, name = request.POST.get("passkey", ""), _name(request, _("Passkey"))
            added = passkeys.add(request, user, answer, name)
            if added:
                return _added(request, user, added)
        wrong = _("That did not work. Please try again.")
    can_be_used = passkeys.can_be_used()
    asked = json.dumps(passkeys.to_make(request, user)) if can_be_used else "null"
    return _page(request, "passkey", _("Add a passkey"), wrong=wrong, asked=asked)


@require_POST
@_confirmed
def renew_codes(request: HttpRequest) -> HttpResponse:
    """Show new recovery codes, which replace the old ones."""
    user = _user(request)
    if not factors.has_any(user):
        messages.error(request, _("Recovery codes stand in for a second factor. Add one first."))
        return redirect("admin:account")
    with transaction.atomic():
        audit.record(request, "factor.new_codes", on=user)
        return _codes(request, user)


@require_POST
@_confirmed
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    user = _user(request)
    with transaction.atomic():
        gone = factors.remove(user, pk)
        result = audit.DONE if gone else audit.SAME
        kind = gone.kind if gone else ""
        audit.record(request, "factor.remove", on=user, result=result, kind=kind)
    if gone:
        messages.success(request, _("“%(name)s” is removed.") % {"name": gone.name})
    return redirect("admin:account")


@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End all other sessions of the operator."""
    with transaction.atomic():
        factors.sign_out_everywhere(_user(request))
        audit.record(request, "session.end_others", on=_user(request))
    visits.restart(request)
    messages.success(request, _("You are logged out everywhere but here."))
    return redirect("admin:account")


def _added(request: HttpRequest, user: User, added: Factor) -> HttpResponse:
    """The answer to a new factor: with the first one, the recovery codes as well."""
    request.session.pop(_NEW_KEY, None)
    audit.record(request, "factor.add", on=user, kind=added.kind)
    visits.has_passed_factor(request, added.kind)
    messages.success(request, _("“%(name)s” is added.") % {"name": added.name})
    if factors.codes_left(user):
        return redirect("admin:account")
    return _codes(request, user)


def _codes(request: HttpRequest, user: User) -> HttpResponse:
    codes = factors.new_codes(user)
    return _page(request, "codes", _("Your recovery codes"), codes=codes)


# --- parts ---------------------------------------------------------------------------------
def _page(request: HttpRequest, name: str, title: str, **more: Any) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": title, **more}
    return TemplateResponse(request, f"admin/access/{name}.html", context)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # `admin_view` has seen to it
    return request.user


def _may_add(request: HttpRequest, user: User) -> bool:
    few = Factor.objects.filter(user=user).count() < factors.MOST
    return few and attempts.is_allowed(request, user.get_username(), attempts.FACTOR)


def _digits(request: HttpRequest) -> str:
    return "".join(request.POST.get("code", "")[:20].split())


def _name(request: HttpRequest, otherwise: str) -> str:
    return request.POST.get("name", "").strip()[:60] or otherwise


def _next(request: HttpRequest) -> str:
    """The page to go to afterwards, which must be one of ours."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    return url if is_ours(url) else reverse("admin:account")


def is_ours(url: str) -> bool:
    """Whether the URL is a path on this site, and so a page that a form may lead back to."""
    return url.startswith("/") and url_has_allowed_host_and_scheme(url, None)


# Those who lack a second factor see these, and no other page.
FREE = {"account", "confirm", "add_app", "add_passkey", "renew_codes", "sign_out_everywhere"}
FREE |= {"remove_factor", "logout", "password_change", "password_change_done", "jsi18n"}


def urls(guard: Callable[[Any], Any]) -> list[URLPattern]:
    return [
        path("account/", guard(account), name="account"),
        path("account/confirm/", guard(confirm), name="confirm"),
        path("account/app/", guard(add_app), name="add_app"),
        path("account/passkey/", guard(add_passkey), name="add_passkey"),
        path("account/codes/", guard(renew_codes), name="renew_codes"),
        path("account/remove/<int:pk>/", guard(remove), name="remove_factor"),
        path("account/everywhere/", guard(sign_out_everywhere), name="sign_out_everywhere"),
    ]
