"""The log of what operators did. Nobody adds to it here, and nobody changes it anywhere."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from digest.desk import log
from digest.desk.access import roles
from digest.models import AuditEntry

from .base import ReadOnly

VIEW, NETWORKS = "digest.view_auditentry", "digest.view_audit_networks"


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """Django's list would count the rows and offer each person's name as a filter; this one is
    quick with a million of them."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        roles.require(request, VIEW)
        asked = {name: request.GET.get(name, "") for name in request.GET}
        wish = log.Wish.of(asked)
        found = log.look_up(wish)
        context = {
            **self.admin_site.each_context(request),
            "title": _("What operators did"),
            "opts": self.opts,
            "wish": wish,
            "found": found,
            "rows": [(row, _link(row), _details(row)) for row in found.rows],
            "names": log.names(),
            "sees_networks": request.user.has_perm(NETWORKS),
            "following": _address(asked, found.following),
        }
        return TemplateResponse(request, "admin/digest/auditentry/log.html", context)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        names = [field.name for field in self.opts.fields if field.name != "id"]
        sees_networks = request.user.has_perm(NETWORKS)
        return [name for name in names if name != "network" or sees_networks]


def _link(row: AuditEntry) -> str:
    """The address of the object's own page in the admin, "" if there is none."""
    app, _dot, model = row.kind.partition(".")
    if not model or not row.key.isdigit():
        return ""
    if row.kind == "subscribers.subscriber":
        return reverse("admin:person", args=[row.key])
    try:
        return reverse(f"admin:{app}_{model}_change", args=[row.key])
    except NoReverseMatch:
        return ""


def _details(row: AuditEntry) -> str:
    said = {name: _plain(value) for name, value in row.details.items()}
    return "; ".join(f"{name}: {value}" for name, value in said.items() if value)


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _address(asked: dict[str, str], before: int | None) -> str:
    return f"?{urlencode({**asked, 'before': before})}" if before else ""
