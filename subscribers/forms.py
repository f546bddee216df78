"""What readers may enter. Each form's `cleaned_data` holds values ready for the flow."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core import signing
from django.db.models import Q

from subscribers import addresses
from subscribers.models import Subscriber, Topic

REGIONS = frozenset(
    {
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
    }
)
LONGEST_PAUSE = timedelta(days=366)

# A person needs longer than this to fill in a form, and a form older than this was kept.
LEAST_FILLING = timedelta(seconds=2)
OLDEST_FORM = timedelta(hours=24)


@cache
def zones() -> frozenset[str]:
    """Every zone that can be computed with. Read from the disk once."""
    return frozenset(available_timezones())


@cache
def zones_by_region() -> list[tuple[str, list[tuple[str, str]]]]:
    """The zones named after places, for a select: [("Europe", [("Europe/Lisbon", "Lisbon")])]."""
    grouped: dict[str, list[tuple[str, str]]] = {"Universal": [("UTC", "UTC")]}
    for zone in sorted(zones()):
        region, _, city = zone.partition("/")
        if region in REGIONS:
            name = city.replace("_", " ").replace("/", ", ")
            grouped.setdefault(region, []).append((zone, name))
    return list(grouped.items())


class TopicsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Check boxes; none at all is an answer too: then the reader gets the most voted papers."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self) -> None:
        super().__init__(Topic.objects.filter(is_offered=True), required=False)

    def label_from_instance(self, topic: Any) -> str:
        return str(topic.name)


class SignupForm(forms.Form):
    """The sign-up form. `cleaned_data["email"]` is an `addresses.Address`."""

    email = forms.CharField(
        max_length=320,
        widget=forms.EmailInput(
            attrs={"autocomplete": "email", "placeholder": "you@example.org", "required": True}
        ),
        error_messages={"required": "Enter the address that the digest should come to."},
    )
    topics = TopicsField()
    zone = forms.CharField(required=False, widget=forms.HiddenInput(attrs={"data-zone": ""}))
    # Hidden from people; a program that fills in every field is told a success that is none.
    website = forms.CharField(
        required=False,
        widget=forms.TextInput(attrs={"tabindex": "-1", "autocomplete": "off"}),
    )
    opened = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_email(self) -> addresses.Address:
        try:
            return addresses.parse(self.cleaned_data["email"])
        except addresses.InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error

    def clean_zone(self) -> str:
        """The browser's zone if it has one that we know; preferences can change it."""
        zone: str = self.cleaned_data["zone"]
        return zone if zone in zones() else "UTC"

    def clean(self) -> None:
        try:
            _signer().unsign(self.data.get("opened", ""), max_age=OLDEST_FORM)
        except signing.SignatureExpired as error:
            raise forms.ValidationError(
                "This page was open for more than a day. Please send it once more."
            ) from error
        except signing.BadSignature:
            pass  # not ours; `is_by_a_program` says so

    def is_by_a_program(self) -> bool:
        """Whether the hidden field was filled in, or the form quicker than a person can.

        A form without our signed time counts as quick. Ask after `is_valid`.
        """
        if self.data.get("website"):
            return True
        try:
            _signer().unsign(self.data.get("opened", ""), max_age=LEAST_FILLING)
        except signing.SignatureExpired:
            return False
        except signing.BadSignature:
            return True
        return True

    @staticmethod
    def opened_now() -> str:
        """The signed time for a form that is being shown."""
        return _signer().sign("form")


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="subscribers.signup")


class PreferencesForm(forms.Form):
    """Everything a reader may set, for one subscriber."""

    topics = TopicsField()
    hour = forms.TypedChoiceField(
        coerce=int, choices=[(hour, f"{hour:02}:00") for hour in range(24)]
    )
    zone = forms.ChoiceField(choices=zones_by_region)
    frequency = forms.ChoiceField(choices=Subscriber.Frequency.choices, widget=forms.RadioSelect)
    weekday = forms.TypedChoiceField(coerce=int, choices=Subscriber.Weekday.choices)
    length = forms.IntegerField(min_value=3, max_value=20)
    paused_until = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def __init__(self, subscriber: Subscriber, today: date, data: Any = None) -> None:
        """`today` is the reader's; a pause ends after it."""
        followed = list(subscriber.topics.values_list("pk", flat=True))
        super().__init__(data, initial=_set_by(subscriber, followed, today))
        self.today = today
        self.fields["topics"].queryset = Topic.objects.filter(  # type: ignore[attr-defined]
            Q(is_offered=True) | Q(pk__in=followed)
        )
        if subscriber.zone not in _names(zones_by_region()):
            current = (subscriber.zone, subscriber.zone)
            self.fields["zone"].choices = [  # type: ignore[attr-defined]
                ("Now", [current]),
                *zones_by_region(),
            ]

    def clean_paused_until(self) -> date | None:
        until: date | None = self.cleaned_data["paused_until"]
        if until is not None and until <= self.today:
            raise forms.ValidationError("Choose a day after today, or none to go on now.")
        if until is not None and until > self.today + LONGEST_PAUSE:
            raise forms.ValidationError("A pause can last a year at most.")
        return until


def _set_by(subscriber: Subscriber, followed: list[int], today: date) -> dict[str, Any]:
    paused_until = subscriber.paused_until
    return {
        "topics": followed,
        "hour": subscriber.hour,
        "zone": subscriber.zone,
        "frequency": subscriber.frequency,
        "weekday": subscriber.weekday,
        "length": subscriber.length,
        "paused_until": paused_until if paused_until and paused_until > today else None,
    }


def _names(groups: Iterable[tuple[str, list[tuple[str, str]]]]) -> set[str]:
    return {zone for _region, named in groups for zone, _name in named}
