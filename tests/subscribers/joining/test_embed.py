"""The form on other people's sites: plain and in a frame, also in a real browser."""

import html
import re
from collections.abc import Callable

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from subscribers.models import Subscriber
from tests.browser import NEEDS, show_elsewhere
from tests.browser import browser as browser
from tests.factories import starter_topics

CROSS_SITE = {"Sec-Fetch-Site": "cross-site"}


def in_browser(test: Callable[..., None]) -> Callable[..., None]:
    """For a test that drives a real Chromium."""
    for mark in NEEDS:
        test = mark(test)
    return test


# --- the pages -----------------------------------------------------------------------------
@pytest.mark.django_db
def test_only_the_frame_may_be_shown_on_other_sites(client: Client) -> None:
    paths = ["/", "/signup/", "/signup/embed/", "/signup/check-your-inbox/"]
    framed = ["/signup/frame/", "/signup/frame/check-your-inbox/"]

    pages = {path: client.get(path) for path in (*paths, *framed)}

    assert [pages[path].get("X-Frame-Options") for path in framed] == [None, None]
    assert {pages[path]["X-Frame-Options"] for path in paths} == {"DENY"}
    allowed = {
        path: "frame-ancestors *" in page["Content-Security-Policy"] for path, page in pages.items()
    }
    assert [path for path, is_allowed in allowed.items() if is_allowed] == framed


@pytest.mark.django_db
def test_the_frame_leads_to_a_page_in_the_frame(client: Client, opened: str) -> None:
    page = client.post("/signup/frame/", {"email": "reader@dest.example", "opened": opened})

    assert page["Location"] == "/signup/frame/check-your-inbox/"
    assert Subscriber.objects.count() == 1


@pytest.mark.django_db
def test_a_frame_that_leads_elsewhere_leaves_its_frame_and_only_to_allowed_origins(
    client: Client, settings: Settings
) -> None:
    settings.SIGNUP_REDIRECTS = ["https://blog.example"]

    allowed = client.get("/signup/frame/?next=https://blog.example/thanks").content.decode()
    other = client.get("/signup/frame/?next=https://evil.example/").content.decode()

    assert 'name="next" value="https://blog.example/thanks"' in allowed
    assert 'target="_top"' in allowed
    assert "evil.example" not in other
    assert 'target="_top"' not in other


@pytest.mark.django_db
def test_the_plain_form_is_shown_filled_in_and_sent_with_one_click(client: Client) -> None:
    starter_topics()
    entered = {"email": "Reader@dest.example", "topics": ["robotics"], "website": "x"}

    shown = client.post("/signup/", entered, headers=CROSS_SITE)
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', shown.content.decode()))
    assert Subscriber.objects.count() == 0
    page = client.post("/signup/", fields, headers={"Sec-Fetch-Site": "same-origin"})

    subscriber = Subscriber.objects.get()
    assert page["Location"] == "/signup/check-your-inbox/"
    assert subscriber.email == "Reader@dest.example"
    assert [topic.slug for topic in subscriber.topics.all()] == ["robotics"]


@pytest.mark.django_db
@pytest.mark.parametrize("headers", [CROSS_SITE, {"Origin": "https://evil.example"}])
def test_another_site_cannot_fill_in_the_frame(client: Client, headers: dict[str, str]) -> None:
    starter_topics()
    entered = {"email": "stranger@dest.example", "topics": ["robotics"], "zone": "Asia/Tokyo"}

    page = client.post("/signup/frame/", entered, headers=headers).content.decode()

    assert 'name="email"' in page
    assert [
        said for said in ("stranger", " checked", '"Asia/Tokyo" selected') if said in page
    ] == []


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/signup/", "/signup/frame/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_pages_with_a_signed_value_are_not_kept(client: Client, path: str, method: str) -> None:
    page = getattr(client, method)(path)

    assert 'name="opened"' in page.content.decode()
    assert "no-store" in page["Cache-Control"]


