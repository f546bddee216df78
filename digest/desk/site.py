"""The admin's site. It opens on Today, and says on each of its pages what holds the sending."""

from functools import update_wrapper
from typing import Any

from celery.exceptions import OperationalError as CeleryError
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from kombu.exceptions import OperationalError as BrokerError

from digest import tasks
from digest.models import Hold

from . import after_restore, audit, lists
from .access import changes, roles, visits
from .access import pages as access
from .imports import pages as imports
from .people import pages as people
from .today import page, services


class DeskSite(AdminSite):
    """Django's admin with *Today* in front; its own first page is at ``tables/``."""

    site_header = site_title = settings.SITE_NAME
    index_title = gettext_lazy("Tables")

    def register(self, model_or_iterable: Any, admin_class: Any = None, **options: Any) -> None:
        super().register(model_or_iterable, admin_class, **options)
        models = [model_or_iterable] if isinstance(model_or_iterable, type) else model_or_iterable
        for model in models:
            lists.quicken(self._registry[model])
            changes.write_to_audit(self._registry[model])

    def get_urls(self) -> list[URLPattern | URLResolver]:
        return [
            path("tables/", self.admin_view(self.tables), name="tables"),
            path(
                "holds/<int:pk>/release/",
                self.admin_view(require_POST(self.release_hold)),
                name="release_hold",
            ),
            path(
                "sources/<str:name>/look/",
                self.admin_view(require_POST(self.look_now)),
                name="look_now",
            ),
            path("delivery/", self.admin_view(self.check_delivery), name="check_delivery"),
            *after_restore.urls(self.admin_view),
            *people.urls(self.admin_view),
            *imports.urls(self.admin_view),
            *access.urls(self.admin_view),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if context["has_permission"]:
            context["holds"] = services.active_holds()
            context["now"] = timezone.now()
        return context

    # --- access ----------------------------------------------------------------------------
    def has_permission(self, request: HttpRequest) -> bool:
        return bool(super().has_permission(request)) and visits.is_valid(request)

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Have those add a second factor first who must have one, and record what is refused."""

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            name = request.resolver_match.url_name if request.resolver_match else None
            if name not in access.FREE and visits.lacks_factor(request):
                return HttpResponseRedirect(reverse("admin:account"))
            try:
                return view(request, *args, **kwargs)
            except PermissionDenied:
                if request.method == "POST":
                    audit.record(request, "page.post", on=("page", name), result=audit.REFUSED)
                raise

        return super().admin_view(update_wrapper(guarded, view), cacheable)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        with transaction.atomic():
            response = super().password_change(request, extra_context)
            if request.method == "POST" and response.status_code == 302:
                audit.record(request, "user.password", on=request.user)
        return response

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if request.method == "POST":
            audit.record(request, "session.end", on=request.user)
        return super().logout(request, extra_context)

    # --- pages -----------------------------------------------------------------------------
    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        context = {
            **self.each_context(request),
            "title": _("Today"),
            **page.context(request.user),
            "is_still": "still" in request.GET,
            **(extra_context or {}),
        }
        request.current_app = self.name
        return TemplateResponse(request, "admin/today.html", context)

    def tables(self, request: HttpRequest) -> TemplateResponse:
        """Show Django's own first page: all tables, and one's own last actions."""
        return super().index(request, {"title": _("All tables")})

    def check_delivery(self, request: HttpRequest) -> TemplateResponse:
        """Show what can be checked of our mail's set-up; a POST checks it, and changes nothing."""
        roles.require(request, "digest.change_hold")
        context = {**self.each_context(request), "title": _("Will it arrive?")}
        if request.method == "POST":
            from .doctor import examining, resolver  # noqa: PLC0415  # as for `look_now`

            # Somebody waits for the page.
            audit.record(request, "delivery.check")
            found = examining.examine(resolver.Resolver(seconds=2, most_seconds=15))
            context |= examining.by_verdict(found)
        return TemplateResponse(request, "admin/check_delivery.html", context)

    # --- actions ---------------------------------------------------------------------------
    def release_hold(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Release the hold, unless somebody already has. Safe to repeat."""
        roles.require(request, "digest.change_hold")
        hold = get_object_or_404(Hold, pk=pk)
        if hold.is_of_safe_mode:
            return HttpResponseRedirect(reverse("admin:after_restore"))
        with transaction.atomic():
            released = Hold.objects.filter(pk=pk).release()
            result = audit.DONE if released else audit.SAME
            audit.record(request, "hold.release", on=hold, result=result)
        name = hold.mail_service or _("all mail services")
        messages.success(request, _("The hold on %(name)s is released.") % {"name": name})
        return _back(request)

    def look_now(self, request: HttpRequest, name: str) -> HttpResponse:
        """Have a worker look at the source now. Looking twice does no harm."""
        roles.require(request, "digest.run_edition")
        if name not in settings.SOURCES:
            raise Http404
        try:
            tasks.look.delay(name)
            audit.record(request, "source.look", on=("source", name))
        except (BrokerError, CeleryError):
            audit.record(request, "source.look", on=("source", name), result=audit.FAILED)
            messages.error(request, _("Redis cannot be reached, so no worker hears of it."))
        else:
            messages.success(request, _("A worker looks at the source now."))
        return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    """Redirect to the page that the form was on, which must be one of ours."""
    url = request.POST.get("next", "")
    return HttpResponseRedirect(url if access.is_ours(url) else reverse("admin:index"))
