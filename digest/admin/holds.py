"""Holds on sending."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext_lazy, ngettext

from digest.desk import audit, reasons
from digest.desk.editions import running
from digest.models import Hold
from digest.models.hold import HoldQuerySet

from .base import ONE_FIELD_FOR_TIMES, ReadOnly


@admin.register(Hold)
class HoldAdmin(ReadOnly):
    """An operator pauses sending by adding a hold, and resumes it by releasing the hold."""

    list_display = ("mail_service", "why", "created_at", "until", "released_at")
    list_filter = ("mail_service",)
    ordering = ("-created_at",)
    actions = ("release",)
    formfield_overrides = ONE_FIELD_FOR_TIMES

    @admin.display(description=gettext_lazy("reason"))
    def why(self, hold: Hold) -> str:
        return reasons.in_words(hold.reason)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("mail_service", "reason" if obj is None else "why", "until")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("digest.add_hold")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"reason": running.PAUSED}

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("digest.change_hold")

    @admin.action(
        description=gettext_lazy("Release selected holds and resume sending"),
        permissions=["release"],
    )
    def release(self, request: HttpRequest, queryset: HoldQuerySet) -> None:
        for hold in queryset.filter(released_at=None):
            audit.record(request, "hold.release", on=hold)
        released = queryset.release()
        words = ngettext("%(number)s hold released.", "%(number)s holds released.", released)
        self.message_user(request, words % {"number": released}, messages.SUCCESS)
