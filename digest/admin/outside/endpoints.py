"""URLs that are told what happens."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from digest.desk import audit
from digest.hooks import noting, posting, signing
from digest.models import Call, Endpoint, Kind

from .base import OutsideAdmin, OutsideForm, call_soon

_SHOWN = 10


class EndpointForm(OutsideForm):
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=lambda: [(kind.value, f"{kind.value}: {kind.label}") for kind in Kind],
        widget=forms.CheckboxSelectMultiple,
    )
    url = forms.URLField(
        label="URL",
        max_length=500,
        assume_scheme="https",
        widget=forms.URLInput(attrs={"class": "vLargeTextField"}),
        help_text=gettext_lazy("It must begin with https://, and its address must be public."),
    )

    class Meta:
        model = Endpoint
        fields = ("name", "url", "kinds", "includes_addresses", "is_on")

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        try:
            posting.check_url(url)
        except posting.BadUrl as error:
            raise forms.ValidationError(str(error)) from error
        return url

    def clean_includes_addresses(self) -> bool:
        wanted: bool = self.cleaned_data["includes_addresses"]
        if wanted and not self.initial.get("includes_addresses"):
            self.check_may_see_addresses()
        return wanted


@admin.register(Endpoint)
class EndpointAdmin(OutsideAdmin):
    form = EndpointForm
    list_display = ("name", "url", "how", "succeeded_at", "includes_addresses")
    search_fields = ("name", "url")
    ordering = ("-pk",)

    @admin.display(description=gettext_lazy("state"))
    def how(self, endpoint: Endpoint) -> str:
        if not endpoint.is_on:
            return _(endpoint.disabled_because) if endpoint.disabled_because else _("switched off")
        if endpoint.failing_since:
            return _("failing since %(time)s") % {
                "time": f"{endpoint.failing_since:%Y-%m-%d %H:%M} UTC"
            }
        return _("well") if endpoint.succeeded_at else _("not called yet")

    # --- making and changing one -----------------------------------------------------------
    def save_model(self, request: HttpRequest, obj: Endpoint, form: Any, change: bool) -> None:
        if not change:
            obj.salt = signing.new_salt()
        if change and obj.is_on and "is_on" in form.changed_data:
            obj.failures, obj.failing_since, obj.wait_until = 0, None, None
            obj.disabled_because = ""
        obj.save()

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        return self._show(request, obj, signing.secret(obj.salt))

    def _show(self, request: HttpRequest, endpoint: Endpoint, secret: str) -> HttpResponse:
        about = _("The receiver verifies each call with it, as Standard Webhooks has it.")
        return self.show_secret(request, endpoint, secret, about)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What it was told goes with it, although nobody can delete that alone."""
        found, counts, _needed, protected = super().get_deleted_objects(objs, request)
        return found, counts, set(), protected

    # --- its page --------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        def view(do: Any) -> Any:
            return self.admin_site.admin_view(require_POST(do))

        return [
            path("<int:pk>/test/", view(self.test), name="digest_endpoint_test"),
            path("<int:pk>/secret/", view(self.rotate), name="digest_endpoint_secret"),
            *super().get_urls(),
        ]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **more: Any
    ) -> Any:
        if (obj := more.get("obj")) is not None:
            recent = Call.objects.filter(endpoint=obj).select_related("notice").order_by("-pk")
            context |= {
                "calls": recent[:_SHOWN],
                "how": self.how(obj),
                "may_act": self.has_change_permission(request, obj),
            }
        return super().render_change_form(request, context, *args, **more)

    def test(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Send something that nobody acts on, at once."""
        endpoint = self._find(request, pk)
        with transaction.atomic():
            noting.test(endpoint)
            Endpoint.objects.filter(pk=pk).update(wait_until=None)
            audit.record(request, "endpoint.test", on=endpoint)
            call_soon(request, pk)
        if endpoint.is_on:
            messages.success(request, _("A test goes out now. Load this page again to see it."))
        else:
            messages.warning(request, _("The test waits until this webhook is switched on."))
        return HttpResponseRedirect("../change/")

    def rotate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Make another secret and show it once."""
        endpoint = self._find(request, pk)
        with transaction.atomic():
            secret = signing.rotate(endpoint, timezone.now())
            audit.record(request, "endpoint.new_secret", on=endpoint)
        return self._show(request, endpoint, secret)

    def _find(self, request: HttpRequest, pk: int) -> Endpoint:
        endpoint = get_object_or_404(Endpoint, pk=pk)
        if not self.has_change_permission(request, endpoint):
            raise PermissionDenied
        return endpoint
