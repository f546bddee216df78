"""The admin's login, which a program cannot go on guessing at.

Attempts are counted before a password is looked at: for a name from one network, for a network, and
for a name from everywhere. The last is generous, because with it somebody could keep an operator
out. While Redis is down this process counts for itself.
"""

import hashlib
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
from django.contrib.admin.forms import AdminAuthenticationForm
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from subscribers.joining import abuse

_PER_NAME_AND_NETWORK = RateLimitItemPerMinute(10, 15)
_PER_NETWORK = RateLimitItemPerHour(50)
_PER_NAME = RateLimitItemPerHour(200)


class LoginForm(AdminAuthenticationForm):
    """The admin's own form, which says after too many attempts that it is closed for a while."""

    def clean(self) -> dict[str, Any]:
        name = str(self.cleaned_data.get("username", ""))
        caps = _caps(name, self._network())
        is_within = [_is_within(cap, *key) for cap, *key in caps]  # counts in each
        if not all(is_within):
            raise forms.ValidationError(
                "Too many attempts. Please try again in an hour.", code="too_many"
            )
        checked: dict[str, Any] = super().clean()
        return checked

    def _network(self) -> str:
        meta = self.request.META if self.request else {}
        said = meta.get("REMOTE_ADDR", ""), meta.get("HTTP_X_FORWARDED_FOR", "")
        return abuse.network_of(abuse.client_of(*said)) or "local"


def _caps(name: str, network: str) -> list[tuple[RateLimitItem, str, str]]:
    # Hashed, because it may be long, and people type passwords into this field, too.
    hashed = hashlib.sha256(name.casefold().encode(errors="replace")).hexdigest()
    return [
        (_PER_NAME_AND_NETWORK, "login", f"{hashed} {network}"),
        (_PER_NETWORK, "login", network),
        (_PER_NAME, "login", hashed),
    ]


def _is_within(cap: RateLimitItem, kind: str, name: str) -> bool:
    try:
        return abuse.window(settings.REDIS_URL).hit(cap, kind, name)
    except StorageError:
        return _own_window().hit(cap, kind, name)


@cache
def _own_window() -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(MemoryStorage())
