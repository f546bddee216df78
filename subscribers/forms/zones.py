"""The time zones that a reader may choose."""

from functools import cache
from zoneinfo import available_timezones

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

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


def options(chosen: str) -> SafeString:
    """The zones for a select, with this one selected.

    Made once: Django would fill a template for each of the more than 400.
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
