"""A reader's walk from sign-up to unsubscribing, on a phone and on a desktop.

The site, a worker and the mail server are real. axe checks every page and mail that the reader
sees, in light and dark colours.
"""

from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import requests
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from digest.papers import editions, intake
from digest.sources import Download, get_source
from subscribers.models import Subscriber, Topic
from tests.browser import DEVICES, SCHEMES, is_too_wide, violations
from tests.contract import html_of, parsed
from tests.factories import make_reader, starter_topics
from tests.smtp_sink import Sink
from tests.workers import flush_redis, wait_until, worker

READER = "reader@dest.example"
FILLING = 2500  # milliseconds; a form submitted faster is taken for a bot
# Rules about whole pages: a mail is shown inside the mail program's page, which has the landmarks
# and the heading.
FOR_PAGES_ONLY = ["region", "landmark-one-main", "page-has-heading-one"]


# Flex boxes drop the spaces around the elements in a button: "MuteAda Example".
_BUTTONS_WITHOUT_SPACES = """
[...document.querySelectorAll("button, a.button")]
    .filter(one => /flex|grid/.test(getComputedStyle(one).display) && one.children.length
        && [...one.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim()))
    .map(one => one.textContent.trim())
"""


class Walk:
    """A person with a browser and a mailbox. `page` is what they see."""

    def __init__(self, page: Page, site: str, sink: Sink) -> None:
        self.page = page
        self.site = site
        self.sink = sink

    def go(self, address: str) -> None:
        self.page.goto(address)
        self.look()

    def read(self, number: int) -> EmailMessage:
        """Open the `number`th mail as soon as it has arrived."""
        message = mail(self.sink, number)
        # Not on a page of the site, whose CSP does not apply in a mail program.
        self.page.goto("about:blank")
        self.page.set_content(html_of(message))
        self.look(without=FOR_PAGES_ONLY)
        return message

    def follow(self, link: str) -> None:
        """Open the first link with this name, in a mail or on a page."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=link, exact=True).first.click()
        self.look()

    def press(self, button: str) -> None:
        """Press the first button with this name, which leads to another page."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button, exact=True).first.click()
        self.look()

    def sees(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)

    def look(self, without: Sequence[str] = ()) -> None:
        """Assert that axe finds nothing and that the page does not scroll sideways."""
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            assert violations(self.page, without) == [], f"{self.page.url}, {scheme}"
        assert not is_too_wide(self.page), self.page.url
        assert self.page.evaluate(_BUTTONS_WITHOUT_SPACES) == [], self.page.url


# --- fixtures; test modules import the ones they need, and those that these need -------------
@pytest.fixture
def device() -> str:
    """Most read their mail on a phone. A test that walks on another device names it."""
    return "phone"


@pytest.fixture
def site(sink: Sink, settings: Settings, live_server: LiveServer, tmp_path: Path) -> Iterator[str]:
    """The URL of a site with the day's edition and a worker, but no reader yet."""
    settings.SITE_URL = live_server.url
    settings.MAIL_UNSUBSCRIBE = "unsubscribe@news.example.org"
    starter_topics()
    make_edition_of_the_sample()
    flush_redis()
    same = {"SITE_URL": settings.SITE_URL, "MAIL_UNSUBSCRIBE": settings.MAIL_UNSUBSCRIBE}
    with worker(tmp_path, **same):
        yield live_server.url


@pytest.fixture
def walk(site: str, sink: Sink, browser: Browser, device: str) -> Walk:
    page = browser.new_context(**DEVICES[device], timezone_id="Europe/Lisbon").new_page()
    return Walk(page, site, sink)


@pytest.fixture
def reader(walk: Walk) -> Subscriber:
    """A long-standing reader whose digest is due."""
    return make_reader(Topic.objects.get(slug="retrieval"), email=READER)


# --- helpers -------------------------------------------------------------------------------
def make_edition_of_the_sample() -> None:
    now = timezone.now()
    intake.store("sample", get_source("sample").fetch(None, _no_network), seen_at=now)
    editions.close(now.date(), now=now)


def _no_network(url: str) -> Download:
    raise AssertionError(f"{url} was requested")


def mail(sink: Sink, number: int) -> EmailMessage:
    """Wait for the `number`th mail and return it."""
    wait_until(lambda: len(sink.messages) >= number, seconds=60, what=f"mail {number}")
    return parsed(sink.messages[number - 1].content)


def post(address: str, **more: Any) -> requests.Response:
    """A POST by a program, which keeps no cookies. `more` goes to `requests.post`."""
    # While this connection is open, the site keeps one to the database open.
    headers = {"Connection": "close", **more.pop("headers", {})}
    return requests.post(address, headers=headers, allow_redirects=False, timeout=10, **more)
