"""Base classes for rows that record what happened. Operators read them here and change nothing."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest


class ReadOnly(admin.ModelAdmin[Any]):
    # Django makes a form even to show a row. What it will assume in its next version.
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


# One field for a day and its time, which a label can name; Django's own has two. In UTC.
ONE_FIELD_FOR_TIMES: dict[type[models.Field[Any, Any]], Mapping[str, Any]] = {
    models.DateTimeField: {
        "form_class": forms.DateTimeField,
        "widget": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    }
}


class ReadOnlyInline(admin.TabularInline[Any, Any]):
    template = "admin/rows.html"
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
