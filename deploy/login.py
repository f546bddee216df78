"""The admin's login, which a program cannot go on guessing at.

Attempts are counted before a password is looked at: for a name from one network, for a network, and
for a name from everywhere. With these somebody could keep an operator out. So a browser in which an
operator has logged in before is remembered, and its attempts are counted apart. While Redis is down
this process counts for itself.
"""

import hashlib
import secrets
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest, HttpResponse
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from subscribers.joining import abuse

_PER_NAME_AND_NETWORK = RateLimitItemPerMinute(10, 15)
_PER_NETWORK = RateLimitItemPerHour(50)
_PER_NAME = RateLimitItemPerHour(200)
_COOKIE = "known"
_REMEMBERED_SECONDS = 90 * 24 * 3600


def page(request: HttpRequest) -> HttpResponse:
    """The admin's own page, which remembers the browser of whoever logs in."""
    response = admin.site.login(request)
    if request.method == "POST" and request.user.is_authenticated:
        response.set_signed_cookie(
            _COOKIE,
            f"{_hashed(request.user.get_username())} {secrets.token_urlsafe(12)}",
            max_age=_REMEMBERED_SECONDS,
            path=request.path,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Strict",
        )
    return response


class LoginForm(AdminAuthenticationForm):
    """The admin's own form, which says after too many attempts that it is closed for a while."""

    def clean(self) -> dict[str, Any]:
        name = str(self.cleaned_data.get("username", ""))
        browser = self._browser_of(name)
        caps = _caps_of_browser(browser) if browser else _caps(name, self._network())
        is_within = [_is_within(cap, *key) for cap, *key in caps]  # counts in each
        if not all(is_within):
            raise forms.ValidationError(
                "Too many attempts. Please try again in an hour.", code="too_many"
            )
        checked: dict[str, Any] = super().clean()
        return checked

    def _browser_of(self, name: str) -> str:
        """The browser's own id if this operator has logged in with it before, or ""."""
        known = self.request.get_signed_cookie(_COOKIE, "") if self.request else ""
        operator, _space, browser = (known or "").partition(" ")
        return browser if operator == _hashed(name) else ""

    def _network(self) -> str:
        meta = self.request.META if self.request else {}
        said = meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", "")
        return abuse.network_of(abuse.client_of(*said)) or "local"


def _caps(name: str, network: str) -> list[tuple[RateLimitItem, str, str]]:
    hashed = _hashed(name)
    return [
        (_PER_NAME_AND_NETWORK, "login", f"{hashed} {network}"),
        (_PER_NETWORK, "login", network),
        (_PER_NAME, "login", hashed),
    ]


def _caps_of_browser(browser: str) -> list[tuple[RateLimitItem, str, str]]:
    return [(_PER_NAME_AND_NETWORK, "login", f"browser {browser}")]


def _hashed(name: str) -> str:
    """What stands for a name: it may be long, and people type passwords into its field, too."""
    return hashlib.sha256(name.casefold().encode(errors="replace")).hexdigest()


def _is_within(cap: RateLimitItem, kind: str, name: str) -> bool:
    try:
        return abuse.window(settings.REDIS_URL).hit(cap, kind, name)
    except StorageError:
        return _own_window().hit(cap, kind, name)


@cache
def _own_window() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())
