"""Changing some of a reader's preferences, by the rules and with the words of the form for all."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from subscribers.models import Subscriber, Topic

from .preferences import PreferencesForm

_EMPHASES = {"never": "-2", "less": "-1", "follow": "0", "more": "1"}


def partial_form(
    subscriber: Subscriber, today: date, changes: Mapping[str, Any]
) -> PreferencesForm:
    """Return the form as if the reader had changed this on the page and left the rest alone.

    `changes` has values by the names of the form's fields; words are lists, and "topics" are the
    emphases by slug of all topics that are not neutral.
    """
    data = {
        name: _written(value) for name, value in PreferencesForm(subscriber, today).initial.items()
    }
    for name, value in changes.items():
        if name == "topics":
            data = {key: kept for key, kept in data.items() if not key.startswith("topic_")}
            data |= _topics(value)
        else:
            data[name] = _written(value)
    return PreferencesForm(subscriber, today, data)


def unknown_topics(slugs: Mapping[str, str]) -> list[str]:
    known = set(Topic.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    return sorted(set(slugs) - known)


def _topics(emphases: Mapping[str, str]) -> dict[str, str]:
    found = Topic.objects.filter(slug__in=emphases).values_list("pk", "slug")
    return {f"topic_{pk}": _EMPHASES[emphases[slug]] for pk, slug in found}


def _written(value: Any) -> Any:
    """A value as a browser would post it."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(line.replace("\n", " ").replace("\r", " ") for line in value)
    return value if isinstance(value, bool) else str(value)
