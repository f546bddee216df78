"""The page "Papers you like" as people use it: by sight, by keyboard, or with a screen reader."""

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from digest.models import Vote
from subscribers import links
from subscribers.models import Subscriber
from tests.browser import DEVICES, LOOKS, NEEDS, Scheme, is_too_wide, violations
from tests.browser import browser as browser
from tests.factories import make_edition, make_paper, make_reader

pytestmark = NEEDS


def address_of(reader: Subscriber, live_server: LiveServer) -> str:
    links.ensure([reader], timezone.now())
    return f"{live_server.url}/p/{links.monthly(reader.pk, timezone.now()).preferences}/papers"


def fill_the_site() -> None:
    titles = ("Robots that fold towels", "Robots that fold maps", "دراسة عن الروبوتات")
    make_edition(
        [
            make_paper(title=title, title_key=title * 2, votes=9, authors=["Yann LeCun"])
            for title in titles
        ]
    )


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).press("Enter")


def test_papers_are_picked_by_keyboard_alone(browser: Browser, live_server: LiveServer) -> None:
    fill_the_site()
    page = browser.new_page()

    page.goto(address_of(make_reader(), live_server))
    page.get_by_label("Robots that fold towels").press("Space")
    page.get_by_role("searchbox").press_sequentially("maps")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Not saved yet")).to_be_visible()
    assert Vote.objects.count() == 0
    page.get_by_label("Robots that fold maps").press("Space")
    press(page, "Save")

    expect(page.get_by_role("status")).to_contain_text("Saved.")
    assert Vote.objects.filter(origin=Vote.Origin.EXAMPLE).count() == 2


@pytest.mark.parametrize(("device", "scheme"), LOOKS)
def test_axe_finds_no_violation(
    browser: Browser, live_server: LiveServer, scheme: Scheme, device: str
) -> None:
    fill_the_site()
    page = browser.new_context(**DEVICES[device], color_scheme=scheme).new_page()
    address = address_of(make_reader(), live_server)
    page.goto(address)
    page.get_by_label("Or paste its text").fill("Dear all")
    press(page, "Import")
    expect(page.get_by_role("alert")).to_be_visible()

    found = violations(page)
    for query in ("", "?q=robots&paper=1", "?q=zzz", "?saved", "?known=2&of=40&bad=3"):
        page.goto(f"{address}{query}")
        found += violations(page)
        assert not is_too_wide(page), query

    assert found == []
