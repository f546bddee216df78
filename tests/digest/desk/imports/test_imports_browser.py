"""A file that a browser's script sends in pieces, in Chromium; the pages are accessible and fit."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as used
from django.test import Client
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from subscribers.importing import uploads, working
from subscribers.models import Subscriber
from tests.browser import DEVICES, NEEDS, SCHEMES, is_too_wide, violations
from tests.browser import browser as browser

from .conftest import BASIS, ROWS

pytestmark = NEEDS
# Where to leave pictures of the pages, for whoever wants to look at them.
SHOTS = os.environ.get("SHOTS", "")


@pytest.fixture
def page(
    browser: Browser, live_server: LiveServer, settings: Settings, admin_client: Client
) -> Iterator[Page]:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    context = browser.new_context(**DEVICES["desktop"])
    value = admin_client.cookies[used.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": used.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}]
    )
    yield context.new_page()
    context.close()


def look(page: Page, name: str) -> None:
    """Assert that axe finds nothing and nothing is too wide, on a phone and on a desktop."""
    for device, scheme in zip(DEVICES, SCHEMES, strict=True):
        page.set_viewport_size(DEVICES[device]["viewport"])
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(50)
        if SHOTS:
            page.screenshot(path=Path(SHOTS) / f"{name}-{device}.png", full_page=True)
        assert violations(page) == [], f"{name}, {device}, {scheme}"
        assert not is_too_wide(page), f"{name}, {device}"


def test_a_file_is_uploaded_checked_and_imported(
    page: Page, live_server: LiveServer, tmp_path: Path
) -> None:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    path = tmp_path / "old.csv"
    path.write_text("\n".join(ROWS))
    assert path.stat().st_size > 3 * uploads.PIECE

    page.goto(f"{live_server.url}/admin/imports/")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    page.get_by_label("How and when these readers consented").fill(BASIS)
    look(page, "imports-file")
    page.get_by_role("button", name="Check, without importing").click()
    expect(page.get_by_role("progressbar")).to_be_visible()
    working.work()
    page.reload()
    expect(page.get_by_text("has consented")).to_be_visible()
    look(page, "imports-checked")
    page.locator("summary", has_text="Import").click()
    with page.expect_navigation():
        page.get_by_role("button", name="Yes, import").click()
    working.work()
    page.get_by_role("link", name="Imports").first.click()
    expect(page.get_by_text(BASIS)).to_be_visible()
    look(page, "imports")

    assert Subscriber.objects.count() == 3
    assert said == []
