"""What operators see about readers, and the few things they may change."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from subscribers.forms import zones
from subscribers.models import Consent, Letter, Subscriber, Subscription, Suppression, Topic

from . import addresses
from .leaving import suppression
from .wishes import preferences

SEES_ADDRESSES = "subscribers.view_addresses"
# The columns that say whose a row is. A list could be narrowed down by them in its address.
_TELLING = ("email", "new_email", "address_hash")

_BY_ADDRESS = gettext_lazy(
    "Search by a complete address, if you may see addresses, or by its hash."
)


def sees_addresses(request: HttpRequest) -> bool:
    return request.user.has_perm(SEES_ADDRESSES)


def _hash_of(term: str) -> str | None:
    """Return the hash of a search term that is a complete address, otherwise None."""
    try:
        return addresses.hashed(term.strip())
    except addresses.InvalidAddress:
        return None


class _Masked(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    """Rows of readers. Whoever may not see addresses finds nobody by one, either."""

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        is_telling = any(part in _TELLING for part in lookup.split("__"))
        may_see = request is not None and sees_addresses(request)
        return (may_see or not is_telling) and bool(super().lookup_allowed(lookup, value, request))


class _ByHash(_Masked):
    """Rows that hold the hash of an address, and are found by either."""

    search_fields = ("address_hash",)
    search_help_text = _BY_ADDRESS

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows of the address or hash that was searched for; all if nothing was."""
        term = search_term.strip()
        if not term:
            return queryset, False
        address_hash = _hash_of(term) if sees_addresses(request) else None
        return queryset.filter(address_hash=address_hash or term), False


class _ReadOnly(_Masked):
    """Rows that nobody edits. Deleting a subscriber still deletes the rows that belong to it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class SubscriptionInline(admin.TabularInline):  # type: ignore[type-arg]  # not generic at run time
    model = Subscription
    extra = 0
    verbose_name_plural = gettext_lazy("topics")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        followed: QuerySet[Subscription] = super().get_queryset(request)
        return followed.select_related("topic")


class SubscriberForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """The preferences; checks that the time zone exists."""

    class Meta:
        model = Subscriber
        fields = ("zone", "hour", "frequency", "weekday", "length", "paused_until")

    def clean_zone(self) -> str:
        zone: str = self.cleaned_data["zone"]
        if zone not in zones():
            raise forms.ValidationError(
                _("There is no such time zone. Use a name such as Europe/Lisbon.")
            )
        return zone


@admin.register(Subscriber)
class SubscriberAdmin(_Masked):
    """Operators may help with preferences. Consent is the reader's own and cannot be set here."""

    form = SubscriberForm
    list_display = ("email", "state", "frequency", "zone", "hour", "next_due_at", "created_at")
    list_filter = ("state", "frequency", "topics")
    search_help_text = gettext_lazy(
        "A reader’s number; for those who may see addresses, one or part of one."
    )
    readonly_fields = (
        "email",
        "state",
        "next_due_at",
        "created_at",
        "confirmed_at",
        "unsubscribed_at",
    )
    inlines = (SubscriptionInline,)
    date_hierarchy = "created_at"
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only readers themselves can confirm a subscription."""
        return False

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._fit(request, self.list_display)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._fit(request, self.readonly_fields)

    def get_search_fields(self, request: HttpRequest) -> Any:
        return ("email",) if sees_addresses(request) else ("=id",)

    def _fit(self, request: HttpRequest, names: Sequence[str]) -> Sequence[str]:
        """Show what is left of the address to those who may not see it."""
        if sees_addresses(request):
            return names
        return ["masked" if name == "email" else name for name in names]

    @admin.display(description=gettext_lazy("email"))
    def masked(self, reader: Subscriber) -> str:
        return reader.masked_email

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Subscriber], search_term: str
    ) -> tuple[QuerySet[Subscriber], bool]:
        if not sees_addresses(request):
            return super().get_search_results(request, queryset, search_term)
        if address_hash := _hash_of(search_term):
            return queryset.filter(address_hash=address_hash), False
        return super().get_search_results(request, queryset, search_term)

    def save_model(self, request: HttpRequest, obj: Subscriber, form: Any, change: bool) -> None:
        preferences.change(obj, timezone.now(), **form.cleaned_data)


@admin.register(Topic)
class TopicAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    list_display: tuple[str, ...] = ("name", "matched_by", "position", "is_offered")
    list_filter = ("is_offered", "matched_by")
    search_fields = ("name", "description")
    prepopulated_fields = {"slug": ("name",)}


class SuppressionForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """Accepts an address and stores its hash."""

    address = forms.CharField(
        label=gettext_lazy("address"),
        help_text=gettext_lazy("The address is not stored, only its keyed hash."),
    )

    class Meta:
        model = Suppression
        fields = ()

    def clean_address(self) -> str:
        try:
            return addresses.hashed(self.cleaned_data["address"])
        except addresses.InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(Suppression)
class SuppressionAdmin(_ByHash):
    """Add a suppression by entering its address. Delete it to allow mail there again."""

    form = SuppressionForm
    list_display = ("short_hash", "reason", "created_at")
    list_filter = ("reason",)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Suppression:
        form.save(commit=False)  # the admin expects the attributes this sets on the form
        return suppression.suppress(
            form.cleaned_data["address"], Suppression.Reason.MANUAL, timezone.now()
        )

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Do nothing: `suppress` has already stored it, or kept a weightier reason."""

    @admin.display(ordering="address_hash", description=gettext_lazy("address"))
    def short_hash(self, obj: Suppression) -> str:
        return f"{obj.address_hash[:12]}…"


@admin.register(Consent)
class ConsentAdmin(_ByHash, _ReadOnly):
    """The proof that readers asked for mail. Nobody edits or deletes it."""

    list_display = ("at", "act", "subscriber", "wording")
    list_filter = ("act",)
    list_select_related = ("subscriber",)
    date_hierarchy = "at"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Letter)
class LetterAdmin(_ReadOnly):
    """The outbox of letters."""

    list_display = (
        "created_at",
        "kind",
        "subscriber",
        "attempts",
        "next_attempt_at",
        "sent_at",
        "given_up_at",
    )
    list_filter = ("kind", ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("subscriber",)
    date_hierarchy = "created_at"
