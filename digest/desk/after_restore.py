"""The page on which an operator ends safe mode: until when had digests gone out?"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from digest.delivery import restored
from digest.models import Restoration

from . import audit
from .access.roles import require
from .words import number

PERMISSION = "digest.change_hold"
# Somebody waits for the page; the clock does what is left.
SECONDS = 15


def urls(guard: Callable[[Any], Any]) -> list[URLPattern]:
    return [path("after-restore/", guard(after_restore), name="after_restore")]


def after_restore(request: HttpRequest) -> HttpResponse:
    """Show what is known of the time after the backup; a POST says what had been sent."""
    require(request, PERMISSION)
    found = restored.latest()
    if request.method == "POST":
        if _say(request, found):
            return redirect("admin:index")
        return redirect("admin:after_restore")
    context = {
        **admin.site.each_context(request),
        "title": _("After a restore"),
        "found": found,
        "is_under_way": found is not None and found.said_until is not None,
        "known": _known(found) if found else [],
        "proposal": restored.proposal(found) if found else None,
    }
    return TemplateResponse(request, "admin/after_restore.html", context)


def _say(request: HttpRequest, found: Restoration | None) -> bool:
    """Do what the form says. Returns whether that was possible."""
    until = _time(request.POST.get("sent_until", ""))
    if until is None:
        messages.error(request, _("That is no time."))
        return False
    try:
        with transaction.atomic():
            restored.say(until)
            audit.record(request, "restore.settle", on=found, until=until.isoformat())
    except restored.CannotSettle as error:
        audit.record(request, "restore.settle", on=found, result=audit.REFUSED)
        messages.error(request, str(error))
        return False
    if restored.go_on(seconds=SECONDS):
        messages.success(request, _("Safe mode has ended: what is due goes out."))
    else:
        messages.success(request, _("It takes a while. Safe mode ends when it is done."))
    return True


def _time(text: str) -> datetime | None:
    try:
        at = parse_datetime(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at and not at.tzinfo else at


def _known(found: Restoration) -> list[str]:
    """Sentences on what the hosts have told so far."""
    signed_off = {name: int(count) for name, count in found.signed_off.items()}
    moved = signed_off.pop("moved", 0)
    left = sum(signed_off.values())
    return [
        ngettext(
            "%(number)s reader has left, paused or been suppressed since. That has been applied "
            "again.",
            "%(number)s readers have left, paused or been suppressed since. That has been applied "
            "again.",
            left,
        )
        % {"number": number(left)},
        *(
            [
                ngettext(
                    "%(number)s reader has moved to another address since, which only they know.",
                    "%(number)s readers have moved to another address since, which only they know.",
                    moved,
                )
                % {"number": number(moved)}
            ]
            if moved
            else []
        ),
    ]
