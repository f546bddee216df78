"""Who may do what: tokens, their scopes, and how often they may ask."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from limits import RateLimitItemPerMinute
from ninja.security import HttpBearer

from digest.desk import audit
from digest.models import Scope, Token
from digest.models.outside import KEY_BEGINS, hash_of_key
from subscribers.joining import abuse

from .problems import ApiError

_LONGEST = 100
_NOTED_EVERY = timedelta(minutes=1)


class Request(HttpRequest):
    """A request by somebody whose token is known."""

    auth: Token


class Bearer(HttpBearer):
    """Lets tokens with all of these scopes pass."""

    def __init__(self, *scopes: Scope) -> None:
        super().__init__()
        self.scopes = scopes

    def __call__(self, request: HttpRequest) -> Token | None:
        # The library's own writes the header into the log in some cases.
        word, _space, key = request.headers.get("Authorization", "").partition(" ")
        return self.authenticate(request, key.strip()) if word.lower() == "bearer" else None

    def authenticate(self, request: HttpRequest, token: str) -> Token | None:
        now = timezone.now()
        known = _find(token, now)
        if known is None:
            return None
        _count(known)
        _note_use(known, now)
        if missing := [scope.value for scope in self.scopes if scope not in known.scopes]:
            detail = f"This token lacks the scope {', '.join(missing)}. Use one that has it."
            raise ApiError(403, detail)
        return known


def _find(key: str, now: datetime) -> Token | None:
    if not key.startswith(KEY_BEGINS) or len(key) > _LONGEST:
        return None
    found = Token.objects.select_related("created_by").filter(key_hash=hash_of_key(key)).first()
    return found if found is not None and found.is_good(now) else None


def _note_use(token: Token, now: datetime) -> None:
    """Note when it was used, once a minute."""
    long_ago = Q(last_used_at=None) | Q(last_used_at__lt=now - _NOTED_EVERY)
    if token.last_used_at is None or token.last_used_at < now - _NOTED_EVERY:
        Token.objects.filter(long_ago, pk=token.pk).update(last_used_at=now)


# --- how often -----------------------------------------------------------------------------
def _count(token: Token) -> None:
    cap = RateLimitItemPerMinute(settings.API_PER_MINUTE)
    if not abuse.is_within(cap, "api", str(token.pk)):
        detail = f"A token has {settings.API_PER_MINUTE} requests a minute. Ask again in a minute."
        raise ApiError(429, detail, headers={"Retry-After": "60"})


# --- the log -------------------------------------------------------------------------------
def record(request: Request, act: str, *, on: Any, did_change: bool = True, **details: Any) -> None:
    """Note in the audit log what the token did."""
    token = request.auth
    maker = token.created_by.get_username() if token.created_by else "?"
    actor = audit.Actor(
        token.created_by_id,
        f"{maker} (token {token.pk})",
        audit.Via.API,
        audit.network_of(request),
    )
    audit.record(actor, act, on=on, result=audit.DONE if did_change else audit.SAME, **details)
