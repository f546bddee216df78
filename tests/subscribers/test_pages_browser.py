"""The pages behind a reader's links in Chromium: accessible, usable by keyboard, safe to open."""

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from subscribers import addresses, links
from subscribers.joining import address_change
from subscribers.leaving.unsubscribe import unsubscribe
from subscribers.models import Consent, Letter, Link, Subscriber, Subscription, Term
from subscribers.wishes import preferences
from tests.browser import NEEDS, SCHEMES, Scheme, is_too_wide, violations
from tests.browser import browser as browser
from tests.factories import make_reader, make_topic

pytestmark = NEEDS


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page()


@pytest.fixture
def reader(live_server: LiveServer, settings: Settings) -> Subscriber:
    """A reader of the running site who follows one of two topics."""
    settings.SITE_URL = live_server.url
    reader = make_reader(make_topic(name="Retrieval"), email="Reader@dest.example")
    make_topic(name="Robotics")
    links.ensure([reader], timezone.now())
    return reader


def fresh_link(reader: Subscriber) -> str:
    return links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, timezone.now())


def every_page(reader: Subscriber) -> list[str]:
    """The URLs of all pages that readers can see behind a link."""
    now = timezone.now()
    left, late, paused, moving = (make_reader() for _ in range(4))
    links.ensure([left, late, paused], now)
    unsubscribe(left, Consent.Act.ONE_CLICK, now)
    Link.objects.filter(subscriber=late).update(expires_at=now)
    preferences.pause_for_a_month(paused, now)
    address_change.start(moving, addresses.parse("new@dest.example"), now)
    moved = address_change.link_for(Letter.objects.get(subscriber=moving), now)
    assert moved is not None
    fresh, unsubscribing = fresh_link(reader), links.unsubscribe_url(reader.pk)
    return [
        *(links.preferences_url(one.pk, now) for one in (reader, left, late, paused)),
        *(f"{fresh}{below}" for below in ("", "?saved", "?mailed")),
        *(f"{fresh}{below}" for below in ("/address", "/address?asked", "/erase")),
        *(f"{unsubscribing}{query}" for query in ("", "?weekly", "?paused", "?resumed")),
        links.unsubscribe_url(left.pk),
        fresh_link(left),
        moved,
    ]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_any_page(
    browser: Browser, reader: Subscriber, scheme: Scheme
) -> None:
    page = browser.new_context(color_scheme=scheme).new_page()
    found = {}

    for address in every_page(reader):
        page.goto(address)
        if wrong := violations(page):
            found[address] = wrong

    assert found == {}


def test_no_page_is_wider_than_a_phone(browser: Browser, reader: Subscriber) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 700})
    too_wide = []

    for address in every_page(reader):
        page.goto(address)
        if is_too_wide(page):
            too_wide.append(address)

    assert too_wide == []


def test_a_scanner_that_runs_scripts_changes_nothing(page: Page, reader: Subscriber) -> None:
    addresses_of_pages = every_page(reader)
    before = everything_kept()

    for address in addresses_of_pages:
        page.goto(address, wait_until="networkidle")

    assert everything_kept() == before


def everything_kept() -> list[list[dict[str, Any]]]:
    models: list[Any] = [Subscriber, Subscription, Term, Consent, Letter, Link]
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_preferences_are_set_by_keyboard_alone(page: Page, reader: Subscriber) -> None:
    page.goto(links.preferences_url(reader.pk, timezone.now()))

    page.locator("summary", has_text="1 more topic").press("Enter")
    page.get_by_role("radiogroup", name="Robotics").get_by_label("Either").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # on the section "Words and names"
    page.keyboard.press("Tab")
    page.keyboard.type("Long context")
    page.keyboard.press("Tab")
    page.keyboard.type("quantum")
    page.get_by_role("button", name="Save").press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Saved. Your next digest comes")
    emphases = Subscription.objects.order_by("topic__name").values_list("topic__name", "emphasis")
    assert list(emphases) == [("Retrieval", 0), ("Robotics", 1)]
    assert list(Term.objects.order_by("pk").values_list("text", "is_muted")) == [
        ("Long context", False),
        ("quantum", True),
    ]


def test_a_reader_leaves_says_why_and_comes_back_by_keyboard(
    page: Page, reader: Subscriber
) -> None:
    page.goto(links.unsubscribe_url(reader.pk))

    page.get_by_role("button", name="Unsubscribe").press("Enter")
    page.get_by_role("button", name="Too many emails").press("Enter")
    expect(page.get_by_text("Thank you for telling us why.")).to_be_visible()
    assert Subscriber.objects.get(pk=reader.pk).state == Subscriber.State.UNSUBSCRIBED
    page.get_by_role("button", name="Undo").press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome back")
    assert Subscriber.objects.get(pk=reader.pk).state == Subscriber.State.ACTIVE


def test_a_reader_downloads_everything_and_is_erased(page: Page, reader: Subscriber) -> None:
    page.goto(fresh_link(reader))

    with page.expect_download() as download:
        page.get_by_role("link", name="Download everything").click()
    page.get_by_role("link", name="Erase everything about you").click()
    page.get_by_role("button", name="Erase everything").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Everything has been erased")
    assert "Reader@dest.example" in download.value.path().read_text()
    assert not Subscriber.objects.filter(pk=reader.pk).exists()
