"""Helpers for tests with a real browser.

A test module imports the fixture as well: `from tests.browser import NEEDS, browser as browser`.
"""

import shutil
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.db import connections
from playwright.sync_api import Browser, Frame, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-headless-shell")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
# Otherwise another site would need permission to show a frame from this machine.
FLAGS += ["--disable-features=LocalNetworkAccessChecks"]

# The `pytestmark` of a module whose tests all drive a browser.
NEEDS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; `make browser` installs it"),
    pytest.mark.django_db(transaction=True),
]
# Arguments of `Browser.new_context` for each device.
DEVICES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1280, "height": 900}},
}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
# Each device and each scheme once: the width decides the layout, the scheme only the colours.
LOOKS: tuple[tuple[str, Scheme], ...] = (("phone", "dark"), ("desktop", "light"))


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    # Playwright runs an event loop in this thread, so Django thinks it is in an async view.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()
        # With an event loop running, Django opens connections that nothing else closes.
        connections.close_all()


def violations(page: Page | Frame, without: Sequence[str] = ()) -> list[tuple[str, str]]:
    """What axe finds wrong: each rule and the first element that breaks it.

    `without` names rules to leave out.
    """
    rules = {rule: {"enabled": False} for rule in without}
    found = Axe().run(page, options={"resultTypes": ["violations"], "rules": rules})
    return [(rule["id"], rule["nodes"][0]["html"]) for rule in found.response["violations"]]


def is_too_wide(page: Page) -> bool:
    """Whether the page scrolls sideways."""
    assert page.viewport_size is not None
    width = page.evaluate("document.documentElement.scrollWidth")
    return bool(width > page.viewport_size["width"])


def show_elsewhere(page: Page, body: str) -> None:
    """Show a page of another site, over TLS because a frame cannot do the proof of work without."""
    page.route(
        "https://blog.example/**", lambda route: route.fulfill(body=body, content_type="text/html")
    )
    page.goto("https://blog.example/")
