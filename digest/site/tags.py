"""Template tags of the public pages: ``{% load site %}``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django import template
from django.utils.formats import date_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from . import archive
from .listings import ListedPaper, listed
from .periods import Period, Unit

register = template.Library()

# A word with a hyphen. A longer one may have to break on a phone.
_WITH_HYPHEN = re.compile(r"(?<!\S)(?=\S{0,23}-)\S{1,24}(?!\S)")


@dataclass(frozen=True, slots=True)
class Latest:
    """The day of the newest edition, how many papers it has, and the first of them."""

    day: date
    number: int
    entries: list[ListedPaper]


@register.simple_tag
def latest_papers(number: int) -> Latest | None:
    """Return the `number` papers that lead the newest edition; None if there are no papers."""
    edition = archive.latest()
    if edition is None:
        return None
    front = archive.front(Period.around(Unit.DAY, edition.date), by_votes=False)
    entries = listed(front.papers[:number])
    return Latest(edition.date, front.number, entries) if entries else None


@register.filter
def period_name(period: Period) -> str:
    """Return the period in words, as a heading."""
    forms = {Unit.DAY: pgettext("a date", "l, j F Y"), Unit.MONTH: pgettext("a month", "F Y")}
    return _period(period, forms, pgettext("a date", "j F Y"))


@register.filter
def period_short(period: Period) -> str:
    """Return the period in few words, for a link from the one beside it."""
    forms = {Unit.DAY: pgettext("a date", "j F"), Unit.MONTH: pgettext("a month", "F Y")}
    return _period(period, forms, pgettext("a date", "j F"))


def _period(period: Period, forms: Mapping[Unit, str], of_week: str) -> str:
    if period.is_week:
        return _("Week of %(day)s") % {"day": date_format(period.first, of_week)}
    return date_format(period.first, forms[period.unit])


@register.filter
def unbroken(text: str) -> SafeString:
    """Return a title in which no line ends at a hyphen within a word of usual length."""
    escaped = escape(text)
    if "-" not in escaped:
        return escaped
    # What is put around the words is ours, and they are escaped.
    return mark_safe(_WITH_HYPHEN.sub(r'<span class="whole">\g<0></span>', escaped))
