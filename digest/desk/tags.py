"""Template filters of the desk's pages: ``{% load desk %}``."""

from datetime import datetime, timedelta

from django import template

from . import log, reasons, words

register = template.Library()

register.filter("number", words.number)
register.filter("state", words.state_words)
register.filter("skip", words.skip_words)
register.filter("log_result", log.result_words)
register.filter("import_state", lambda state: words.IMPORT_STATES[state])
register.filter("why_held", words.hold_words)
register.filter("reason", reasons.in_words)
register.filter("hold", reasons.of_hold)
register.filter("day_month", words.day_month)
register.filter("weekday_day", words.weekday_day)


@register.filter
def ago(at: datetime | None, now: datetime) -> str:
    return words.ago(at, now)


@register.filter
def clock(at: datetime | None, now: datetime) -> str:
    return words.clock(at, now) if at else "–"


@register.filter
def duration(length: timedelta | None) -> str:
    return "–" if length is None else words.duration(length)


@register.filter
def rate(per_second: float) -> str:
    """A rate in whole messages: a second, or a minute if they are few."""
    return words.rate(per_second)


@register.filter
def svg(value: float) -> str:
    """A number as SVG wants it, whatever the language of the page."""
    return f"{value:.1f}"
