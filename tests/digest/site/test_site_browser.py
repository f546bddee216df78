"""The public pages as people use them: by sight, by keyboard, or with a screen reader."""

from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from digest.models import PaperTopic, Sighting
from tests.browser import DEVICES, LOOKS, NEEDS, Scheme, is_too_wide, violations
from tests.browser import browser as browser
from tests.factories import make_edition, make_paper, make_topic

DAY = date(2026, 11, 23)

pytestmark = NEEDS


def fill_the_site() -> list[str]:
    """Create something of everything; return the paths of the pages that show it."""
    topic = make_topic(slug="robots", name="Robots")
    papers = [
        make_paper(
            title=title,
            votes=9,
            organization="Example Lab",
            keywords=["hands", "cloth"],
            code_url="https://code.example/x",
            authors=[f"Author {number}" for number in range(20)],
            num_authors=20,
        )
        for title in ("Robots that fold towels", "Robots that fold maps", "دراسة عن الروبوتات")
    ]
    PaperTopic.objects.bulk_create(
        PaperTopic(paper=paper, topic=topic, fit=0.9) for paper in papers
    )
    make_edition(1, day=DAY - timedelta(days=1))
    make_edition([*papers, *(make_paper() for _ in range(30))], day=DAY, fits={topic.pk: 0.9})
    for hours, votes in ((0, 1), (24, 9)):
        at = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(hours=hours)
        Sighting.objects.create(paper=papers[0], source="huggingface", at=at, votes=votes)
    paths = ["/today", "/archive", "/archive/2026-11-22", "/topics", "/topics/robots"]
    paths += ["/archive/2026-W48", "/archive/2026-11?order=votes", "/authors/Author%200"]
    paths += ["/search?q=robots&topic=robots&code=1"]
    paths += ["/topics/robots?order=new", f"/papers/{papers[0].pk}/robots-that-fold-towels"]
    paths = ["/", *paths]
    return [*paths, "/search", "/search?q=robots", "/search?q=robbots", "/search?q=zzz", "/nix"]


@pytest.mark.parametrize(("device", "scheme"), LOOKS)
def test_axe_finds_no_violation(
    browser: Browser, live_server: LiveServer, scheme: Scheme, device: str
) -> None:
    paths = fill_the_site()
    page = browser.new_context(**DEVICES[device], color_scheme=scheme).new_page()

    found = {}
    for path in paths:
        page.goto(f"{live_server.url}{path}")
        if wrong := violations(page):
            found[path] = wrong
        assert not is_too_wide(page), path

    assert found == {}


def test_the_button_is_reached_without_scrolling(browser: Browser, live_server: LiveServer) -> None:
    fill_the_site()
    for width, height, locale in ((390, 844, "de"), (390, 844, "en"), (1280, 800, "en")):
        context = browser.new_context(
            viewport={"width": width, "height": height}, is_mobile=width < 400, locale=locale
        )
        page = context.new_page()
        page.goto(live_server.url)
        for place in ("input[name=email]", "form.signup button.primary"):
            box = page.locator(place).first.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= height, (place, width, locale)
        expect(page.locator("section.latest article").first).to_be_attached()
        # The navigation stays in one line.
        nav = page.locator(".masthead-nav").bounding_box()
        assert nav is not None
        assert nav["height"] < 60, (width, locale)


def test_a_reader_finds_a_paper_by_keyboard_alone(
    browser: Browser, live_server: LiveServer
) -> None:
    fill_the_site()
    page = browser.new_page()

    page.goto(f"{live_server.url}/today")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to main content")).to_be_focused()
    page.get_by_role("link", name="Search").press("Enter")
    page.get_by_role("searchbox").press_sequentially("maps")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Robots that fold maps").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Robots that fold maps")
    expect(page.get_by_role("link", name="Read the paper")).to_be_visible()
    assert page.context.cookies() == []


def test_a_page_breaks_none_of_its_own_rules(browser: Browser, live_server: LiveServer) -> None:
    paths = fill_the_site()
    page = browser.new_page()
    complaints: list[str] = []
    asked: set[str] = set()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: asked.add(request.url.split("/")[2]))

    for path in paths[:-1]:
        page.goto(f"{live_server.url}{path}", wait_until="networkidle")

    assert complaints == []
    assert asked == {live_server.url.removeprefix("http://")}
