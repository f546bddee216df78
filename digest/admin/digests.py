"""Digests: who was sent what and why; and the mail service's events."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from digest.choosing import reasons
from digest.models import Digest, Event, Paper
from subscribers import addresses
from subscribers.models import Topic

from .base import ReadOnly, ReadOnlyInline
from .trial import trial_page


class EventInline(ReadOnlyInline):
    model = Event
    fields = ("at", "kind", "reject_reason", "is_permanent", "mail_service")
    ordering = ("at",)


class DoubtFilter(admin.SimpleListFilter):
    """Those whose readers may have got nothing, which a person should look at."""

    title = "doubt"
    parameter_name = "doubt"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [("36500", "In doubt or assumed sent"), ("7", "… in the last 7 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = {"7": 7, "36500": 36500}.get(self.value() or "")
        return (
            queryset.filter(pk__in=Digest.objects.doubtful(within=timedelta(days=days)))
            if days
            else queryset
        )


@admin.register(Digest)
class DigestAdmin(ReadOnly):
    list_display = (
        "id",
        "local_date",
        "edition",
        "subscriber",
        "state",
        "skip_reason",
        "handed_over_at",
    )
    list_filter = (DoubtFilter, "state", "skip_reason", "mail_service", "edition")
    list_select_related = ("edition", "subscriber")
    search_fields = ("=uuid", "=message_id")
    search_help_text = (
        "A reader's full email address, a digest's id, or the mail service's message id."
    )
    ordering = ("-id",)
    show_full_result_count = False
    inlines = (EventInline,)
    fields = (
        "uuid",
        "local_date",
        "edition",
        "subscriber",
        "state",
        "skip_reason",
        "error",
        "why",
        "due_at",
        "next_attempt_at",
        "attempts",
        "handed_over_at",
        "mail_service",
        "message_id",
        "template_version",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if "@" in search_term:
            try:
                address_hash = addresses.hashed(search_term)
            except addresses.InvalidAddress:
                return queryset.none(), False
            return queryset.filter(subscriber__address_hash=address_hash), False
        return super().get_search_results(request, queryset, search_term)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_trial)
        return [path("trial/", view, name="digest_digest_trial"), *super().get_urls()]

    def show_trial(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return trial_page(request, self)

    @admin.display(description="Papers, and why each was chosen")
    def why(self, digest: Digest) -> SafeString | str:
        if not digest.paper_ids:
            return digest.get_skip_reason_display() or "Not composed yet."
        papers = Paper.objects.in_bulk(digest.paper_ids)
        names = dict(Topic.objects.values_list("id", "name"))
        return format_html(
            "<ol>{}</ol>",
            format_html_join(
                "",
                '<li><a href="{}">{}</a>: {}</li>',
                (
                    (
                        reverse("admin:digest_paper_change", args=[paper_id]),
                        papers[paper_id].title,
                        reasons.words(code, names),
                    )
                    for paper_id, code in zip(digest.paper_ids, digest.reasons, strict=True)
                ),
            ),
        )


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ("at", "kind", "digest", "mail_service", "reject_reason", "is_permanent")
    list_filter = ("kind", "is_permanent", "mail_service", "at")
    search_fields = ("=message_id", "=digest__uuid")
    ordering = ("-id",)
    show_full_result_count = False
