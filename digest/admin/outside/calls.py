"""What endpoints were told, and what each attempt came to."""

import json
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from digest.admin.base import ReadOnly, ReadOnlyInline
from digest.desk import audit
from digest.hooks import calling
from digest.models import Attempt, Call

from .base import call_soon


class AttemptInline(ReadOnlyInline):
    model = Attempt
    fields = ("at", "status", "milliseconds", "answer", "error")
    ordering = ("-pk",)
    verbose_name_plural = gettext_lazy("Attempts")


@admin.register(Call)
class CallAdmin(ReadOnly):
    list_display = ("what", "endpoint", "at", "how", "attempts")
    list_filter = (
        "endpoint",
        ("delivered_at", admin.EmptyFieldListFilter),
        ("given_up_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("endpoint", "notice")
    ordering = ("-pk",)
    fields = ("what", "endpoint", "at", "how", "attempts", "number", "data")
    readonly_fields = fields
    inlines = (AttemptInline,)
    actions = ("send_again",)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("digest.change_call")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("endpoint", "notice")

    @admin.display(description=gettext_lazy("event"))
    def what(self, call: Call) -> str:
        return call.notice.kind

    @admin.display(description=gettext_lazy("happened at"))
    def at(self, call: Call) -> str:
        return f"{call.notice.at:%Y-%m-%d %H:%M:%S} UTC"

    @admin.display(description=gettext_lazy("webhook-id"))
    def number(self, call: Call) -> str:
        return f"msg_{call.notice.uuid.hex}"

    @admin.display(description=gettext_lazy("data"))
    def data(self, call: Call) -> str:
        return json.dumps(call.notice.data, ensure_ascii=False)

    @admin.display(description=gettext_lazy("state"))
    def how(self, call: Call) -> str:
        return call.in_words()

    @admin.action(description=gettext_lazy("Send selected calls again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: Any) -> None:
        calls = list(queryset.select_related("endpoint").order_by("pk"))
        is_off = [call for call in calls if not calling.call_again(call)]
        for endpoint_id in {call.endpoint_id for call in calls}:
            call_soon(request, endpoint_id)
        audit.record(request, "call.send_again", numbers=[call.pk for call in calls])
        self.message_user(request, _("They go out again now."), messages.SUCCESS)
        if is_off:
            words = _("Those of webhooks that are off wait until these are switched on.")
            self.message_user(request, words, messages.WARNING)
