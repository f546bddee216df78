"""Today in Chromium: accessible, and nothing wider than the screen, in light and dark."""

import os
from functools import partial
from pathlib import Path

from django.contrib.auth.models import User
from playwright.sync_api import Browser, ConsoleMessage, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from digest.desk.today import broker
from tests.browser import DEVICES, NEEDS, SCHEMES, is_too_wide, violations
from tests.browser import browser as browser
from tests.digest.desk.scene import a_morning

pytestmark = NEEDS
PAGES = ("", "tables/", "digest/hold/", "digest/digest/")
# Where to leave pictures of the pages, for whoever wants to look at them.
PICTURES = os.environ.get("PICTURES", "")
# The label of Django's own search field is a picture.
DJANGO = ["label-title-only"]


def test_the_desk_is_accessible_and_fits_in_light_and_dark(
    browser: Browser, live_server: LiveServer, settings: Settings, client: object
) -> None:
    settings.SOURCES = ["huggingface", "arxiv"]
    settings.MAIL_PER_DAY = {"": 50_000}
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    a_morning(held=True)
    broker.client().flushdb()
    broker._said_at = float("-inf")
    broker.say_alive("ticks-letters@host", ["ticks", "letters"])
    User.objects.create_superuser("ada", password="a long enough password")
    found: dict[str, object] = {}
    state = None
    for device, size in DEVICES.items():
        for scheme in SCHEMES:
            context = browser.new_context(**size, color_scheme=scheme, storage_state=state)
            page = context.new_page()
            said: list[str] = []
            page.on("console", partial(_note, said))
            if state is None:
                page.goto(f"{live_server.url}/admin/")
                _picture(page, f"login-{device}-{scheme}")
                page.fill("#id_username", "ada")
                page.fill("#id_password", "a long enough password")
                page.click("[type=submit]")
                state = context.storage_state()
            for path in PAGES:
                page.goto(f"{live_server.url}/admin/{path}")
                wrong = violations(page, DJANGO if path else ())
                _picture(page, f"{path.strip('/').replace('/', '-') or 'today'}-{device}-{scheme}")
                if wrong or said or (not path and is_too_wide(page)):
                    found[f"{path} {device} {scheme}"] = (wrong, said[:2], is_too_wide(page))
                said.clear()
            context.close()

    assert found == {}


def _note(said: list[str], message: ConsoleMessage) -> None:
    said.append(message.text)


def _picture(page: Page, name: str) -> None:
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)
