"""The page that asks to rate papers as people use it: by sight, by keyboard, without scripts."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from digest.models import Vote
from subscribers import links
from subscribers.models import Subscriber
from tests.browser import DEVICES, LOOKS, NEEDS, Scheme, is_too_wide, violations
from tests.browser import browser as browser
from tests.factories import make_edition, make_paper, make_reader, make_topic

pytestmark = NEEDS

TITLES = (
    "Robots that fold towels, shirts and other things whose shape nobody can predict beforehand",
    "Small models that read long contracts",
    "What a library catalogue forgets",
    "دراسة عن الروبوتات",
    "Proteins that bind zinc",
    "Stars that orbit holes: a survey",
    "Agents that ask before they act",
    "Sorting in memory that forgets",
    "Maps from sound alone",
)


def address_of(reader: Subscriber, live_server: LiveServer) -> str:
    links.ensure([reader], timezone.now())
    return f"{live_server.url}/p/{links.monthly(reader.pk, timezone.now()).preferences}/rate"


def fill_the_site() -> None:
    papers = [
        make_paper(title=title, title_key=title * 2, votes=9, authors=["Yann LeCun", "Ada Example"])
        for title in TITLES
    ]
    yesterday = timezone.now().date() - timedelta(days=1)
    make_edition(papers, day=yesterday, fits={make_topic(name="Language models").pk: 0.6})
    make_edition(1)


def test_papers_are_rated_by_keyboard_alone_and_without_scripts(
    browser: Browser, live_server: LiveServer
) -> None:
    fill_the_site()
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(address_of(make_reader(), live_server))
    first, second = (page.get_by_role("radiogroup").nth(number) for number in (0, 1))

    first.get_by_role("radio", name="More").press("Space")
    second.get_by_role("radio", name="No opinion").press("ArrowLeft")
    page.get_by_role("button", name="Save").press("Enter")

    expect(page.get_by_role("status")).to_contain_text("Saved: 1 of 8 marked.")
    assert sorted(Vote.objects.values_list("value", flat=True)) == [-1, 1]


@pytest.mark.parametrize(("device", "scheme"), LOOKS)
def test_axe_finds_no_violation(
    browser: Browser, live_server: LiveServer, scheme: Scheme, device: str
) -> None:
    page = browser.new_context(**DEVICES[device], color_scheme=scheme).new_page()
    address = address_of(make_reader(), live_server)
    page.goto(address)
    assert violations(page) == []
    fill_the_site()

    page.goto(address)
    found = violations(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    found += violations(page)
    page.get_by_role("radio", name="More").first.check()
    page.get_by_role("radio", name="Less").last.check()
    assert not is_too_wide(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved: 1 of 8 marked.")
    found += violations(page)
    # The one paper that the first page did not show.
    page.get_by_role("radio", name="More").first.check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    found += violations(page)
    page.get_by_role("link", name="Rate more papers").click()
    found += violations(page)

    assert found == []
    assert not is_too_wide(page)
