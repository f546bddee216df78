"""The public pages."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from digest.models import Edition, PaperTopic, Sighting
from subscribers.models import Topic
from tests.factories import make_edition, make_paper, make_topic

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 23)


def titles(html: str) -> list[str]:
    """Return the titles in the list on a page, in order."""
    found = re.findall(r"<h[23]><a [^>]*><bdi>(.*?)</bdi></a>", html)
    return [re.sub(r'<span class="whole">(.*?)</span>', r"\1", title) for title in found]


def page(client: Client, path: str) -> str:
    """Return the page as it is now, not as it was cached."""
    cache.clear()
    response = client.get(path)
    assert response.status_code == 200, path
    return response.content.decode()


def one_of_each() -> list[str]:
    """Return the paths of all kinds of public pages, with something on each."""
    topic = make_topic(slug="reading", name="Reading")
    papers = [make_paper(title=f"Finding text number {number}") for number in range(3)]
    PaperTopic.objects.bulk_create(
        PaperTopic(paper=paper, topic=topic, fit=0.9) for paper in papers
    )
    make_edition(papers, day=DAY, fits={topic.pk: 0.9})
    paths = ["/today", "/archive", "/archive/2026-11-23", "/topics", "/topics/reading"]
    paths += ["/archive/2026-W48", "/archive/2026-11?order=votes", "/authors/Ada%20Example"]
    paths += ["/topics/reading?order=new", "/search", "/search?q=finding", "/search?q=fnding"]
    return [*paths, f"/papers/{papers[0].pk}/finding-text-number-0"]


# --- editions ------------------------------------------------------------------------------
def test_today_is_the_newest_closed_edition_in_trending_order(client: Client) -> None:
    make_edition([make_paper(title="Old")], day=DAY - timedelta(days=1))
    votes = {"Quiet": 0, "Loud": 90, "Middling": 9}
    make_edition(
        [make_paper(title=title, votes=number) for title, number in votes.items()], day=DAY
    )
    waiting = Edition.objects.create(date=DAY + timedelta(days=1))
    waiting.papers.add(make_paper(title="Not yet"))

    assert titles(page(client, "/today")) == ["Loud", "Middling", "Quiet"]


def test_a_paper_that_gathers_votes_quickly_comes_first(client: Client) -> None:
    now = timezone.now()
    usual = {"votes": 20, "first_seen_at": now}
    steady, quick = make_paper(title="Steady", **usual), make_paper(title="Quick", **usual)
    make_edition([steady, quick], day=DAY)
    assert titles(page(client, "/today")) == ["Steady", "Quick"]

    for hours, votes in ((6, 0), (1, 20)):
        at = now - timedelta(hours=hours)
        Sighting.objects.create(paper=quick, source="huggingface", at=at, votes=votes)

    assert titles(page(client, "/today")) == ["Quick", "Steady"]


def test_before_the_first_edition_the_page_says_so(client: Client) -> None:
    assert "The first edition is on its way" in page(client, "/today")
    assert "There are no editions yet" in page(client, "/archive")


def test_the_archive_links_to_each_day_and_each_day_to_its_neighbours(client: Client) -> None:
    for number in range(3):
        make_edition(1, day=DAY - timedelta(days=number))

    archive = page(client, "/archive")
    middle = page(client, "/archive/2026-11-22")

    days = ["2026-11-21", "2026-11-22", "2026-11-23"]
    assert re.findall(r'href="/archive/(\d{4}-\d\d-\d\d)"', archive) == days
    assert re.findall(r'rel="(\w+)" href="/archive/([\d-]+)"', middle) == [
        ("prev", "2026-11-21"),
        ("next", "2026-11-23"),
    ]


def test_an_edition_larger_than_a_page_lists_the_rest_by_title(client: Client) -> None:
    make_edition([make_paper(title=f"No. {n}", votes=100 - n) for n in range(23)], day=DAY)

    html = page(client, "/today")

    assert titles(html) == [f"No. {n}" for n in range(20)]
    assert re.findall(r"<li><a [^>]*><bdi>(No. \d+)</bdi>", html) == ["No. 20", "No. 21", "No. 22"]


# --- topics --------------------------------------------------------------------------------
def test_a_topic_shows_its_papers_and_no_others(client: Client) -> None:
    topic = make_topic(slug="robots")
    on_it, other = make_paper(title="A robot", votes=1), make_paper(title="A poem", votes=99)
    PaperTopic.objects.create(paper=on_it, topic=topic, fit=0.8)
    make_edition([on_it, other], day=DAY)

    assert titles(page(client, "/topics/robots")) == ["A robot"]
    assert titles(page(client, "/topics/robots?order=new")) == ["A robot"]


def test_a_topics_newest_papers_come_in_pages(client: Client) -> None:
    topic = make_topic(slug="robots")
    papers = [make_paper(title=f"No. {n:02}", votes=99 - n) for n in range(22)]
    PaperTopic.objects.bulk_create(PaperTopic(paper=p, topic=topic, fit=1.0) for p in papers)
    make_edition(papers, day=DAY)

    first = page(client, "/topics/robots?order=new")
    second = page(client, "/topics/robots?order=new&page=2")

    assert titles(first) + titles(second) == [f"No. {n:02}" for n in range(22)]
    assert re.findall(r'rel="(prev|next)" href="([^"]*)"', first + second) == [
        ("next", "?order=new&amp;page=2"),
        ("prev", "?order=new&amp;page=1"),
    ]


@pytest.mark.parametrize("number", ["0", "-1", "x", "9999999999", "٣", ""])
def test_an_invalid_page_number_is_no_error(client: Client, number: str) -> None:
    make_topic(slug="robots")

    assert client.get("/topics/robots", {"order": "new", "page": number}).status_code == 200


def test_the_topics_page_counts_new_papers(client: Client) -> None:
    Topic.objects.all().delete()
    topic = make_topic(slug="robots")
    make_topic(slug="secret", is_offered=False)
    today = timezone.now().astimezone(UTC).date()
    for days in (0, 40):
        paper = make_paper()
        PaperTopic.objects.create(paper=paper, topic=topic, fit=0.8)
        make_edition([paper], day=today - timedelta(days=days))

    html = page(client, "/topics")

    assert "1 paper in the last 30 days" in html
    assert re.findall(r'href="/topics/([\w-]+)"', html) == ["robots"]


# --- one paper -----------------------------------------------------------------------------
def test_a_papers_page_shows_everything_about_it(client: Client) -> None:
    paper = make_paper(
        title=r"Learning in $\mathcal{O}(n^2)$ steps",
        abstract=r"We reach 36\% more.",
        authors=[f"Author {n}" for n in range(14)],
        num_authors=20,
        organization="Example Lab",
        code_url="https://code.example/x",
        keywords=["sample efficiency"],
    )
    make_edition([paper], day=DAY)

    html = page(client, f"/papers/{paper.pk}/")

    for said in (
        "<h1><bdi>Learning in 𝒪(n²) steps</bdi></h1>",
        "We reach 36% more.",
        "<bdi>Author 11</bdi>",
        "and 2 other authors",
        "<bdi>Example Lab</bdi>",
        f'href="{paper.url}"',
        'href="https://code.example/x"',
        'href="/search?q=sample%20efficiency"',
        'href="/archive/2026-11-23"',
        f'<link rel="canonical" href="https://news.example.org/papers/{paper.pk}/',
    ):
        assert said in html, said


def test_votes_over_time_are_shown_as_a_chart_and_a_table(client: Client) -> None:
    paper = make_paper(votes=30)
    make_edition([paper], day=DAY)
    assert "<svg" not in page(client, f"/papers/{paper.pk}/")

    for hours, votes in ((0, 0), (12, 15), (24, 30)):
        at = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=hours)
        Sighting.objects.create(paper=paper, source="huggingface", at=at, votes=votes)
    html = page(client, f"/papers/{paper.pk}/")

    assert 'd="M0.0 150.0L320.0 75.0L640.0 0.0"' in html
    assert re.findall(r"</time></td><td>(\d+)</td>", html) == ["0", "15", "30"]


def test_similar_papers_share_words(client: Client) -> None:
    paper = make_paper(
        title="Sparse robot hands", abstract="Robot hands grasp soft fruit by touch."
    )
    near = make_paper(title="Hands that feel", abstract="Touch lets robot hands grasp soft fruit.")
    make_edition([paper, near, *(make_paper() for _ in range(8))], day=DAY)

    assert titles(page(client, f"/papers/{paper.pk}/")) == [near.title]


def test_a_paper_of_an_open_edition_is_not_public(client: Client) -> None:
    paper = make_paper(title="Soon")
    edition = make_edition([paper], day=DAY)
    assert client.get(f"/papers/{paper.pk}/").status_code == 200

    Edition.objects.filter(pk=edition.pk).update(closed_at=None)
    cache.clear()

    for path in (f"/papers/{paper.pk}/", "/archive/2026-11-23"):
        assert client.get(path).status_code == 404
    for path in ("/today", "/search?q=soon", "/feed.atom", "/sitemap-papers.xml"):
        assert "Soon" not in page(client, path)


@pytest.mark.parametrize(
    "path",
    ["/papers/1/", "/papers/999999999999999999/x", "/topics/none", "/archive/2026-11-31", "/nix"],
)
def test_an_unknown_address_is_a_friendly_page(client: Client, path: str) -> None:
    response = client.get(path)

    assert response.status_code == 404
    assert "Page not found" in response.content.decode()


# --- all of them ---------------------------------------------------------------------------
def test_foreign_text_is_never_markup(client: Client) -> None:
    evil = '<script>alert("1")</script><img src=x onerror=y>'
    topic = make_topic(slug="robots", name=evil[:60], description=evil)
    paper = make_paper(
        title=evil,
        abstract=evil,
        authors=[evil],
        organization=evil,
        keywords=[evil],
        url="javascript:alert(1)",
        code_url="javascript:alert(1)",
    )
    PaperTopic.objects.create(paper=paper, topic=topic, fit=0.9)
    make_edition([paper, make_paper(title=evil)], day=DAY, fits={topic.pk: 0.9})

    paths = [
        "/today",
        "/topics",
        "/topics/robots",
        f"/papers/{paper.pk}/<b>",
        f"/search?q={evil}",
    ]
    for path in [*paths, "/search?q=alert", "/feed.atom"]:
        html = page(client, path)
        assert not re.search(r"<script>|<img|href=.javascript", html), path


def test_pages_neither_set_nor_read_cookies(client: Client) -> None:
    for path in [*one_of_each(), "/feed.atom", "/feed.json", "/sitemap.xml", "/robots.txt"]:
        response = client.get(path)

        assert (response.status_code, dict(response.cookies)) == (200, {}), path
        assert "Cookie" not in response.headers.get("Vary", ""), path


def test_caches_keep_a_page_and_can_revalidate_it(client: Client) -> None:
    for path in [*one_of_each(), "/feed.atom", "/topics/reading/feed.json"]:
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})

        assert first.headers["Cache-Control"] == "public, max-age=60", path
        assert (again.status_code, again.content) == (304, b""), path


def test_a_page_is_made_once_a_minute(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for path in one_of_each():
        first = client.get(path)
        with django_assert_num_queries(0):
            assert client.get(path).content == first.content, path

    german = client.get("/today", headers={"Accept-Language": "de"})
    assert '<html lang="de"' in german.content.decode()


def test_a_page_that_changed_is_sent_again(client: Client) -> None:
    paper = make_paper()
    make_edition([paper], day=DAY)
    etag = client.get(f"/papers/{paper.pk}/").headers["ETag"]

    paper.title = "Another title"
    paper.save()
    cache.clear()

    again = client.get(f"/papers/{paper.pk}/", headers={"If-None-Match": etag})
    assert again.status_code == 200


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_pages_can_only_be_read(client: Client, method: str) -> None:
    for path in one_of_each():
        assert getattr(client, method)(path).status_code == 405, path


def test_the_number_of_queries_does_not_grow_with_the_papers(
    client: Client, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    paths = one_of_each()
    topic = Topic.objects.get(slug="reading")
    papers = [make_paper(title=f"Finding text again {number}") for number in range(40)]
    PaperTopic.objects.bulk_create(
        PaperTopic(paper=paper, topic=topic, fit=0.9) for paper in papers
    )
    make_edition(papers, day=DAY + timedelta(days=1), fits={topic.pk: 0.9})

    for path in [*paths, "/feed.atom", "/feed.json", "/sitemap.xml", "/sitemap-papers.xml"]:
        # Two of them read what papers are about that came in without intake.
        with django_assert_max_num_queries(11):
            assert client.get(path).status_code == 200, path


def test_robots_may_read_everything_except_admin_and_search(client: Client) -> None:
    assert page(client, "/robots.txt").splitlines() == [
        "User-agent: *",
        "Disallow: /admin/",
        "Disallow: /search",
        "",
        "Sitemap: https://news.example.org/sitemap.xml",
    ]


def test_a_page_describes_itself_for_links_on_other_sites(client: Client) -> None:
    paper = make_paper(title='A "quoted" title', abstract="It says what it says.")
    make_edition([paper], day=DAY)

    html = page(client, f"/papers/{paper.pk}/")

    assert dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', html)) == {
        "site_name": "Broadsheet",
        "type": "article",
        "title": "A &quot;quoted&quot; title",
        "description": "It says what it says.",
        "url": f"https://news.example.org/papers/{paper.pk}/a-quoted-title",
        "image": f"https://news.example.org/papers/{paper.pk}/card.jpg",
    }


def test_a_server_error_has_its_own_page(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.site.archive.latest", lambda: 1 / 0)
    client.raise_request_exception = False

    response = client.get("/today")

    assert response.status_code == 500
    assert "Something went wrong" in response.content.decode()


def test_the_footer_says_so_when_clicks_are_counted(client: Client, settings: Settings) -> None:
    assert "does not track" in page(client, "/today")

    settings.TRACK_CLICKS = True

    html = page(client, "/today")
    assert "does not track" not in html
    assert "records which papers you open" in html


def test_pages_speak_the_visitors_language(client: Client) -> None:
    response = client.get("/today", headers={"Accept-Language": "de"})

    assert '<html lang="de"' in response.content.decode()
    assert "Accept-Language" in response.headers["Vary"]
