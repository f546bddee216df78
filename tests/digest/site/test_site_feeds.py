"""Feeds and sitemaps, as programs read them."""

import json
from datetime import date, timedelta
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from django.core.cache import cache
from django.test import Client

from digest.models import Edition, PaperTopic
from digest.sources import label_of
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 23)
ATOM = {"a": "http://www.w3.org/2005/Atom"}
MAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def atom(client: Client, path: str) -> Element:
    response = client.get(path)
    assert response.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    root: Element = fromstring(response.content)
    return root


def text_of(element: Element, path: str) -> list[str | None]:
    return [found.text for found in element.findall(path, ATOM)]


def _time_of(edition: Edition) -> str:
    assert edition.closed_at is not None
    return edition.closed_at.isoformat()


def json_feed(client: Client, path: str) -> dict[str, Any]:
    response = client.get(path)
    assert response.headers["Content-Type"] == "application/feed+json; charset=utf-8"
    feed: dict[str, Any] = json.loads(response.content)
    return feed


def test_the_atom_feed_has_the_newest_papers_first(client: Client) -> None:
    make_edition([make_paper(title="Old")], day=DAY - timedelta(days=1))
    new = make_paper(title="New & <b>bold</b>", abstract="1 < 2", authors=["Ada", "Bo"], votes=3)
    edition = make_edition([new, make_paper(title="New as well")], day=DAY)

    feed = atom(client, "/feed.atom")
    entry = feed.find("a:entry", ATOM)

    assert text_of(feed, "a:entry/a:title") == ["New & <b>bold</b>", "New as well", "Old"]
    assert entry is not None
    assert text_of(entry, "a:author/a:name") == ["Ada", "Bo"]
    assert text_of(entry, "a:summary") == ["<p>1 &lt; 2</p>"]
    assert text_of(entry, "a:id") == [f"https://news.example.org/papers/{new.pk}/"]
    assert text_of(entry, "a:updated") != []
    assert text_of(entry, "a:published") == [_time_of(edition)]


def test_an_entry_keeps_its_id_when_the_title_changes(client: Client) -> None:
    paper = make_paper(title="Before")
    make_edition([paper], day=DAY)
    before = atom(client, "/feed.atom")

    paper.title = "After"
    paper.save()
    cache.clear()

    after = atom(client, "/feed.atom")
    assert text_of(after, "a:entry/a:title") == ["After"]
    assert text_of(after, "a:entry/a:id") == text_of(before, "a:entry/a:id")


def test_the_json_feed_says_the_same(client: Client) -> None:
    paper = make_paper(title="One", abstract="It is.", authors=["Ada"], categories=["cs.CL"])
    edition = make_edition([paper], day=DAY)

    feed = json_feed(client, "/feed.json")

    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == "https://news.example.org/feed.json"
    assert feed["items"] == [
        {
            "id": f"https://news.example.org/papers/{paper.pk}/",
            "url": f"https://news.example.org/papers/{paper.pk}/one",
            "title": "One",
            "content_html": "<p>It is.</p>",
            "date_published": _time_of(edition),
            "date_modified": _time_of(edition),
            "authors": [{"name": "Ada"}],
            "tags": ["cs.CL"],
        }
    ]


def test_a_topics_feeds_have_only_its_papers(client: Client) -> None:
    topic = make_topic(slug="robots", name="Robots & hands")
    on_it = make_paper(title="A robot")
    PaperTopic.objects.create(paper=on_it, topic=topic, fit=0.9)
    make_edition([on_it, make_paper(title="A poem")], day=DAY)

    feed = atom(client, "/topics/robots/feed.atom")
    said = json_feed(client, "/topics/robots/feed.json")

    assert text_of(feed, "a:title") == ["Broadsheet: Robots & hands"]
    assert text_of(feed, "a:entry/a:title") == ["A robot"]
    assert [item["title"] for item in said["items"]] == ["A robot"]
    assert client.get("/topics/none/feed.atom").status_code == 404


def test_control_characters_in_a_title_do_not_break_a_feed(client: Client) -> None:
    make_edition([make_paper(title="Bell\x07 and\ufffe more")], day=DAY)

    assert text_of(atom(client, "/feed.atom"), "a:entry/a:title") == ["Bell and more"]


def test_pages_link_to_their_feeds(client: Client) -> None:
    make_topic(slug="robots")

    html = client.get("/topics/robots").content.decode()

    assert 'type="application/atom+xml" title=' in html
    assert 'href="/topics/robots/feed.atom"' in html


def test_the_sitemap_lists_every_page(client: Client) -> None:
    topic = make_topic(slug="robots")
    paper = make_paper(title="A robot")
    make_edition([paper], day=DAY, fits={topic.pk: 1.0})

    index = fromstring(client.get("/sitemap.xml").content)
    maps = [str(found.text) for found in index.findall("s:sitemap/s:loc", MAP)]
    pages = set()
    for address in maps:
        part = fromstring(client.get(address.partition("testserver")[2]).content)
        pages |= {str(found.text) for found in part.findall("s:url/s:loc", MAP)}

    paths = {address.partition("testserver")[2] for address in pages}
    assert paths >= {"/", "/today", "/topics", "/archive"}
    assert paths >= {"/topics/robots", "/archive/2026-11-23", f"/papers/{paper.pk}/a-robot"}
    assert all(client.get(path).status_code == 200 for path in paths)


def test_every_entry_has_an_author(client: Client) -> None:
    alone = make_paper(title="A note that names no author", authors=[], source_title="Lab notes")
    unsaid = make_paper(title="Another one", authors=[], source_title="")
    make_edition([alone, unsaid])

    entries = atom(client, "/feed.atom").findall("a:entry", ATOM)

    authors = {entry.findtext("a:author/a:name", "", ATOM) for entry in entries}
    assert authors == {"Lab notes", label_of(unsaid.first_source)}
