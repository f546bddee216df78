"""A paper's votes over time as a small line, in the units of an SVG: pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 640, 150
# A line through more points than this looks the same.
_MOST_POINTS = 60


@dataclass(frozen=True, slots=True)
class Chart:
    """`line` and `area` are paths; `points` are what they show, for whoever reads numbers."""

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
    """The chart of `points` (time, votes; in the order of time); None if they make no line."""
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
    """Some of the points, evenly, with the first and the last."""
    step = max(1, -(-(len(points) - 1) // (_MOST_POINTS - 1)))
    return [*points[:-1:step], *points[-1:]]
