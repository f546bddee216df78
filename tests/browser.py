"""What a test with a real browser needs. It takes the fixture with it:
`from tests.browser import NEEDS, browser as browser`."""

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
# Another site would have to ask before it may show a frame from this machine.
FLAGS += ["--disable-features=LocalNetworkAccessChecks"]

# For `pytestmark` of a module whose tests all drive a browser.
NEEDS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here; `make browser` installs it"),
    pytest.mark.django_db(transaction=True),
]
# What `Browser.new_context` takes to be one of these.
DEVICES: dict[str, dict[str, Any]] = {
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
    "desktop": {"viewport": {"width": 1280, "height": 900}},
}
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


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


def violations(page: Page | Frame, without: Sequence[str] = ()) -> list[tuple[str, str]]:
    """What axe finds wrong: each rule, and the first element that breaks it.

    `without` are the names of rules to leave out.
    """
    rules = {rule: {"enabled": False} for rule in without}
    found = Axe().run(page, options={"resultTypes": ["violations"], "rules": rules})
    return [(rule["id"], rule["nodes"][0]["html"]) for rule in found.response["violations"]]


def is_too_wide(page: Page) -> bool:
    """Whether one would have to scroll sideways."""
    assert page.viewport_size is not None
    width = page.evaluate("document.documentElement.scrollWidth")
    return bool(width > page.viewport_size["width"])


def show_elsewhere(page: Page, body: str) -> None:
    """A page of another site. With TLS, without which a frame in it may not compute."""
    page.route(
        "https://blog.example/**", lambda route: route.fulfill(body=body, content_type="text/html")
    )
    page.goto("https://blog.example/")
