"""Holds on sending."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from digest.models import Hold
from digest.models.hold import HoldQuerySet

from .base import ReadOnly


@admin.register(Hold)
class HoldAdmin(ReadOnly):
    """An operator pauses sending by adding a hold, and resumes it by releasing the hold."""

    list_display = ("mail_service", "reason", "created_at", "until", "released_at")
    list_filter = ("mail_service",)
    ordering = ("-created_at",)
    fields = ("mail_service", "reason", "until")
    actions = ("release",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("digest.add_hold")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"reason": "Paused by an operator"}

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("digest.change_hold")

    @admin.action(description="Release selected holds and resume sending", permissions=["release"])
    def release(self, request: HttpRequest, queryset: HoldQuerySet) -> None:
        released = queryset.release()
        plural = "hold" if released == 1 else "holds"
        self.message_user(request, f"{released} {plural} released.", messages.SUCCESS)
