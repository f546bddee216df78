"""What an operator says about a file."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from subscribers.importing import systems, uploads
from subscribers.models import ImportFile, Topic

from .words import FIELDS

_MOST_LETTERS = 2000
_OUT = gettext_lazy("left out")


class OptionsForm(forms.Form):
    """System, basis and what readers get of whom the file says nothing; a field for each column."""

    system = forms.ChoiceField(label=gettext_lazy("Written by"))
    basis = forms.CharField(
        label=gettext_lazy("How and when these readers consented"),
        max_length=_MOST_LETTERS,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("It stands with each reader’s consent, as the proof."),
    )
    zone = forms.CharField(
        label=gettext_lazy("Time zone of those without one"), initial="UTC", max_length=64
    )
    hour = forms.IntegerField(
        label=gettext_lazy("Hour of those without one"), min_value=0, max_value=23
    )
    topics = forms.ModelMultipleChoiceField(
        Topic.objects.all(),
        required=False,
        label=gettext_lazy("Topics that all follow"),
        widget=forms.SelectMultiple(attrs={"size": 4}),
    )

    def __init__(self, file: ImportFile, data: Any = None) -> None:
        self._file, said = file, uploads.options_of(file)
        initial = {name: getattr(said, name) for name in ("system", "basis", "zone", "hour")}
        super().__init__(data, initial=initial | {"topics": said.topics})
        self.fields["system"].choices = [(name, name) for name in systems.NAMES]  # type: ignore[attr-defined]
        self._add_columns(said)
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"{name}-note" if field.help_text else ""

    def _add_columns(self, said: uploads.Options) -> None:
        taken = _taken(self._file, said)
        for number, column in enumerate(self._file.header):
            field = taken.get(number)
            usual = _("%(field)s, as the system has it") % {"field": field} if field else _OUT
            self.fields[f"column-{number}"] = forms.ChoiceField(
                choices=[("", usual), ("-", _OUT), *FIELDS.items()],
                required=False,
                label=column or "–",
                initial=(said.mapped or {}).get(column, ""),
            )

    @property
    def columns(self) -> list[Any]:
        return [self[name] for name in self.fields if name.startswith("column-")]

    @property
    def others(self) -> list[Any]:
        return [self[name] for name in self.fields if not name.startswith("column-")]

    def options(self) -> uploads.Options:
        """What was said. Raises `BadUpload` or `BadColumns` if it cannot be so."""
        clean, header = self.cleaned_data, self._file.header
        chosen = {
            column: clean[f"column-{number}"]
            for number, column in enumerate(header)
            if clean[f"column-{number}"]
        }
        said = uploads.Options(
            clean["system"],
            chosen,
            clean["basis"].strip(),
            clean["zone"],
            clean["hour"],
            [topic.pk for topic in clean["topics"]],
        )
        said.check(header)
        return said


def _taken(file: ImportFile, said: uploads.Options) -> Mapping[int, Any]:
    """For each column that the system knows, the field that it is taken for."""
    try:
        system = systems.named(said.system) if said.system else systems.recognized(file.header)
        places = systems.places(system, file.header, {})
    except systems.BadColumns:
        return {}
    return {place: FIELDS[field] for field, place in places.items()}
