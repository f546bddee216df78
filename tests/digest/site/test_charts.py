"""A paper's votes as a line chart."""

from datetime import UTC, datetime, timedelta

from digest.site.charts import HEIGHT, WIDTH, chart

START = datetime(2026, 11, 23, tzinfo=UTC)


def hourly(*votes: int) -> list[tuple[datetime, int]]:
    return [(START + timedelta(hours=hour), number) for hour, number in enumerate(votes)]


def test_the_line_goes_from_the_first_point_to_the_last() -> None:
    drawn = chart(hourly(0, 5, 10))

    assert drawn is not None
    assert drawn.line == f"M0.0 {HEIGHT:.1f}L{WIDTH / 2:.1f} {HEIGHT / 2:.1f}L{WIDTH:.1f} 0.0"
    assert drawn.points == hourly(0, 5, 10)


def test_points_that_make_no_line_have_no_chart() -> None:
    for points in ([], hourly(7), hourly(0, 0), [(START, 1), (START, 2)]):
        assert chart(points) is None


def test_many_points_are_thinned_and_keep_their_ends() -> None:
    points = hourly(*range(1, 1001))

    drawn = chart(points)

    assert drawn is not None
    assert len(drawn.points) <= 60
    assert (drawn.first, drawn.last) == (points[0], points[-1])
