"""A reader's whole story, with real Chromium, Celery, PostgreSQL, Redis and SMTP."""

import re
from email.message import EmailMessage
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from digest.models import Digest
from subscribers.models import Subscriber
from tests.browser import NEEDS
from tests.browser import browser as browser
from tests.contract import check_digest, html_of, text_of, unsubscribe_url
from tests.factories import starter_topics
from tests.smtp_sink import Sink
from tests.walk import FILLING, mail, make_edition_of_the_sample, post
from tests.workers import flush_redis, wait_until, worker

pytestmark = NEEDS


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page(timezone_id="Europe/Lisbon")


def link_in(message: EmailMessage, path: str) -> str:
    match = re.search(rf"http\S+/{path}/[\w-]+", text_of(message))
    assert match, f"a link to /{path}/"
    return match.group()


def sign_up(page: Page, site: str) -> None:
    page.goto(site)
    page.get_by_label("Your email address").fill("reader@dest.example")
    page.get_by_text("Choose topics").click()
    page.get_by_label("Search and retrieval").check()
    page.get_by_label("Language models and pretraining").check()
    page.wait_for_timeout(FILLING)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.endswith("/signup/check-your-inbox/")


def set_preferences(page: Page) -> None:
    for field in ("input[name=length]", "select[name=hour]"):
        page.locator(f"form details:has({field}):not([open]) > summary").click()
    page.locator("input[name=length]").fill("5")
    page.locator("select[name=hour]").select_option("9")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Lisbon time").first).to_be_visible()


def test_a_reader_signs_up_reads_and_leaves(
    page: Page, sink: Sink, settings: Settings, live_server: LiveServer, tmp_path: Path
) -> None:
    settings.SITE_URL = live_server.url
    starter_topics()
    make_edition_of_the_sample()
    flush_redis()

    with worker(tmp_path, SITE_URL=live_server.url):
        sign_up(page, live_server.url)
        page.goto(link_in(mail(sink, 1), "c"))
        assert Subscriber.objects.get().state == Subscriber.State.PENDING
        page.get_by_role("button").click()
        # The first digest arrives at once, with the default of ten papers.
        digest = mail(sink, 2)
        check_digest(sink.messages[1].content)
        wait_until(
            lambda: Digest.objects.get().state == Digest.State.SENT, seconds=20, what="the row"
        )
        assert html_of(digest).count("<h2") == 10
        page.goto(link_in(digest, "p"))
        set_preferences(page)
        reader = Subscriber.objects.get()
        assert (reader.state, reader.zone, reader.hour, reader.length) == (
            Subscriber.State.ACTIVE,
            "Europe/Lisbon",
            9,
            5,
        )
        page.reload()
        expect(page.locator("input[name=length]")).to_have_value("5")

        page.goto(unsubscribe_url(digest))
        assert Subscriber.objects.get().state == Subscriber.State.ACTIVE
        answer = post(unsubscribe_url(digest), data={"List-Unsubscribe": "One-Click"})

    assert (answer.status_code, answer.cookies.get_dict()) == (200, {})
    assert Subscriber.objects.get().state == Subscriber.State.UNSUBSCRIBED
    assert len(sink.messages) == 2
