"""Signing up with JSON, for other people's servers. The README documents it.

Browsers on other sites cannot use it: JSON needs a CORS preflight, which we do not allow.
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

from .queueing import send_letters_soon
from .signup import BUSY_SECONDS, client_of

# The key for errors that concern no single field.
_BODY = "body"


@csrf_exempt
@require_POST
def signup(request: HttpRequest) -> HttpResponse:
    """Accept a sign-up. A valid one always gets the same 202 answer, whatever the address."""
    if abuse.is_network_busy(client_of(request)):  # before anything costs us time
        return _busy()
    body = _body(request)
    if body is None:
        return _refused(400, {_BODY: [_("Send one JSON object as application/json.")]})
    fields = SignupFields(body)
    if not fields.is_valid():
        said = {_BODY if name == NON_FIELD_ERRORS else name: e for name, e in fields.errors.items()}
        return _refused(400, said)
    wanted = fields.cleaned_data
    signing_up.start_signup(
        wanted["email"], wanted["topics"], wanted["zone"], timezone.now(), wanted["language"]
    )
    transaction.on_commit(send_letters_soon)
    message = _("If we can send email to this address, a confirmation is on its way.")
    return JsonResponse({"message": message}, status=202)


@require_safe
@never_cache
def challenge(request: HttpRequest) -> HttpResponse:
    """Return a puzzle to solve before signing up, or null unless SIGNUP_CAPTCHA is on."""
    is_on = captcha.is_on()
    return JsonResponse({"altcha": captcha.new_challenge(timezone.now()) if is_on else None})


def _busy() -> JsonResponse:
    """The answer to a network with too many sign-ups, whatever the addresses."""
    said = _("Too many sign-ups from your network. Please try again later.")
    busy = _refused(429, {_BODY: [said]})
    busy["Retry-After"] = str(BUSY_SECONDS)
    return busy


def _body(request: HttpRequest) -> dict[str, Any] | None:
    """Return the JSON object in the request, or None for anything else."""
    if request.content_type != "application/json":
        return None
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _refused(status: int, errors: dict[str, Any]) -> JsonResponse:
    return JsonResponse({"errors": errors}, status=status)