@pytest.mark.django_db
def test_input_from_another_site_is_shown_as_text(client: Client) -> None:
    hostile = '"><script>alert(1)</script>'
    entered = {"email": hostile, "topics": hostile, "zone": hostile, "next": hostile}

    page = client.post("/signup/", entered, headers=CROSS_SITE).content.decode()

    assert "<script>alert" not in page
    assert html.escape(hostile) in page


# --- in a browser --------------------------------------------------------------------------
@pytest.fixture
def page(browser: Browser, settings: Settings, live_server: LiveServer) -> Page:
    settings.SITE_URL = live_server.url
    starter_topics()
    return browser.new_page(timezone_id="Asia/Tokyo")


def code(page: Page, site: str, name: str) -> str:
    """The HTML that the embedding page offers for copying."""
    page.goto(f"{site}/signup/embed/")
    return page.locator(f"#{name}").input_value()


@in_browser
def test_the_copied_form_signs_up_with_one_more_click(page: Page, live_server: LiveServer) -> None:
    show_elsewhere(page, code(page, live_server.url, "snippet"))

    page.get_by_label("Your email address").fill("reader@dest.example")
    page.get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One more click")
    assert Subscriber.objects.count() == 0
    page.get_by_role("button", name="Sign up").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Check your inbox")
    assert Subscriber.objects.get().zone == "Asia/Tokyo"


@in_browser
@pytest.mark.parametrize("with_captcha", [False, True])
def test_the_copied_frame_signs_up_without_leaving_the_site(
    page: Page, live_server: LiveServer, settings: Settings, with_captcha: bool
) -> None:
    settings.SIGNUP_CAPTCHA = with_captcha
    show_elsewhere(page, code(page, live_server.url, "iframe"))
    frame = page.frame_locator("iframe")

    frame.get_by_label("Your email address").fill("reader@dest.example")
    frame.get_by_text("Choose topics").click()
    frame.get_by_label("Robotics").check()
    page.wait_for_timeout(2500)  # nobody fills in a form in less
    frame.get_by_role("button", name="Sign up").click()

    expect(frame.get_by_role("heading", level=1)).to_have_text("Check your inbox", timeout=20_000)
    assert page.url == "https://blog.example/"
    subscriber = Subscriber.objects.get()
    assert (subscriber.zone, subscriber.topics.get().slug) == ("Asia/Tokyo", "robotics")


@in_browser
def test_pressing_the_button_before_the_puzzle_is_solved_waits_for_it(
    page: Page, live_server: LiveServer, settings: Settings
) -> None:
    settings.SIGNUP_CAPTCHA = True
    page.goto(f"{live_server.url}/signup/")
    page.wait_for_timeout(2500)

    page.get_by_label("Your email address").fill("reader@gmial.com")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("alert")).to_contain_text("Did you mean")
    page.get_by_role("button", name="Yes").click()  # at once, with a puzzle that is new

    expect(page.get_by_role("heading", level=1)).to_have_text("Check your inbox", timeout=20_000)
    assert Subscriber.objects.get().email == "reader@gmail.com"


@in_browser
def test_a_frame_that_leads_elsewhere_arrives_there(
    page: Page, live_server: LiveServer, settings: Settings
) -> None:
    origin = "https://blog.example"
    settings.SIGNUP_REDIRECTS = [origin]
    directives = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    allowed = {**directives, "form-action": [*directives["form-action"], origin]}
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": allowed}
    source = f"{live_server.url}/signup/frame/?next={origin}/thanks"
    show_elsewhere(page, f'<iframe src="{source}" width="600" height="480"></iframe>')
    frame = page.frame_locator("iframe")

    frame.get_by_label("Your email address").fill("reader@dest.example")
    page.wait_for_timeout(2500)
    # No such host exists here, so the test only checks that the browser asks for it.
    with page.expect_request(f"{origin}/thanks"):
        frame.get_by_role("button", name="Sign up").click()

    assert Subscriber.objects.count() == 1
