"""Digests: who was sent what and why; and the mail service's events."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Max, Model, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from digest.choosing import reasons
from digest.delivery import routing
from digest.delivery.events import STATE_OF_KIND
from digest.desk.words import SKIPS, STATES, event_words, reject_words, skip_words, state_words
from digest.models import Digest, DigestCount, Event, Paper
from subscribers import addresses
from subscribers.admin import sees_addresses
from subscribers.models import Topic

from .base import ReadOnly, ReadOnlyInline
from .trial import trial_page

# Found by an index; so many of them are shown.
_WRONG = frozenset({"failed", "bounced", "complained", "uncertain", "assumed"})
_NEWEST = 1000
_NEWEST_ROWS = 100_000
# A digest's id, or our message id with it in it.
_UUID = re.compile(r"(?:<?d\.)?([0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12})(?:@.*)?")


class _InWords:
    """What an event says, in our words; the mail service's stay in the row."""

    @admin.display(description=gettext_lazy("event"))
    def what(self, event: Event) -> str:
        return event_words(event.kind)

    @admin.display(description=gettext_lazy("reason"))
    def why(self, event: Event) -> str:
        return reject_words(event.reject_reason)


class EventInline(_InWords, ReadOnlyInline):
    model = Event
    fields = readonly_fields = ("at", "what", "why", "is_permanent", "mail_service")
    ordering = ("at",)


class DoubtFilter(admin.SimpleListFilter):
    """Those whose readers may have got nothing, which a person should look at."""

    title = gettext_lazy("doubt")
    parameter_name = "doubt"

    def lookups(self, *args: Any) -> list[tuple[str, str]]:
        return [("36500", _("In doubt or assumed sent")), ("7", _("… in the last 7 days"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        days = {"7": 7, "36500": 36500}.get(self.value() or "")
        return (
            queryset.filter(pk__in=Digest.objects.doubtful(within=timedelta(days=days)))
            if days
            else queryset
        )


class _CountedFilter(admin.SimpleListFilter):
    """A filter that looks at no row if there is none of its kind: see ``models.counts``."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value not in dict(self.lookup_choices):
            return queryset
        counted = DigestCount.objects.filter(**{self.column: value})
        if not counted.aggregate(sum=Sum("number"))["sum"]:
            return queryset.none()
        return self.rows(queryset, value)

    def rows(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        return queryset.filter(**{self.column: value})


class StateFilter(_CountedFilter):
    title, parameter_name, column = gettext_lazy("state"), "state__exact", "state"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [(state, str(words)) for state, words in STATES.items()]

    def rows(self, queryset: QuerySet[Any], value: str) -> QuerySet[Any]:
        """Of what went wrong, which is rare, the newest: those that an index finds."""
        if value not in _WRONG:
            return super().rows(queryset, value)
        newest = Digest.objects.filter(state=value).order_by("-handed_over_at")
        return queryset.filter(pk__in=list(newest.values_list("pk", flat=True)[:_NEWEST]))


class SkipFilter(_CountedFilter):
    title = gettext_lazy("why it was skipped")
    parameter_name, column = "skip_reason__exact", "skip_reason"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [(reason, str(words)) for reason, words in SKIPS.items()]


class ServiceFilter(_CountedFilter):
    title = gettext_lazy("mail service")
    parameter_name, column = "mail_service", "mail_service"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in routing.names()]


@admin.register(Digest)
class DigestAdmin(ReadOnly):
    list_display = (
        "id",
        "local_date",
        "edition",
        "subscriber",
        "how_it_stands",
        "why_skipped",
        "handed_over_at",
    )
    list_filter = (DoubtFilter, StateFilter, SkipFilter, ServiceFilter, "edition")
    list_select_related = ("edition", "subscriber")
    search_fields = ("=uuid", "=message_id")
    search_help_text = gettext_lazy(
        "A digest’s id, the mail service’s message id, or the full email address of a reader, "
        "if you may see addresses."
    )
    ordering = ("-id",)
    # Sorting by anything else would read the whole table.
    sortable_by = ("id",)
    inlines = (EventInline,)
    fields = (
        "uuid",
        "local_date",
        "edition",
        "subscriber",
        "how_it_stands",
        "why_skipped",
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
        if "@" in search_term and not _UUID.fullmatch(search_term.strip().lower()):
            try:
                address_hash = addresses.hashed(search_term)
            except addresses.InvalidAddress:
                return queryset.none(), False
            if not sees_addresses(request):
                return queryset.none(), False
            return queryset.filter(subscriber__address_hash=address_hash), False
        return _with_id(queryset, search_term, "uuid", Digest), False

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.show_trial)
        return [path("trial/", view, name="digest_digest_trial"), *super().get_urls()]

    def show_trial(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return trial_page(request, self)

    @admin.display(description=gettext_lazy("state"))
    def how_it_stands(self, digest: Digest) -> str:
        return state_words(digest.state)

    @admin.display(description=gettext_lazy("why it was skipped"))
    def why_skipped(self, digest: Digest) -> str:
        return skip_words(digest.skip_reason)

    @admin.display(description=gettext_lazy("Papers, and why each was chosen"))
    def why(self, digest: Digest) -> SafeString | str:
        if not digest.paper_ids:
            return skip_words(digest.skip_reason) or _("Not composed yet.")
        papers = Paper.objects.in_bulk(digest.paper_ids)
        names = Topic.labels()
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


class KindFilter(admin.SimpleListFilter):
    """Looks at the newest events only, since no index knows their kinds."""

    title = gettext_lazy("kind, of the newest 100 000")
    parameter_name = "kind__exact"

    def lookups(self, *_: Any) -> list[tuple[str, str]]:
        return [(kind, event_words(kind)) for kind in STATE_OF_KIND]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in dict(self.lookup_choices):
            return queryset
        return _newest(queryset, Event).filter(kind=self.value())


@admin.register(Event)
class EventAdmin(_InWords, ReadOnly):
    list_display = ("at", "what", "digest", "mail_service", "why", "is_permanent")
    fields = (*list_display, "message_id", "detail", "received_at")
    list_filter = (KindFilter,)
    list_select_related = ("digest",)
    search_fields = ("=message_id", "=digest__uuid")
    search_help_text = gettext_lazy("A digest’s id, or the mail service’s message id.")
    ordering = ("-id",)
    sortable_by = ("id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return _with_id(queryset, search_term, "digest__uuid", Event), False


def _with_id(queryset: QuerySet[Any], term: str, uuid: str, model: type[Model]) -> QuerySet[Any]:
    """Return the rows of a digest's id, which our own message ids hold, too. Those of services are
    looked for among the newest rows, because no index knows them."""
    if not term.strip():
        return queryset
    if found := _UUID.fullmatch(term.strip().lower()):
        return queryset.filter(**{uuid: UUID(found[1])})
    return _newest(queryset, model).filter(message_id=term.strip())


def _newest(queryset: QuerySet[Any], model: type[Model]) -> QuerySet[Any]:
    newest = model._default_manager.aggregate(pk=Max("pk"))["pk"] or 0
    return queryset.filter(pk__gt=newest - _NEWEST_ROWS)
