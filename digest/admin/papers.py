"""Papers, with their topics and figures over time, and each look at a source."""

from django.contrib import admin

from digest.models import Look, Paper, PaperTopic, Sighting

from .base import ReadOnly, ReadOnlyInline


class PaperTopicInline(ReadOnlyInline):
    model = PaperTopic
    ordering = ("-fit",)


class SightingInline(ReadOnlyInline):
    model = Sighting
    ordering = ("-at",)
    fields = ("at", "source", "votes", "comments")


@admin.register(Paper)
class PaperAdmin(ReadOnly):
    list_display = ("title", "key", "votes", "comments", "first_source", "first_seen_at")
    list_filter = ("first_source", "set_aside", "topics", "first_seen_at")
    search_fields = ("title", "=key", "abstract")
    ordering = ("-first_seen_at",)
    inlines = (PaperTopicInline, SightingInline)


@admin.register(Look)
class LookAdmin(ReadOnly):
    list_display = ("source", "day", "at", "outcome", "new", "changed", "same", "bad", "message")
    list_filter = ("source", "outcome", "at")
    ordering = ("-at",)
