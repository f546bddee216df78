"""The page of an author."""

import re

import pytest
from django.test import Client

from tests.digest.site.test_site import DAY, page, titles
from tests.factories import make_edition, make_paper

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _papers() -> None:
    named = {
        "Notes": (["Ada Lovelace", "Bo Sample"], 3),
        "Engines": (["A. Lovelace"], 9),
        "Poems": (["Lord Byron", "AC/DC Lab", "<b>Bold</b>"], 5),
    }
    papers = [
        make_paper(title=title, authors=authors, votes=votes)
        for title, (authors, votes) in named.items()
    ]
    make_edition(papers, day=DAY)


def test_an_author_has_a_page_that_papers_link_to(client: Client) -> None:
    html = page(client, "/authors/Ada%20Lovelace")

    assert "<h1><bdi>Ada Lovelace</bdi></h1>" in html
    assert "2 papers" in html
    assert titles(html) == ["Engines", "Notes"]
    assert titles(page(client, "/authors/Ada%20Lovelace?order=votes")) == ["Engines", "Notes"]
    [notes] = [
        line for line in html.split('href="') if line.startswith("/papers/") and "notes" in line
    ]
    assert 'href="/authors/Ada%20Lovelace"' in page(client, notes.partition('"')[0])


def test_a_name_that_no_address_can_hold_is_no_link(client: Client) -> None:
    html = page(client, "/authors/Lord%20Byron")
    [path] = re.findall(r'href="(/papers/\d+/poems)"', html)

    paper = page(client, path)

    assert "<bdi>AC/DC Lab</bdi>" in paper
    assert "AC/DC Lab</bdi></a>" not in paper
    assert "&lt;b&gt;Bold" in paper


@pytest.mark.parametrize(
    "name", ["Nobody", "Buy%20now", "Lovelace", "%00", "a" * 200, "🦜", "%22", "..%2f", "A"]
)
def test_a_page_says_no_name_that_no_paper_says(client: Client, name: str) -> None:
    response = client.get(f"/authors/{name}")

    assert (response.status_code, "Nobody" in response.content.decode()) == (404, False)
