"""Papers by day, week and month, in two orders, and the calendar that leads to them."""

import re
from datetime import date, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from digest.models import EditionPaper, Paper
from tests.digest.site.test_site import DAY, page, titles
from tests.factories import make_edition, make_paper

pytestmark = pytest.mark.django_db


def fill() -> None:
    """Three editions: two of one week, of which one is in the month before."""
    for day, voted in (
        (date(2026, 11, 29), {"Sunday": 5}),
        (date(2026, 11, 30), {"Monday": 9, "Quiet": 0}),
        (date(2026, 12, 2), {"Wednesday": 7}),
    ):
        make_edition([make_paper(title=name, votes=n) for name, n in voted.items()], day=day)


def test_a_week_and_a_month_have_the_papers_of_their_days(client: Client) -> None:
    fill()

    for path, expected in (
        ("/archive/2026-W49", ["Monday", "Wednesday", "Quiet"]),
        ("/archive/2026-W48", ["Sunday"]),
        ("/archive/2026-11?order=votes", ["Monday", "Sunday", "Quiet"]),
        ("/archive/2026-12", ["Wednesday"]),
    ):
        assert titles(page(client, path)) == expected, path
    week = page(client, "/archive/2026-W49")
    assert "<h1>Week of 30 November 2026</h1>" in week
    assert "3 papers, most talked-about first" in week
    # The units lead to the newest day of the week that has an edition.
    links = re.findall(r'<a href="/archive/([\w-]+)"', week)
    assert links[:3] == ["2026-12-02", "2026-W49", "2026-12"]
    assert re.findall(r'rel="(\w+)" href="/archive/([\w-]+)"', week) == [("prev", "2026-W48")]


def test_a_day_can_be_read_by_votes_of_now(client: Client) -> None:
    fill()
    Paper.objects.filter(title="Quiet").update(votes=50)

    assert titles(page(client, "/archive/2026-11-30")) == ["Monday", "Quiet"]
    assert titles(page(client, "/archive/2026-11-30?order=votes")) == ["Quiet", "Monday"]


def test_a_month_comes_in_pages(client: Client) -> None:
    for back in range(3):
        papers = [make_paper(title=f"No. {back}{n:02}", votes=100 - n) for n in range(8)]
        make_edition(papers, day=DAY - timedelta(days=back))

    first = page(client, "/archive/2026-11?order=votes")
    second = page(client, "/archive/2026-11?order=votes&page=2")

    assert (len(titles(first)), len(titles(second))) == (20, 4)
    assert len({*titles(first), *titles(second)}) == 24
    assert 'rel="next" href="?order=votes&amp;page=2"' in first


@pytest.mark.parametrize(
    "name", ["2026-W54", "2026-W00", "0000-W01", "9999-W52", "9999-12", "0000-01", "2026-13"]
)
def test_a_period_without_an_edition_is_not_found(client: Client, name: str) -> None:
    assert client.get(f"/archive/{name}").status_code == 404


def test_the_newest_figures_are_on_every_page_and_the_mailed_ones_are_named(
    client: Client,
) -> None:
    paper = make_paper(title="Rising", votes=103, comments=4)
    make_edition([paper], day=DAY)
    EditionPaper.objects.update(comments=4)
    Paper.objects.update(votes=232, comments=11)
    cache.clear()

    listing = ["/today", "/archive/2026-W48", "/archive/2026-11?order=votes", "/"]
    listing += ["/search?q=rising", "/authors/Ada%20Example"]
    for path in listing:
        html = page(client, path)
        assert ("232 votes" in html, "103" in html) == (True, False), path
    own = page(client, f"/papers/{paper.pk}/")
    assert "<strong>232</strong> votes · 11 comments" in own
    assert "Mails say 103 votes" in own
    Paper.objects.update(votes=103)
    assert "Mails say" not in page(client, f"/papers/{paper.pk}/")


# --- the calendar --------------------------------------------------------------------------
def test_the_calendar_is_a_table_with_weekdays_and_counts(client: Client) -> None:
    fill()
    Paper.objects.filter(title="Quiet").update(set_aside=Paper.Aside.DROPPED)
    make_edition(2, day=date(2025, 12, 31))

    html = page(client, "/archive")

    assert re.findall(r"<caption><a href=\"/archive/([\d-]+)", html) == ["2026-12", "2026-11"]
    assert re.findall(r'<abbr title="(\w+)">', html)[:8] == [
        *("Week", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    ]
    assert "Monday, 30 November 2026: 1 paper<" in html
    assert re.findall(r'<a href="/archive/(2026-W\d\d)"', html) == [
        "2026-W49",
        "2026-W48",
        "2026-W49",
    ]
    november = html.partition("2026-11")[2]
    assert november.count("<td></td>") == 12  # those of October and December
    assert re.findall(r'\?year=(\d+)"', html) == ["2026", "2025"]
    assert "31 December 2025: 2 papers" in page(client, "/archive?year=2025")
    for odd in ("x", "0", "99999", "٢٠٢٦", "-1"):
        assert page(client, f"/archive?year={odd}") == html


def test_weeks_and_months_take_the_same_queries_for_any_number_of_papers(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for back in range(4):
        make_edition(6, day=DAY - timedelta(days=back))

    for path in (
        "/archive/2026-W48",
        "/archive/2026-11?order=votes",
        "/archive/2026-11",
        "/archive",
    ):
        cache.clear()
        with django_assert_max_num_queries(9):
            assert client.get(path).status_code == 200, path
