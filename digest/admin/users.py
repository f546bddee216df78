"""Operators: their roles, and a way back in for those who have lost their second factor."""

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from digest.desk import audit
from digest.desk.access import factors, roles
from digest.models import Factor

RESET = "digest.reset_second_factor"
NO_ROLE = gettext_lazy("none: cannot log in")


class OperatorForm(UserChangeForm):  # type: ignore[type-arg]  # not generic at run time
    """A user with a role instead of single permissions."""

    role = forms.ChoiceField(
        choices=lambda: [
            ("", NO_ROLE),
            *((role, f"{role}: {roles.WORDS[role]}") for role in roles.ROLES),
        ],
        widget=forms.RadioSelect,
        required=False,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "role" in self.fields and self.instance.pk:
            self.initial["role"] = role_of(self.instance)


def role_of(user: User) -> str:
    """The role whose group the user is in, the highest if there are more."""
    names = set(user.groups.values_list("name", flat=True))
    return next((role for role in reversed(roles.ROLES) if role in names), "")


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class OperatorAdmin(UserAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Who may use the desk. Only superusers may change superusers, or make more of them."""

    form = OperatorForm
    change_form_template = "admin/access/user.html"
    list_display = ("username", "role", "is_active", "second_factor", "last_login")
    list_filter = ("is_active", "groups")
    list_select_related = False
    ordering = ("username",)
    search_fields = ("username", "first_name", "last_name")
    filter_horizontal = ("groups",)
    readonly_fields = ("last_login", "date_joined", "second_factor")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        (gettext_lazy("Role"), {"fields": ("role", "is_active", "second_factor")}),
        (gettext_lazy("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    superuser_fieldset: ClassVar[Any] = (
        gettext_lazy("For superusers only"),
        {"fields": ("is_superuser", "groups"), "classes": ("collapse",)},
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups", "factors")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if obj is not None and request.user.is_superuser:
            return (*found, self.superuser_fieldset)
        return found

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return bool(super().has_change_permission(request, obj))

    has_reset_permission = has_change_permission

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who has left is not active any more; what they did stays in the log."""
        return False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        if change and "role" in form.cleaned_data:
            _set_role(request, form.instance, form.cleaned_data["role"])

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        messages.info(request, _("Now choose the role. Without one this user cannot log in."))
        return super().response_add(request, obj, post_url_continue)

    # --- the second factor -----------------------------------------------------------------
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.reset_factor))
        return [path("<int:pk>/reset/", view, name="auth_user_reset"), *super().get_urls()]

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **more: Any
    ) -> Any:
        obj = more.get("obj")
        context["may_reset"] = bool(
            obj and request.user.has_perm(RESET) and self.has_change_permission(request, obj)
        )
        context["has_factor"] = bool(obj and factors.has_any(obj))
        return super().render_change_form(request, context, *args, **more)

    def reset_factor(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take another's second factors away, so that they can log in and add new ones."""
        user = get_object_or_404(User, pk=pk)
        may = request.user.has_perm(RESET) and self.has_change_permission(request, user)
        if not may or user == request.user:
            raise PermissionDenied
        with transaction.atomic():
            number = factors.reset(user)
            result = audit.DONE if number else audit.SAME
            audit.record(request, "factor.reset", on=user, result=result, number=number)
        done = _("%(name)s has no second factor now, and is logged out everywhere.")
        messages.success(request, done % {"name": user})
        return redirect("admin:auth_user_change", pk)

    @admin.display(description=gettext_lazy("role"))
    def role(self, user: User) -> str:
        if user.is_superuser:
            return _("superuser")
        names = {group.name for group in user.groups.all()}
        of_table = next((one for one in reversed(roles.ROLES) if one in names), "")
        return of_table or ", ".join(sorted(names)) or "–"

    @admin.display(description=gettext_lazy("second factor"))
    def second_factor(self, user: Any) -> str:  # mypy knows `factors` only in some runs
        kinds = {str(Factor.Kind(one.kind).label) for one in user.factors.all()}
        return ", ".join(sorted(kinds)) or _("none")


def _set_role(request: HttpRequest, user: User, role: str) -> None:
    """Put the user into the group of the role, and out of those of others."""
    before = role_of(user)
    if before != role:
        user.groups.remove(*Group.objects.filter(name__in=roles.ROLES))
        if role:
            user.groups.add(Group.objects.get(name=role))
        audit.record(request, "user.role", on=user, before=before, after=role)
    is_staff = bool(user.is_superuser or user.groups.exists())
    User.objects.filter(pk=user.pk).update(is_staff=is_staff)


@admin.register(Group)
class RoleAdmin(GroupAdmin):
    """The groups of the roles follow from a table (``desk.access.roles``); superusers may make
    others."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_role = obj is not None and obj.name in roles.ROLES
        return bool(request.user.is_superuser and not is_role)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    has_delete_permission = has_change_permission
