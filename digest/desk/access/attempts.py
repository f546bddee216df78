"""How often somebody may try a password or a second factor.

Attempts are counted before anything is compared: for a name from one network, for a network, and
for a name from everywhere. With these somebody could keep an operator out. So a browser in which an
operator has logged in before is remembered, and its attempts are counted apart. While Redis is down
this process counts for itself.

django-axes locks by name, address or both as well, but knows no browser that the lock spares, keeps
each attempt with its whole address and what was typed as a name in the database, and counts there,
too. The counter used here is the one that sign-ups are limited by.
"""

import hashlib
import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute

from digest.desk import audit
from subscribers.joining import abuse

Cap = tuple[RateLimitItem, str, str]

PASSWORD, FACTOR = "login", "factor"
TOO_MANY = gettext_lazy("Too many attempts. Please try again in an hour.")
_PER_NAME_AND_NETWORK = RateLimitItemPerMinute(10, 15)
_PER_NETWORK = RateLimitItemPerHour(50)
# A code has six digits, so whoever knows the password must not try many.
_PER_NAME = {PASSWORD: RateLimitItemPerHour(200), FACTOR: RateLimitItemPerHour(20)}
_COOKIE, _PATH = "known", "/admin/"
_REMEMBERED_SECONDS = 90 * 24 * 3600


def is_allowed(request: HttpRequest | None, name: str, kind: str) -> bool:
    """Count an attempt with this name, and return whether it may be made."""
    browser = _browser_of(request, name)
    caps = _caps_of_browser(browser, kind) if browser else _caps(request, name, kind)
    is_within = [abuse.is_within(cap, *key) for cap, *key in caps]  # counts in each
    return all(is_within)


def remember(request: HttpRequest, response: HttpResponse) -> None:
    """Have the browser known for whoever has logged in with it."""
    response.set_signed_cookie(
        _COOKIE,
        f"{_hashed(request.user.get_username())} {secrets.token_urlsafe(12)}",
        max_age=_REMEMBERED_SECONDS,
        path=_PATH,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )


def _browser_of(request: HttpRequest | None, name: str) -> str:
    """The browser's own id if this operator has logged in with it before, or ""."""
    known = request.get_signed_cookie(_COOKIE, "") if request else ""
    operator, _space, browser = (known or "").partition(" ")
    return browser if operator == _hashed(name) else ""


def _caps(
    request: HttpRequest | None, name: str, kind: str
) -> list[tuple[RateLimitItem, str, str]]:
    hashed, network = _hashed(name), audit.network_of(request) if request else "local"
    return [
        (_PER_NAME_AND_NETWORK, kind, f"{hashed} {network}"),
        (_PER_NETWORK, kind, network),
        (_PER_NAME[kind], kind, hashed),
    ]


def _caps_of_browser(browser: str, kind: str) -> list[Cap]:
    return [(_PER_NAME_AND_NETWORK, kind, f"browser {browser}")]


def _hashed(name: str) -> str:
    """What stands for a name: it may be long, and people type passwords into its field, too."""
    return hashlib.sha256(name.casefold().encode(errors="replace")).hexdigest()
