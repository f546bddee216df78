"""Editions: the papers of each, who got it, and who did not and why."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from digest.models import Digest, Edition, EditionPaper

from .base import ReadOnly, ReadOnlyInline


class CandidateInline(ReadOnlyInline):
    model = EditionPaper
    fields = ("votes", "comments", "fits")
    ordering = ("-votes", "paper_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        candidates: QuerySet[EditionPaper] = super().get_queryset(request)
        return candidates.select_related("paper")


@admin.register(Edition)
class EditionAdmin(ReadOnly):
    list_display = ("date", "opened_at", "closed_at", "number_of_papers", "link_to_digests")
    date_hierarchy = "date"
    inlines = (CandidateInline,)
    readonly_fields = ("who_got_it",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        editions: QuerySet[Edition] = super().get_queryset(request)
        return editions.annotate(num_papers=Count("candidates"))

    @admin.display(description="papers", ordering="num_papers")
    def number_of_papers(self, edition: Any) -> int:
        return int(edition.num_papers)

    @admin.display(description="digests")
    def link_to_digests(self, edition: Edition) -> SafeString:
        url = reverse("admin:digest_digest_changelist") + f"?edition__id__exact={edition.pk}"
        return format_html('<a href="{}">show</a>', url)

    @admin.display(description="Who got it, and who did not and why")
    def who_got_it(self, edition: Edition) -> SafeString:
        rows = (
            edition.digests.values("state", "skip_reason")
            .annotate(number=Count("id"))
            .order_by("state", "skip_reason")
        )
        return format_html_join(
            SafeString("<br>"),
            "{} {}{}",
            (
                (
                    row["number"],
                    Digest.State(row["state"]).value,
                    f": {row['skip_reason']}" if row["skip_reason"] else "",
                )
                for row in rows
            ),
        )
