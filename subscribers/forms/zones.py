"""The time zones a reader may choose from."""

from functools import cache

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from subscribers.wishes.zones import current_name
from subscribers.wishes.zones import names as zones

__all__ = ["current_name", "options", "zones", "zones_by_region"]

_REGIONS = frozenset(
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


@cache
def zones_by_region() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return zones for a select element, as in [("Europe", [("Europe/Lisbon", "Lisbon")])]."""
    grouped: dict[str, list[tuple[str, str]]] = {"Universal": [("UTC", "UTC")]}
    for zone in sorted(zones()):
        region, _, city = zone.partition("/")
        if region in _REGIONS:
            name = city.replace("_", " ").replace("/", ", ")
            grouped.setdefault(region, []).append((zone, name))
    return list(grouped.items())


def options(chosen: str) -> SafeString:
    """Return the option elements of all zones, with `chosen` selected.

    They are built once: Django would render a template for each of the more than 400 zones.
    """
    mark = format_html(' value="{}"', chosen)
    return mark_safe(_options().replace(mark, f"{mark} selected", 1))


@cache
def _options() -> str:
    groups = (
        format_html(
            '<optgroup label="{}">{}</optgroup>',
            region,
            format_html_join("", '<option value="{}">{}</option>', named),
        )
        for region, named in zones_by_region()
    )
    return "".join(groups)
