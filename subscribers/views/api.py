"""Signing up by JSON, for other people's servers; the README documents it.

A browser on another site cannot use it: JSON needs a preflight (CORS), which we do not answer.
"""

import json
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from subscribers.forms import SignupFields
from subscribers.joining import abuse, captcha
from subscribers.joining import signup as signing_up

from .ringing import ring_for_letters
from .signup import BUSY_SECONDS, client_of

# Of the whole body, where there is no field to blame.
WHOLE = "body"


@csrf_exempt
@require_POST
def signup(request: HttpRequest) -> HttpResponse:
    """Take a sign-up. 202 and always the same words if it is valid, whoever's address it is."""
    body = _body(request)
    if body is None:
        return _refused(400, {WHOLE: [_("Send one JSON object, as application/json.")]})
    fields = SignupFields(body)
    if not fields.is_valid():
        said = {WHOLE if name == NON_FIELD_ERRORS else name: e for name, e in fields.errors.items()}
        return _refused(400, said)
    if abuse.is_network_busy(client_of(request)):
        busy = _refused(429, {WHOLE: [_("Too many sign-ups from your network. Try again later.")]})
        busy["Retry-After"] = str(BUSY_SECONDS)
        return busy
    wanted = fields.cleaned_data
    signing_up.start_signup(
        wanted["email"], wanted["topics"], wanted["zone"], timezone.now(), wanted["language"]
    )
    transaction.on_commit(ring_for_letters)
    message = _("If mail can go to this address, a confirmation is on its way.")
    return JsonResponse({"message": message}, status=202)


@require_safe
@never_cache
def challenge(request: HttpRequest) -> HttpResponse:
    """A puzzle to be solved before signing up, where the operator wants one (SIGNUP_CAPTCHA)."""
    is_on = captcha.is_on()
    return JsonResponse({"altcha": captcha.new_challenge(timezone.now()) if is_on else None})


def _body(request: HttpRequest) -> dict[str, Any] | None:
    """The JSON object that was sent, or None for anything else."""
    if request.content_type != "application/json":
        return None
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _refused(status: int, errors: dict[str, Any]) -> JsonResponse:
    return JsonResponse({"errors": errors}, status=status)
