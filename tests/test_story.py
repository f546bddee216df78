"""The whole story as its reader lives it: Chromium, a Celery worker, PostgreSQL, Redis, SMTP."""

import re
import shutil
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests
from django.db import connections
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect, sync_playwright
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from digest import editions, intake
from digest.models import Digest
from digest.sources import Download, get_source
from subscribers.models import Subscriber
from tests.contract import check_digest, html_of, unsubscribe_url
from tests.factories import starter_topics
from tests.smtp_sink import Sink
from tests.workers import flush_redis, wait_until, worker

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-headless-shell")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; `make browser` installs it"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    # Playwright keeps an event loop in this thread, which Django takes for an async view's.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
        # Beside an event loop Django opens connections that nobody else would close.
        connections.close_all()


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page(timezone_id="Europe/Lisbon")


def make_edition_of_the_sample() -> None:
    now = timezone.now()
    intake.store("sample", get_source("sample").fetch(None, _no_network), seen_at=now)
    editions.close(now.date(), now=now)


def _no_network(url: str) -> Download:
    raise AssertionError(f"{url} was asked for")


def mail(sink: Sink, number: int) -> EmailMessage:
    """The `number`th mail that arrived, as soon as it has."""
    wait_until(lambda: len(sink.messages) >= number, seconds=60, what=f"mail {number}")
    message = message_from_bytes(sink.messages[number - 1].content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def link_in(message: EmailMessage, path: str) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    match = re.search(rf"http\S+/{path}/[\w-]+", str(body.get_content()))
    assert match, f"a link to /{path}/"
    return match.group()


def sign_up(page: Page, site: str) -> None:
    page.goto(site)
    page.get_by_label("Your e-mail address").fill("reader@dest.example")
    page.get_by_label("Search and retrieval").check()
    page.get_by_label("Language models and pretraining").check()
    page.wait_for_timeout(2500)  # nobody fills in a form in less
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.url.endswith("/signup/check-your-inbox/")


def set_preferences(page: Page) -> None:
    page.get_by_label("Papers").fill("5")
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
        # The first digest comes at once, with ten papers, for nothing else was asked for yet.
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
        expect(page.get_by_label("Papers")).to_have_value("5")

        page.goto(unsubscribe_url(digest))
        assert Subscriber.objects.get().state == Subscriber.State.ACTIVE
        answer = requests.post(
            unsubscribe_url(digest),
            data={"List-Unsubscribe": "One-Click"},
            allow_redirects=False,
            timeout=10,
        )

    assert (answer.status_code, answer.cookies.get_dict()) == (200, {})
    assert Subscriber.objects.get().state == Subscriber.State.UNSUBSCRIBED
    assert len(sink.messages) == 2
