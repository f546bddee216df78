"""Keys to the API."""

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

from digest.admin.base import ONE_FIELD_FOR_TIMES
from digest.desk import audit
from digest.models import Scope, Token
from digest.models.outside import new_key

from .base import OutsideAdmin, OutsideForm

CHANGE = "digest.change_token"


class TokenForm(OutsideForm):
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("Scopes"),
        choices=lambda: [(scope.value, f"{scope.value}: {scope.label}") for scope in Scope],
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("No more than the program needs. They cannot be changed later."),
    )

    class Meta:
        model = Token
        fields = ("name", "scopes", "expires_at")

    def clean_scopes(self) -> list[str]:
        scopes: list[str] = self.cleaned_data["scopes"]
        if Scope.READ_ADDRESSES in scopes:
            self.check_may_see_addresses()
        return scopes

    def clean_expires_at(self) -> Any:
        at = self.cleaned_data["expires_at"]
        if at is not None and at <= timezone.now():
            raise forms.ValidationError(_("Choose a time to come."))
        return at


@admin.register(Token)
class TokenAdmin(OutsideAdmin):
    """A token is made, shown once, and revoked. Its row stays, because the log names it."""

    form = TokenForm
    list_display = ("name", "hint", "may", "created_by", "last_used_at", "how")
    list_select_related = ("created_by",)
    search_fields = ("name", "hint")
    ordering = ("-pk",)
    fields = ("name", "scopes", "expires_at")
    formfield_overrides = ONE_FIELD_FOR_TIMES
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return self.fields
        return (
            "name",
            "hint",
            "may",
            "how",
            "created_by",
            "created_at",
            "expires_at",
            "last_used_at",
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("digest.view_token") or request.user.has_perm(CHANGE)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CHANGE)

    # --- columns ---------------------------------------------------------------------------
    @admin.display(description=gettext_lazy("scopes"))
    def may(self, token: Token) -> str:
        return ", ".join(token.scopes)

    @admin.display(description=gettext_lazy("state"))
    def how(self, token: Token) -> str:
        if token.revoked_at:
            return _("revoked on %(day)s") % {"day": f"{token.revoked_at:%Y-%m-%d}"}
        return _("in use") if token.is_good(timezone.now()) else _("expired")

    # --- making one ------------------------------------------------------------------------
    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        key, obj.key_hash, obj.hint = new_key()
        obj.created_by = request.user  # type: ignore[assignment]  # nobody else gets here
        obj.save()
        request.made_key = key  # type: ignore[attr-defined]  # for the page below

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        about = _("The program sends it in the header Authorization: Bearer …")
        return self.show_secret(request, obj, request.made_key, about)  # type: ignore[attr-defined]

    # --- revoking --------------------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.revoke_one))
        return [path("<int:pk>/revoke/", view, name="digest_token_revoke"), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **more: Any
    ) -> Any:
        obj = more.get("obj")
        may = self.has_revoke_permission(request)
        context["may_revoke"] = bool(obj and may and obj.revoked_at is None)
        return super().render_change_form(request, context, *args, **more)

    def revoke_one(self, request: HttpRequest, pk: int) -> HttpResponse:
        if not self.has_revoke_permission(request):
            raise PermissionDenied
        token = get_object_or_404(Token, pk=pk)
        _revoke(request, token)
        messages.success(request, _("“%(name)s” opens nothing any more.") % {"name": token.name})
        return HttpResponseRedirect("../../")

    @admin.action(description=gettext_lazy("Revoke selected tokens"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        for token in queryset:
            _revoke(request, token)
        self.message_user(request, _("They open nothing any more."), messages.SUCCESS)


@transaction.atomic
def _revoke(request: HttpRequest, token: Token) -> None:
    good = Token.objects.filter(pk=token.pk, revoked_at=None)
    did_change = bool(good.update(revoked_at=timezone.now()))
    result = audit.DONE if did_change else audit.SAME
    audit.record(request, "token.revoke", on=token, result=result)
