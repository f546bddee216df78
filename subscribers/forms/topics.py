from typing import Any

from django import forms

from subscribers.models import Topic


class TopicsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Check boxes; none at all is an answer too: then the reader gets the most voted papers."""

    widget = forms.CheckboxSelectMultiple

    def __init__(self) -> None:
        super().__init__(Topic.objects.filter(is_offered=True), required=False)

    def label_from_instance(self, topic: Any) -> str:
        return str(topic.label)
