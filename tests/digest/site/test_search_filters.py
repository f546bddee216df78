"""Narrowing a search, ordering it, and saying how much there is."""

import re
from datetime import date
from urllib.parse import quote

import pytest
from django.test import Client

from digest.models import PaperTopic
from digest.site import searching
from tests.digest.site.test_site import page, titles
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _papers() -> None:
    old = make_paper(title="Robot old", votes=9, first_source="arxiv")
    new = make_paper(title="Robot new", votes=1, code_url="https://code.example/x")
    PaperTopic.objects.create(paper=new, topic=make_topic(slug="robots", name="Robots"), fit=0.9)
    make_edition([old], day=date(2026, 10, 1))
    make_edition([new, make_paper(title="A poem")], day=date(2026, 11, 23))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("q=robot&order=new", ["Robot new", "Robot old"]),
        ("q=robot&order=votes", ["Robot old", "Robot new"]),
        ("q=robot&topic=robots", ["Robot new"]),
        ("q=robot&source=arxiv", ["Robot old"]),
        ("q=robot&code=1", ["Robot new"]),
        ("q=robot&until=2026-10-01", ["Robot old"]),
        ("q=robot&from=2026-10-02", ["Robot new"]),
        ("q=robot&from=2026-10-01&until=2026-11-23&order=new", ["Robot new", "Robot old"]),
        ("topic=robots", ["Robot new"]),
        ("q=robot&topic=robots&source=arxiv", []),
        ("from=2027-01-01", []),
    ],
)
def test_a_search_can_be_narrowed_and_ordered(
    client: Client, query: str, expected: list[str]
) -> None:
    html = page(client, f"/search?{query}")

    assert titles(html) == expected
    said = "No paper matches" if not expected else f"{len(expected)} paper"
    assert said in html


@pytest.mark.parametrize("value", ["x", "", "\x00", "' OR 1=1 --", "9" * 5000, "2026-13-01", "🦜"])
def test_a_filter_that_makes_no_sense_narrows_nothing(client: Client, value: str) -> None:
    fields = ("topic", "source", "from", "until", "code", "order", "page")
    query = "&".join(f"{name}={quote(value)}" for name in fields)

    assert sorted(titles(page(client, f"/search?q=robot&{query}"))) == ["Robot new", "Robot old"]


def test_the_total_is_bounded(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_edition([make_paper(title=f"Robot {n}") for n in range(4)])
    assert "6 papers" in page(client, "/search?q=robot")

    monkeypatch.setattr(searching, "MOST_RANKED", 5)

    for query in ("robot", '"robot new"'):
        html = page(client, f"/search?q={quote(query)}")
        assert "More than" in html, query
        assert "Only the newest of them are ordered and listed" in html
    assert "More than 5 papers" in page(client, "/search?q=robot")
    assert re.search(r"\b1 paper\s", page(client, "/search?q=robot&topic=robots"))


def test_pages_keep_the_filters(client: Client) -> None:
    make_edition([make_paper(title=f"Robot {n}", code_url="https://c.example/") for n in range(22)])

    html = page(client, "/search?q=robot&code=1&order=new")

    assert 'href="?q=robot&amp;code=1&amp;order=new&amp;page=2"' in html
    assert '<details class="filters" open>' in html
    assert 'value="new" selected' in html
    assert 'name="code" value="1" checked' in html
