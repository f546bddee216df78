"""Papers, with their topics and figures over time, and each look at a source."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from digest.models import Look, Paper, PaperTopic, Sighting
from digest.sources import label_of

from .base import ReadOnly, ReadOnlyInline


class PaperTopicInline(ReadOnlyInline):
    model = PaperTopic
    ordering = ("-fit",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        fits: QuerySet[PaperTopic] = super().get_queryset(request)
        return fits.select_related("topic")


class SightingInline(ReadOnlyInline):
    model = Sighting
    ordering = ("-at",)
    fields = ("at", "source", "votes", "comments")


@admin.register(Paper)
class PaperAdmin(ReadOnly):
    list_display = ("title", "key", "votes", "comments", "found_at", "first_seen_at")
    list_filter = ("first_source", "set_aside", "topics", "first_seen_at")
    search_fields = ("title", "=key", "abstract")
    ordering = ("-first_seen_at",)
    inlines = (PaperTopicInline, SightingInline)
    # Said, because Django would make a form to find them out.
    fields = tuple(one.name for one in Paper._meta.fields if one.editable and not one.primary_key)

    @admin.display(ordering="first_source", description=gettext_lazy("first source"))
    def found_at(self, paper: Paper) -> str:
        return label_of(paper.first_source)


@admin.register(Look)
class LookAdmin(ReadOnly):
    list_display = ("where", "day", "at", "outcome", "new", "changed", "same", "bad", "message")
    list_filter = ("source", "outcome", "at")
    ordering = ("-at",)

    @admin.display(ordering="source", description=gettext_lazy("source"))
    def where(self, look: Look) -> str:
        return label_of(look.source)
