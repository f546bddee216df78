"""What a session of an operator is allowed.

Django makes a new key for it at each login, and stores it hashed (``deploy.sessions``). Beside that
it ends when nobody has used it for a while (SESSION_IDLE_MINUTES), eight hours after the login, and
when the operator signs out everywhere. It counts only with a second factor, if the operator has
one; if they should have one and have not, it leads to the page for adding it, and to no other.
"""

import time
from typing import Any

from django.conf import settings
from django.contrib.auth import login as start_session
from django.contrib.auth.models import User
from django.http import HttpRequest

from subscribers.database import fetch

from . import factors

_BEGAN, _SEEN, _OUTS = "began", "seen", "outs"
_FACTOR, _CONFIRMED = "factor", "confirmed"
_PENDING = "pending"
_SEEN_EVERY = 60
# How long somebody may take for the second step, and how long a confirmation counts.
PENDING_SECONDS, CONFIRMED_SECONDS = 600, 300


# --- logging in ----------------------------------------------------------------------------
def ask_for_factor(request: HttpRequest, user: User, leads_to: str) -> None:
    """Note that the password was right. Nobody is logged in by this."""
    request.session.cycle_key()
    request.session[_PENDING] = {
        "user": user.pk,
        "password": user.get_session_auth_hash(),
        "at": time.time(),
        "next": leads_to,
    }


def pending(request: HttpRequest) -> tuple[User, str] | None:
    """Whose password was right just now, and where the login leads to."""
    noted = request.session.get(_PENDING)
    if not noted or not 0 <= time.time() - noted["at"] < PENDING_SECONDS:
        return None
    user = User.objects.filter(pk=noted["user"], is_active=True, is_staff=True).first()
    if user is None or user.get_session_auth_hash() != noted["password"]:
        return None
    return user, str(noted["next"])


def begin(request: HttpRequest, user: User, factor: str = "") -> None:
    """Log in, with a new key for the session and nothing of the old one in it."""
    request.session.flush()
    start_session(request, user, settings.AUTHENTICATION_BACKENDS[0])
    now = time.time()
    request.session[_BEGAN] = request.session[_SEEN] = now
    request.session[_OUTS], _has_factor = _look(user)
    request.session[_FACTOR] = factor
    if not factor:
        # The password was typed just now, and nothing more can be asked for.
        request.session[_CONFIRMED] = now


def has_passed_factor(request: HttpRequest, factor: str) -> None:
    """Have this session count as one with a second factor, under a new key."""
    request.session.cycle_key()
    request.session[_FACTOR] = factor


# --- afterwards ----------------------------------------------------------------------------
def is_valid(request: HttpRequest) -> bool:
    """Whether the session still counts. Looks once for each request."""
    found = getattr(request, "_visit_is_valid", None)
    if found is None:
        found = _is_valid(request)
        request._visit_is_valid = found  # type: ignore[attr-defined]
    return bool(found)


def lacks_factor(request: HttpRequest) -> bool:
    """Whether the operator must add a second factor first."""
    user: Any = request.user
    return not request.session.get(_FACTOR) and factors.is_asked_of(user)


def confirm(request: HttpRequest) -> None:
    request.session[_CONFIRMED] = time.time()


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the operator has proved within the last minutes that it is them."""
    at = float(request.session.get(_CONFIRMED, 0))
    return 0 <= time.time() - at < CONFIRMED_SECONDS


def restart(request: HttpRequest) -> None:
    """Have this session count although its operator was signed out everywhere just now."""
    request.session.cycle_key()
    request.session[_OUTS], _has_factor = _look(request.user)


def _is_valid(request: HttpRequest) -> bool:
    session, now = request.session, time.time()
    began, seen = session.get(_BEGAN, now), session.get(_SEEN, now)
    if now - began > settings.SESSION_COOKIE_AGE or now - seen > settings.SESSION_IDLE_SECONDS:
        return False
    outs, has_factor = _look(request.user)
    if session.get(_OUTS, outs) != outs or (has_factor and not session.get(_FACTOR)):
        return False
    if now - seen > _SEEN_EVERY or _SEEN not in session:
        session.update({_BEGAN: began, _SEEN: now, _OUTS: outs})
    return True


def _look(user: Any) -> tuple[int, bool]:
    """How often the user was signed out everywhere, and whether they have a second factor."""
    ((outs, has_factor),) = fetch(_LOOK, [user.pk] * 2)
    return int(outs), bool(has_factor)


_LOOK = """
    SELECT
        coalesce((SELECT times FROM digest_signout WHERE user_id = %s), 0),
        EXISTS (SELECT FROM digest_factor WHERE user_id = %s)
"""
