"""A reader's walk, from the sign-up to the way out, on a phone and at a desk.

The site, a worker and the mail server are real. Whatever page or mail comes before the reader's
eyes, axe looks at it too, in light and in dark.
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
FILLING = 2500  # milliseconds: nobody fills in a form in less
# A mail stands in the mail program's page, which has the landmarks and the heading: these rules
# are about whole pages.
FOR_PAGES_ONLY = ["region", "landmark-one-main", "page-has-heading-one"]


class Walk:
    """A person with a browser and a mailbox. `page` is what they have before their eyes."""

    def __init__(self, page: Page, site: str, sink: Sink) -> None:
        self.page = page
        self.site = site
        self.sink = sink

    def go(self, address: str) -> None:
        self.page.goto(address)
        self.look()

    def read(self, number: int) -> EmailMessage:
        """Open the `number`th mail, as soon as it is there."""
        message = mail(self.sink, number)
        # Not on a page of the site, whose rules (CSP) are not the mail program's.
        self.page.goto("about:blank")
        self.page.set_content(html_of(message))
        self.look(without=FOR_PAGES_ONLY)
        return message

    def follow(self, link: str) -> None:
        """Open the first link of this name, in a mail or on a page."""
        with self.page.expect_navigation():
            self.page.get_by_role("link", name=link, exact=True).first.click()
        self.look()

    def press(self, button: str) -> None:
        """SharedParts the first button of this name, which leads to another page."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button, exact=True).first.click()
        self.look()

    def sees(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)

    def look(self, without: Sequence[str] = ()) -> None:
        """AssertionError unless axe finds nothing, and all can be seen without going sideways."""
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            assert violations(self.page, without) == [], f"{self.page.url}, {scheme}"
        assert not is_too_wide(self.page), self.page.url


# --- fixtures; a test module imports those that it needs, and what they need -----------------
@pytest.fixture(params=list(DEVICES))
def device(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def site(sink: Sink, settings: Settings, live_server: LiveServer, tmp_path: Path) -> Iterator[str]:
    """Where a site is that has the day's edition and a worker, and no reader yet."""
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
    """A reader of long standing, whose digest is due."""
    return make_reader(Topic.objects.get(slug="retrieval"), email=READER)


# --- what lies under way -------------------------------------------------------------------
def make_edition_of_the_sample() -> None:
    now = timezone.now()
    intake.store("sample", get_source("sample").fetch(None, _no_network), seen_at=now)
    editions.close(now.date(), now=now)


def _no_network(url: str) -> Download:
    raise AssertionError(f"{url} was asked for")


def mail(sink: Sink, number: int) -> EmailMessage:
    """The `number`th mail that arrived, as soon as it has."""
    wait_until(lambda: len(sink.messages) >= number, seconds=60, what=f"mail {number}")
    return parsed(sink.messages[number - 1].content)


def post(address: str, **more: Any) -> requests.Response:
    """A POST by a program, which keeps no cookie; `more` is for `requests.post`."""
    # The site keeps a connection to the database for as long as this one is open.
    headers = {"Connection": "close", **more.pop("headers", {})}
    return requests.post(address, headers=headers, allow_redirects=False, timeout=10, **more)
