"""The preferences form."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.db.models import Q
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from subscribers.models import Subscriber, Subscription, Term, Topic
from subscribers.wishes import terms
from subscribers.wishes.preferences import Preferences

from .saying import saying
from .zones import zones_by_region

_LONGEST_PAUSE = timedelta(days=366)
_NEUTRAL = ""  # no subscription
# From never to more, with neutral in the middle.
_SCALE = [
    (str(Subscription.Emphasis.MUTED.value), pgettext_lazy("papers on a topic", "Never")),
    (str(Subscription.Emphasis.LESS.value), pgettext_lazy("papers on a topic", "Less")),
    (_NEUTRAL, pgettext_lazy("papers on a topic", "Either")),
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


# The fields of the sections that the page folds.
_TIMES = ("frequency", "weekday", "hour", "zone", "paused_until")
_MAIL = ("length", "language", "is_exploring", "has_pictures")


@dataclass(frozen=True, slots=True)
class Scale:
    """A topic's field and name, and the steps as (value, label, is it chosen?)."""

    field: forms.BoundField
    name: str
    steps: list[tuple[str, str, bool]]
    is_set: bool


class _TermsField(forms.CharField):
    """A text with one term per line; its value is a list."""

    def __init__(self, label: Any, parse: Callable[[str], list[str]]) -> None:
        rows = {"rows": 4, "autocapitalize": "off", "spellcheck": "false"}
        super().__init__(
            label=label,
            required=False,
            max_length=20_000,
            widget=forms.Textarea(attrs=rows),
            error_messages=saying(
                gettext_lazy("This list is too long, or no text. Write one word or name per line.")
            ),
        )
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
        label=gettext_lazy("Hour"),
        coerce=int,
        choices=[(hour, f"{hour:02}:00") for hour in range(24)],
        error_messages=saying(gettext_lazy("Choose an hour from the list.")),
    )
    zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        choices=zones_by_region,
        error_messages=saying(gettext_lazy("Choose a time zone from the list.")),
    )
    frequency = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=_FREQUENCIES,
        widget=forms.RadioSelect,
        error_messages=saying(gettext_lazy("Choose how often your digest should come.")),
    )
    weekday = forms.TypedChoiceField(
        label=gettext_lazy("Day of the week, if weekly"),
        coerce=int,
        choices=WEEKDAYS.items(),
        error_messages=saying(gettext_lazy("Choose a day from the list.")),
    )
    length = forms.IntegerField(
        label=gettext_lazy("Maximum number of papers"),
        min_value=3,
        max_value=20,
        error_messages=saying(gettext_lazy("Enter a number from 3 to 20.")),
    )
    paused_until = forms.DateField(
        label=gettext_lazy("Pause until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages=saying(
            gettext_lazy("Enter a date as year-month-day, or leave this empty to go on.")
        ),
    )
    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        choices=settings.LANGUAGES,
        error_messages=saying(gettext_lazy("Choose a language from the list.")),
    )
    is_exploring = forms.BooleanField(required=False)
    has_pictures = forms.BooleanField(required=False)
    keywords = _TermsField(gettext_lazy("Keywords to follow"), terms.parse)
    muted_keywords = _TermsField(gettext_lazy("Keywords to mute"), terms.parse)
    authors = _TermsField(gettext_lazy("Authors to follow"), terms.parse_authors)
    muted_authors = _TermsField(gettext_lazy("Authors to mute"), terms.parse_authors)

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
            self.fields[_field_of(topic.pk)] = forms.ChoiceField(
                label=topic.label,
                choices=_SCALE,
                required=False,
                error_messages=saying(gettext_lazy("Choose one of the five steps.")),
            )
        if subscriber.zone not in _names(zones_by_region()):
            current = (subscriber.zone, subscriber.zone)
            self.fields["zone"].choices = [  # type: ignore[attr-defined]  # typed as Field
                (_("Now"), [current]),
                *zones_by_region(),
            ]

    # --- for the page ----------------------------------------------------------------------
    def topics_set(self) -> list[Scale]:
        """Return the topics that the reader has set, as the page shows them first."""
        return [scale for scale in self._scales() if scale.is_set]

    def topics_left(self) -> list[Scale]:
        """Return the other topics."""
        return [scale for scale in self._scales() if not scale.is_set]

    def _scales(self) -> Iterator[Scale]:
        for topic in self._topics:
            field = self[_field_of(topic.pk)]
            chosen = str(_NEUTRAL if field.value() is None else field.value())
            steps = [(value, str(name), value == chosen) for value, name in _SCALE]
            is_set = chosen != _NEUTRAL or bool(field.errors)
            yield Scale(field, topic.label, steps, is_set=is_set)

    def problems(self) -> list[tuple[str, str, str]]:
        """Return for each message the id of the element that it is about, its name, and itself."""
        return [
            (self[name].auto_id, str(self[name].label), str(message))
            for name, messages in self.errors.items()
            for message in messages
        ]

    def words_in_short(self) -> list[tuple[str, str]]:
        """Return what the fields for words and names hold, each with its name, those with any."""
        fields = [(str(self[name].label), str(self[name].value() or "")) for name in _TERMS]
        return [(label, ", ".join(text.splitlines())) for label, text in fields if text.strip()]

    def times_in_short(self) -> str:
        """Return how often and when the digest comes, as chosen: "Every day, 07:00, Lisbon"."""
        names = {name: dict(self._choices(name)) for name in ("frequency", "hour")}
        chosen = [str(said.get(str(self[name].value()), "")) for name, said in names.items()]
        city = str(self["zone"].value() or "").rpartition("/")[2].replace("_", " ")
        return ", ".join(filter(None, [*chosen, city]))

    def mail_in_short(self) -> str:
        """Return how long the digest is and in which language, as chosen."""
        language = dict(self._choices("language")).get(str(self["language"].value()), "")
        number = str(self["length"].value() or "")
        words = _("up to %(number)s papers") % {"number": number} if number.isdecimal() else ""
        return ", ".join(filter(None, [words, language]))

    def _choices(self, name: str) -> list[tuple[str, str]]:
        choices: Any = self.fields[name].choices  # type: ignore[attr-defined]  # typed as Field
        return [(str(value), str(label)) for value, label in choices]

    def has_wrong_words(self) -> bool:
        return any(name in self.errors for name in _TERMS)

    def has_wrong_times(self) -> bool:
        return any(name in self.errors for name in _TIMES)

    def has_wrong_mail(self) -> bool:
        return any(name in self.errors for name in _MAIL)

    # ---------------------------------------------------------------------------------------

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


def _field_of(topic_id: int) -> str:
    return f"topic_{topic_id}"


def _names(groups: Iterable[tuple[str, list[tuple[str, str]]]]) -> set[str]:
    return {zone for _region, named in groups for zone, _name in named}
