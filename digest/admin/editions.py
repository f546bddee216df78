"""Editions: the papers of each, who got it, and who did not and why."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from digest.desk.words import number, skip_words, state_words
from digest.models import DigestCount, Edition, EditionPaper
from subscribers.models import Topic

from . import edition_desk, edition_previews
from .base import ReadOnly, ReadOnlyInline


class CandidateInline(ReadOnlyInline):
    model = EditionPaper
    fields = ("votes", "comments", "fitting")
    readonly_fields = ("fitting",)
    ordering = ("-votes", "paper_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        candidates: QuerySet[EditionPaper] = super().get_queryset(request)
        return candidates.select_related("paper").defer(
            "paper__abstract", "paper__search", "paper__names", "paper__features"
        )

    @admin.display(description=gettext_lazy("topics that it fits"))
    def fitting(self, candidate: EditionPaper) -> str:
        fits = sorted(candidate.fits.items(), key=lambda item: -item[1])
        names = self._names
        return ", ".join(f"{names.get(int(pk), pk)} {fit:.0%}" for pk, fit in fits)

    @cached_property
    def _names(self) -> dict[int, str]:
        return Topic.labels()


@admin.register(Edition)
class EditionAdmin(ReadOnly):
    list_display = (
        "date",
        "opened_at",
        "closed_at",
        "number_of_papers",
        "link_to_desk",
        "link_to_digests",
    )
    date_hierarchy = "date"
    inlines = (CandidateInline,)
    readonly_fields = ("who_got_it",)
    exclude = ("hold_reason",)  # in words on the desk's page

    def get_urls(self) -> list[URLPattern]:
        pages = (
            ("desk/", edition_desk.show_next, "desk"),
            ("desk/<str:day>/", edition_desk.show, "desk_of"),
            ("desk/<str:day>/act/", edition_desk.act, "act"),
            ("desk/<str:day>/preview/", edition_previews.show, "preview"),
            ("desk/<str:day>/preview/find/", edition_previews.find, "preview_find"),
            ("desk/<str:day>/preview/mail/", edition_previews.show_mail, "preview_mail"),
            ("desk/<str:day>/preview/test/", edition_previews.send_test, "preview_test"),
        )
        guard = self.admin_site.admin_view
        of_desk = [path(at, guard(view), name=f"digest_edition_{name}") for at, view, name in pages]
        return [*of_desk, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        editions: QuerySet[Edition] = super().get_queryset(request)
        return editions.annotate(num_papers=Count("candidates"))

    @admin.display(description=gettext_lazy("papers"), ordering="num_papers")
    def number_of_papers(self, edition: Any) -> int:
        return int(edition.num_papers)

    @admin.display(description=gettext_lazy("desk"))
    def link_to_desk(self, edition: Edition) -> SafeString:
        url = reverse("admin:digest_edition_desk")
        if edition.closed_at is not None:
            url = reverse("admin:digest_edition_desk_of", args=[edition.date.isoformat()])
        return format_html('<a href="{}">{}</a>', url, _("open it"))

    @admin.display(description=gettext_lazy("digests"))
    def link_to_digests(self, edition: Edition) -> SafeString:
        url = reverse("admin:digest_digest_changelist") + f"?edition__id__exact={edition.pk}"
        return format_html('<a href="{}">{}</a>', url, _("show them"))

    @admin.display(description=gettext_lazy("Who got it, and who did not and why"))
    def who_got_it(self, edition: Edition) -> SafeString:
        counted = DigestCount.objects.filter(edition=edition.pk).values("state", "skip_reason")
        rows = counted.annotate(sum=Sum("number")).exclude(sum=0).order_by("state", "skip_reason")
        return format_html_join(
            SafeString("<br>"),
            "{} {}{}",
            (
                (
                    number(row["sum"]),
                    state_words(row["state"]),
                    f": {skip_words(row['skip_reason'])}" if row["skip_reason"] else "",
                )
                for row in rows
            ),
        )
