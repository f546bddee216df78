"""Charts as values for a template that draws SVG. Knows no Django.

Each bar has its place and its height, and the numbers stay beside it for a table.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 140
_GAP = 0.25


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    kind: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars around a base line: what counts for us above it, and against us below."""

    bars: Sequence[Bar]
    base: float
    most: int
    least: int
    width: int = WIDTH
    height: int = HEIGHT


def columns(above: Sequence[int], below: Sequence[int]) -> Chart | None:
    """Return a chart with a pair of columns for each place, or None if all are zero."""
    most, least = max(above, default=0), max(below, default=0)
    if not most + least:
        return None
    unit = HEIGHT / (most + least)
    base, step = most * unit, WIDTH / len(above)
    bars = []
    for place, (up, down) in enumerate(zip(above, below, strict=True)):
        x, width = (place + _GAP / 2) * step, (1 - _GAP) * step
        for value, y, kind in ((up, base - up * unit, "above"), (down, base, "below")):
            if value:
                bars.append(Bar(_near(x), _near(y), _near(width), _near(value * unit), kind))
    return Chart(bars, _near(base), most, least)


def parts(numbers: Sequence[tuple[str, int]]) -> list[Bar]:
    """Return one bar of full width in parts of these kinds, in order; none if all are zero."""
    total = sum(number for _, number in numbers)
    bars, x = [], 0.0
    for kind, number in numbers:
        if number:
            width = WIDTH * number / total
            bars.append(Bar(_near(x), 0, _near(width), 10, kind))
            x += width
    return bars


def _near(value: float) -> float:
    return round(value, 1)
