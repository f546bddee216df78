"""A paper's votes over time as a small line chart, in SVG units. Knows no Django."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 640, 150
# More points than this make no visible difference.
_MOST_POINTS = 60


@dataclass(frozen=True, slots=True)
class Chart:
    """`line` and `area` are SVG paths; `points` are the numbers behind them, for a table."""

    line: str
    area: str
    points: list[tuple[datetime, int]]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def first(self) -> tuple[datetime, int]:
        return self.points[0]

    @property
    def last(self) -> tuple[datetime, int]:
        return self.points[-1]


def chart(points: Sequence[tuple[datetime, int]]) -> Chart | None:
    """Return the chart of (time, votes) points in order of time; None if they make no line."""
    kept = _thinned(points)
    most = max((votes for _, votes in kept), default=0)
    span = (kept[-1][0] - kept[0][0]).total_seconds() if kept else 0
    if not most or not span:
        return None
    places = [
        (WIDTH * (at - kept[0][0]).total_seconds() / span, HEIGHT * (1 - votes / most))
        for at, votes in kept
    ]
    line = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    return Chart(line, f"{line}V{HEIGHT}H0Z", kept)


def _thinned(points: Sequence[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    """Return at most `_MOST_POINTS` points, evenly spaced, including the first and the last."""
    step = max(1, -(-(len(points) - 1) // (_MOST_POINTS - 1)))
    return [*points[:-1:step], *points[-1:]]
