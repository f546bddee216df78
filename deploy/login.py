"""The admin's login: the password, then the second factor of whoever has one.

A program cannot go on guessing at either (``digest.desk.access.attempts``). A right password alone
logs nobody in who has a second factor: until that is shown, the session only notes it.

The first owner has no account yet, and makes it on a page to which a link from the server leads.
"""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.db import transaction
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from digest.desk import audit
from digest.desk.access import attempts, factors, invitations, pages, visits


class LoginForm(AdminAuthenticationForm):
    """The admin's own form, which says after too many attempts that it is closed for a while."""

    def clean(self) -> dict[str, Any]:
        name = str(self.cleaned_data.get("username", ""))
        if not attempts.is_allowed(self.request, name, attempts.PASSWORD):
            raise forms.ValidationError(str(attempts.TOO_MANY), code="too_many")
        try:
            checked: dict[str, Any] = super().clean()
        except forms.ValidationError:
            _refused(self.request, name, step="password")
            raise
        return checked


class PasswordPage(LoginView):
    """The first step."""

    authentication_form = LoginForm
    template_name = "admin/login.html"

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        user = form.get_user()
        assert isinstance(user, User)
        if factors.has_any(user):
            visits.ask_for_factor(self.request, user, self.get_success_url())
            return redirect("second_step")
        return _let_in(self.request, user, self.get_success_url())

    def get_default_redirect_url(self) -> str:
        return reverse("admin:index")

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**more),
            **admin.site.each_context(self.request),
            "title": _("Log in"),
            "app_path": self.request.get_full_path(),
            "username": self.request.user.get_username(),
        }


@never_cache
def page(request: HttpRequest) -> HttpResponse:
    if request.method == "GET" and admin.site.has_permission(request):
        return redirect("admin:index")
    shown: HttpResponse = PasswordPage.as_view()(request)  # type: ignore[assignment]  # it is one
    return shown


@sensitive_post_parameters()
@csrf_protect
@never_cache
def second_step(request: HttpRequest) -> HttpResponse:
    """Ask for the second factor of whose password was right just now."""
    noted = visits.pending(request)
    if noted is None:
        return redirect("admin:login")
    (user, leads_to), wrong = noted, ""
    if request.method == "POST":
        factor, wrong = _judge(request, user)
        if factor:
            return _let_in(request, user, leads_to, factor)
    return pages.second_step(request, user, wrong)


@sensitive_post_parameters()
@csrf_exempt  # whoever knows the link may do this, and nobody else can make a form that does
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def welcome(request: HttpRequest, token: str) -> HttpResponse:
    """Let whoever has the link from the server make the account of an owner, once."""
    if not invitations.is_open(token):
        return pages.welcome(request, None)
    form: UserCreationForm[User] = UserCreationForm(
        request.POST if request.method == "POST" else None
    )
    if form.is_valid():
        return _welcomed(request, token, form) or pages.welcome(request, None)
    return pages.welcome(request, form)


def _welcomed(request: HttpRequest, token: str, form: ModelForm[User]) -> HttpResponse | None:
    """Make the account and log in, unless the link has been used meanwhile."""
    with transaction.atomic():
        if not invitations.use(token):
            return None
        form.instance.is_staff = form.instance.is_superuser = True
        user = form.save()
        audit.record(request, "invitation.use", on=user)
        return _let_in(request, user, reverse("admin:account"))


def _judge(request: HttpRequest, user: User) -> tuple[str, str]:
    """Return which factor was shown, and otherwise what is wrong, in words."""
    if not attempts.is_allowed(request, user.get_username(), attempts.FACTOR):
        return "", str(attempts.TOO_MANY)
    if factor := pages.judge_factor(request, user):
        return factor, ""
    _refused(request, user.get_username(), step="factor")
    return "", pages.not_right()


def _let_in(request: HttpRequest, user: User, leads_to: str, factor: str = "") -> HttpResponse:
    with transaction.atomic():
        visits.begin(request, user, factor)
        audit.record(request, "session.begin", on=user, factor=factor)
    response = HttpResponseRedirect(leads_to)
    attempts.remember(request, response)
    return response


def _refused(request: HttpRequest | None, name: str, *, step: str) -> None:
    """Record a failed login; the name only if there is such an operator: people type passwords
    into its field, too. What is not even tried, after too many attempts, fills no log."""
    if request is not None:
        user = User.objects.filter(username=name).first()
        actor = audit.Actor(None, "", network=audit.network_of(request))
        audit.record(actor, "session.begin", on=user, result=audit.REFUSED, step=step)
