"""What keys and endpoints share: a secret that is shown once, and who may have one."""

from typing import Any

from celery.exceptions import OperationalError as CeleryError
from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError as BrokerError

from digest import tasks

SEES_ADDRESSES = "subscribers.view_addresses"


class OutsideForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A form that knows who fills it in."""

    user: Any = None

    def check_may_see_addresses(self) -> None:
        if self.user is not None and not self.user.has_perm(SEES_ADDRESSES):
            raise forms.ValidationError(
                _("Only those who may see addresses themselves can let a program see them.")
            )


class OutsideAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """A list of keys or endpoints."""

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        return type(made.__name__, (made,), {"user": request.user})

    def show_secret(self, request: HttpRequest, obj: Any, secret: str, about: str) -> HttpResponse:
        """Show a secret on a page of its own, which nobody can come back to."""
        context = {
            **self.admin_site.each_context(request),
            "title": str(obj),
            "opts": self.opts,
            "original": obj,
            "secret": secret,
            "about": about,
        }
        return TemplateResponse(request, "admin/digest/outside/secret.html", context)


def call_soon(request: HttpRequest, endpoint_id: int) -> None:
    """Have a worker call the endpoint now. If Redis is down, the next tick does."""

    def ring() -> None:
        try:
            tasks.call_endpoint.delay(endpoint_id)
        except (BrokerError, CeleryError):
            messages.warning(
                request, _("Redis cannot be reached; it is called with the next tick.")
            )

    transaction.on_commit(ring)
