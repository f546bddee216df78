"""The operator's lists. Rows that record what happened are read, not edited."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from subscribers import addresses
from subscribers.admin import TopicAdmin
from subscribers.models import Topic

from .choosing import reasons, trial
from .models import Digest, Edition, EditionPaper, Event, Hold, Look, Paper, PaperTopic, Sighting
from .papers.preview import preview
from .ranking.interleaving import Share
from .ranking.tfidf import TopicTerms


class ReadOnly(admin.ModelAdmin[Any]):
    """A record of what happened: shown, never added, changed or deleted here."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class _ReadOnlyInline(admin.TabularInline[Any, Any]):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class PaperTopicInline(_ReadOnlyInline):
    model = PaperTopic
    ordering = ("-fit",)


class SightingInline(_ReadOnlyInline):
    model = Sighting
    ordering = ("-at",)
    fields = ("at", "source", "votes", "comments")


@admin.register(Paper)
class PaperAdmin(ReadOnly):
    list_display = ("title", "key", "votes", "comments", "first_source", "first_seen_at")
    list_filter = ("first_source", "topics", "first_seen_at")
    search_fields = ("title", "=key", "abstract")
    ordering = ("-first_seen_at",)
    inlines = (PaperTopicInline, SightingInline)


@admin.register(Look)
class LookAdmin(ReadOnly):
    list_display = ("source", "day", "at", "outcome", "new", "changed", "same", "bad", "message")
    list_filter = ("source", "outcome", "at")
    ordering = ("-at",)


class CandidateInline(_ReadOnlyInline):
    model = EditionPaper
    fields = ("votes", "comments", "fits")
    ordering = ("-votes", "paper_id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        candidates: QuerySet[EditionPaper] = super().get_queryset(request)
        return candidates.select_related("paper")


@admin.register(Edition)
class EditionAdmin(ReadOnly):
    list_display = ("date", "opened_at", "closed_at", "papers_in_it", "digests_of_it")
    date_hierarchy = "date"
    inlines = (CandidateInline,)
    readonly_fields = ("who_got_it",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        editions: QuerySet[Edition] = super().get_queryset(request)
        return editions.annotate(number_of_papers=Count("candidates"))

    @admin.display(description="papers", ordering="number_of_papers")
    def papers_in_it(self, edition: Any) -> int:
        return int(edition.number_of_papers)

    @admin.display(description="digests")
    def digests_of_it(self, edition: Edition) -> SafeString:
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


class EventInline(_ReadOnlyInline):
    model = Event
    fields = ("at", "kind", "reject_reason", "is_permanent", "mail_service")
    ordering = ("at",)


@admin.register(Digest)
class DigestAdmin(ReadOnly):
    list_display = ("id", "edition", "subscriber", "state", "skip_reason", "handed_over_at")
    list_filter = ("state", "skip_reason", "mail_service", "edition")
    list_select_related = ("edition", "subscriber")
    search_fields = ("=uuid", "=message_id")
    search_help_text = "A reader's whole address, a digest's id, or the mail service's id."
    ordering = ("-id",)
    show_full_result_count = False
    inlines = (EventInline,)
    fields = (
        "uuid",
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
        """How the rankings fare that are, or were, tried on readers."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": "Trial of a ranking",
            "opts": self.opts,
            "results": [(result, _in_per_cent(result.share)) for result in trial.results()],
            "least_readers": trial.LEAST_READERS,
        }
        return TemplateResponse(request, "admin/digest/digest/trial.html", context)

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


def _in_per_cent(share: Share | None) -> tuple[str, str]:
    """The share and its interval as they are read; a dash each where there is none."""
    if share is None:
        return "–", "–"
    return f"{share.share * 100:.0f} %", f"{share.low * 100:.0f} % to {share.high * 100:.0f} %"


@admin.register(Event)
class EventAdmin(ReadOnly):
    list_display = ("at", "kind", "digest", "mail_service", "reject_reason", "is_permanent")
    list_filter = ("kind", "is_permanent", "mail_service", "at")
    search_fields = ("=message_id", "=digest__uuid")
    ordering = ("-id",)
    show_full_result_count = False


@admin.register(Hold)
class HoldAdmin(ReadOnly):
    list_display = ("mail_service", "reason", "created_at", "until", "released_at")
    list_filter = ("mail_service",)
    ordering = ("-created_at",)
    fields = ("mail_service", "reason", "until")
    actions = ("release",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """An operator pauses sending by adding a hold, and resumes it by releasing it."""
        return request.user.has_perm("digest.add_hold")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"reason": "Paused by an operator"}

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("digest.change_hold")

    @admin.action(description="Release: sending goes on", permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[Hold]) -> None:
        released = queryset.filter(released_at=None).update(released_at=timezone.now())
        self.message_user(request, f"{released} released.", messages.SUCCESS)


class TopicWords(forms.ModelForm[Topic]):
    """What papers are matched to, and the days to look at."""

    days = forms.TypedChoiceField(
        choices=[(7, "the last 7"), (30, "the last 30")],
        coerce=int,
        required=False,
    )

    class Meta:
        model = Topic
        fields = ("name", "description", "seed_terms")
        widgets = dict.fromkeys(fields, forms.TextInput(attrs={"class": "vLargeTextField"}))


# Topics are the other app's, but what they would catch is known here only.
admin.site.unregister(Topic)


@admin.register(Topic)
class TopicWithPreviewAdmin(TopicAdmin):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_preview)
        return [path("preview/", view, name="subscribers_topic_preview"), *super().get_urls()]

    def show_preview(self, request: HttpRequest) -> HttpResponse:
        """What the words as typed would catch. Saves nothing, whichever way it is asked."""
        if not (self.has_add_permission(request) or self.has_change_permission(request)):
            raise PermissionDenied
        form = TopicWords(request.POST or None)
        found = None
        if form.is_valid():
            words = form.cleaned_data
            terms = TopicTerms("", words["name"], words["description"], tuple(words["seed_terms"]))
            found = preview(terms, days=words["days"] or 7, now=timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": "Preview of a topic",
            "opts": self.opts,
            "form": form,
            "found": found,
        }
        return TemplateResponse(request, "admin/subscribers/topic/preview.html", context)
