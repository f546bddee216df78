"""The preferences form, and the form for a new address."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from subscribers import addresses
from subscribers.models import Subscriber, Subscription, Term, Topic
from subscribers.wishes import terms
from subscribers.wishes.preferences import Preferences

from .zones import zones_by_region

_LONGEST_PAUSE = timedelta(days=366)
_NEUTRAL = ""  # no subscription
# From never to more, with neutral in the middle.
_SCALE = [
    (str(Subscription.Emphasis.MUTED.value), pgettext_lazy("papers on a topic", "Never")),
    (str(Subscription.Emphasis.LESS.value), pgettext_lazy("papers on a topic", "Less")),
    (_NEUTRAL, pgettext_lazy("papers on a topic", "Neutral")),
    (str(Subscription.Emphasis.NORMAL.value), pgettext_lazy("papers on a topic", "Follow")),
    (str(Subscription.Emphasis.MORE.value), pgettext_lazy("papers on a topic", "More")),
]
_FREQUENCIES = [
    (Subscriber.Frequency.DAILY.value, gettext_lazy("Every day")),
    (Subscriber.Frequency.WEEKDAYS.value, gettext_lazy("Monday to Friday")),
    (Subscriber.Frequency.WEEKLY.value, gettext_lazy("Once a week")),
]
# The form fields that hold terms: which kind, and whether they are muted.
_TERMS = {
    "keywords": (Term.Kind.KEYWORD, False),
    "muted_keywords": (Term.Kind.KEYWORD, True),
    "authors": (Term.Kind.AUTHOR, False),
    "muted_authors": (Term.Kind.AUTHOR, True),
}


class _TermsField(forms.CharField):
    """A text with one term per line; its value is a list."""

    def __init__(self, parse: Callable[[str], list[str]]) -> None:
        rows = {"rows": 4, "autocapitalize": "off", "spellcheck": "false"}
        super().__init__(required=False, max_length=20_000, widget=forms.Textarea(attrs=rows))
        self.parse = parse

    def clean(self, value: Any) -> Any:
        try:
            return self.parse(super().clean(value))
        except terms.InvalidTerms as error:
            raise forms.ValidationError(str(error)) from error


class PreferencesForm(forms.Form):
    """Everything one subscriber may set.

    Each declared field is a column of `Subscriber` with the same name, unless it is in `_TERMS`;
    for a new preference, add a field here and to the model. Each topic gets a field of its own.
    """

    hour = forms.TypedChoiceField(
        coerce=int, choices=[(hour, f"{hour:02}:00") for hour in range(24)]
    )
    zone = forms.ChoiceField(choices=zones_by_region)
    frequency = forms.ChoiceField(choices=_FREQUENCIES, widget=forms.RadioSelect)
    weekday = forms.TypedChoiceField(coerce=int, choices=WEEKDAYS.items())
    length = forms.IntegerField(min_value=3, max_value=20)
    paused_until = forms.DateField(
        required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    language = forms.ChoiceField(choices=settings.LANGUAGES)
    is_exploring = forms.BooleanField(required=False)
    keywords = _TermsField(terms.parse)
    muted_keywords = _TermsField(terms.parse)
    authors = _TermsField(terms.parse_authors)
    muted_authors = _TermsField(terms.parse_authors)

    def __init__(self, subscriber: Subscriber, today: date, data: Any = None) -> None:
        """`today` is the date in the reader's time zone; a pause must end after it."""
        emphases = dict(
            Subscription.objects.filter(subscriber=subscriber).values_list("topic_id", "emphasis")
        )
        super().__init__(data, initial=self._initial(subscriber, emphases, today))
        self.today = today
        # A topic that is no longer offered stays with readers who have set it.
        self._topics = list(Topic.objects.filter(Q(is_offered=True) | Q(pk__in=emphases)))
        for topic in self._topics:
            self.fields[_field_of(topic.pk)] = forms.ChoiceField(choices=_SCALE, required=False)
        if subscriber.zone not in _names(zones_by_region()):
            current = (subscriber.zone, subscriber.zone)
            self.fields["zone"].choices = [  # type: ignore[attr-defined]  # typed as Field
                (_("Now"), [current]),
                *zones_by_region(),
            ]

    def topics(self) -> Iterator[tuple[forms.BoundField, str, list[tuple[str, str, bool]]]]:
        """Yield each topic's field, its name, and the scale as (value, label, is it chosen?)."""
        for topic in self._topics:
            field = self[_field_of(topic.pk)]
            chosen = str(_NEUTRAL if field.value() is None else field.value())
            yield (
                field,
                topic.label,
                [(value, str(name), value == chosen) for value, name in _SCALE],
            )

    def clean_paused_until(self) -> date | None:
        until: date | None = self.cleaned_data["paused_until"]
        if until is not None and until <= self.today:
            raise forms.ValidationError(
                _("Choose a date after today, or leave this empty to resume now.")
            )
        if until is not None and until > self.today + _LONGEST_PAUSE:
            raise forms.ValidationError(_("A pause can last for a year at most."))
        return until

    def clean(self) -> dict[str, Any]:
        self._refuse_both("keywords", "muted_keywords")
        self._refuse_both("authors", "muted_authors")
        return self.cleaned_data

    def wanted(self) -> Preferences:
        """Return what was entered, once the form `is_valid`."""
        emphases = {
            topic.pk: int(emphasis)
            for topic in self._topics
            if (emphasis := self.cleaned_data[_field_of(topic.pk)]) != _NEUTRAL
        }
        columns = {name: self.cleaned_data[name] for name in self._columns()}
        texts = {name: self.cleaned_data[name] for name in _TERMS}
        return Preferences(columns=columns, emphases=emphases, **texts)

    @classmethod
    def _columns(cls) -> Iterator[str]:
        """The names of the fields that are columns of `Subscriber`."""
        return (name for name in cls.base_fields if name not in _TERMS)

    @classmethod
    def _initial(
        cls, subscriber: Subscriber, emphases: dict[int, int], today: date
    ) -> dict[str, Any]:
        texts = terms.texts_of(subscriber)
        initial = {
            **{name: getattr(subscriber, name) for name in cls._columns()},
            **{name: "\n".join(texts.get(kind, ())) for name, kind in _TERMS.items()},
            **{_field_of(topic_id): str(emphasis) for topic_id, emphasis in emphases.items()},
        }
        if subscriber.paused_until and subscriber.paused_until <= today:
            initial["paused_until"] = None  # the pause is over
        return initial

    def _refuse_both(self, followed: str, muted: str) -> None:
        """Refuse a term that is both followed and muted: only the reader knows which was meant."""
        kind, _is_muted = _TERMS[followed]
        follows = self.cleaned_data.get(followed, ())
        mutes = self.cleaned_data.get(muted, ())
        for text in follows:
            if any(terms.is_same(kind, text, other) for other in mutes):
                said = _("You both follow and mute “%(text)s”. Please keep only one.")
                self.add_error(muted, said % {"text": text})
                return


class AddressForm(forms.Form):
    """A new address for the digests."""

    email = forms.CharField(
        max_length=320,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
        error_messages={"required": gettext_lazy("Enter your new email address.")},
    )

    def __init__(self, subscriber: Subscriber, data: Any = None) -> None:
        super().__init__(data)
        self._address_hash = subscriber.address_hash

    def clean_email(self) -> addresses.Address:
        try:
            address = addresses.parse(self.cleaned_data["email"])
        except addresses.InvalidAddress as error:
            raise forms.ValidationError(str(error)) from error
        if addresses.hashed(address.canonical) == self._address_hash:
            raise forms.ValidationError(_("Your digests already go to this address."))
        return address


def _field_of(topic_id: int) -> str:
    return f"topic_{topic_id}"


def _names(groups: Iterable[tuple[str, list[tuple[str, str]]]]) -> set[str]:
    return {zone for _region, named in groups for zone, _name in named}
