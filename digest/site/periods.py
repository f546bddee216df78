"""Days, weeks and months of the archive, and the calendar that leads to them.

A period is named as ISO 8601 names it: 2026-11-23, 2026-W48, 2026-11.
"""

from calendar import Calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Self

from django.db.models import Count, QuerySet
from django.urls import reverse

from digest.models import Edition, EditionPaper, Paper

_WEEK = timedelta(days=6)


class Unit(StrEnum):
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`."""

    unit: Unit
    first: date
    last: date

    @classmethod
    def around(cls, unit: Unit, day: date) -> Self:
        """Return the period with this day. Raises ValueError at the end of the calendar."""
        if unit is Unit.DAY:
            return cls(unit, day, day)
        try:
            if unit is Unit.WEEK:
                first = day - timedelta(days=day.weekday())
                return cls(unit, first, first + _WEEK)
            first = day.replace(day=1)
            following = (first + timedelta(days=31)).replace(day=1)
            return cls(unit, first, following - timedelta(days=1))
        except OverflowError as error:
            raise ValueError(f"{day} is not in a whole {unit}.") from error

    @classmethod
    def named(cls, unit: Unit, name: str) -> Self:
        """Return the period with this name. Raises ValueError if there is none."""
        return cls.around(unit, date.fromisoformat(f"{name}-01" if unit is Unit.MONTH else name))

    @property
    def name(self) -> str:
        forms = {Unit.DAY: "%Y-%m-%d", Unit.WEEK: "%G-W%V", Unit.MONTH: "%Y-%m"}
        return f"{self.first:{forms[self.unit]}}"

    @property
    def path(self) -> str:
        names = {Unit.DAY: "edition", Unit.WEEK: "week", Unit.MONTH: "month"}
        return reverse(f"digest:{names[self.unit]}", args=[self.name])

    @property
    def is_day(self) -> bool:
        return self.unit is Unit.DAY

    @property
    def is_week(self) -> bool:
        return self.unit is Unit.WEEK

    def editions(self) -> QuerySet[Edition]:
        """Return the closed editions of these days."""
        closed: QuerySet[Edition] = Edition.objects.closed()
        return closed.filter(date__gte=self.first, date__lte=self.last)

    def neighbours(self) -> tuple["Period | None", "Period | None"]:
        """Return the nearest periods before and after this one that have editions."""
        dates = Edition.objects.closed().values_list("date", flat=True)
        before = dates.filter(date__lt=self.first).order_by("-date").first()
        after = dates.filter(date__gt=self.last).order_by("date").first()
        return (
            Period.around(self.unit, before) if before else None,
            Period.around(self.unit, after) if after else None,
        )


# --- the calendar --------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Day:
    """A day of the calendar, and how many papers its edition has; None without an edition."""

    date: date
    number: int | None


@dataclass(frozen=True, slots=True)
class Week:
    """A week of a month, Monday first. Days of other months are None."""

    period: Period
    days: tuple[Day | None, ...]

    @property
    def number(self) -> int:
        return self.period.first.isocalendar().week

    @property
    def has_papers(self) -> bool:
        return any(day is not None and day.number is not None for day in self.days)


@dataclass(frozen=True, slots=True)
class Month:
    period: Period
    weeks: tuple[Week, ...]
    number: int


def years() -> list[int]:
    """Return the years that have editions, the newest first."""
    return [day.year for day in Edition.objects.closed().dates("date", "year", order="DESC")]


def months_of(year: int) -> list[Month]:
    """Return the months of a year that have editions, the newest first."""
    numbers = _numbers(year)
    firsts = sorted({day.replace(day=1) for day in numbers}, reverse=True)
    return [_month(first, numbers) for first in firsts]


def _month(first: date, numbers: Mapping[date, int]) -> Month:
    weeks = Calendar().monthdatescalendar(first.year, first.month)
    inside = [number for day, number in numbers.items() if day.replace(day=1) == first]
    return Month(
        Period.around(Unit.MONTH, first),
        tuple(
            Week(
                Period.around(Unit.WEEK, week[0]),
                tuple(
                    Day(day, numbers.get(day)) if day.month == first.month else None for day in week
                ),
            )
            for week in weeks
        ),
        sum(inside),
    )


def _numbers(year: int) -> dict[date, int]:
    """Return how many papers each edition of the year has, but for those that were dropped.

    Few are dropped, and are counted apart: that takes no look at all the papers of a year.
    """
    editions = Edition.objects.closed().filter(date__year=year)
    dropped = EditionPaper.objects.filter(
        paper__set_aside=Paper.Aside.DROPPED, edition__date__year=year
    )
    fewer = dict(dropped.values_list("edition__date").annotate(Count("pk")).order_by())
    counted = editions.values_list("date").annotate(Count("candidates")).order_by()
    return {day: number - fewer.get(day, 0) for day, number in counted}
