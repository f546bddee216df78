"""The pages of the API and of webhooks in Chromium: accessible, and not wider than the screen."""

import os
from pathlib import Path

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from digest.hooks import signing
from digest.models import Attempt, Call, Endpoint, Kind, Notice
from tests.browser import DEVICES, LOOKS, NEEDS, SCHEMES, is_too_wide, violations
from tests.browser import browser as browser
from tests.digest.api.tokens import make_token

pytestmark = NEEDS
# Where to leave pictures of the pages, for whoever wants to look at them.
SCREENSHOTS = os.environ.get("SCREENSHOTS", "")
# The label of Django's own search field is a picture.
DJANGO = ["label-title-only"]


def test_the_pages_are_accessible_and_fit_in_light_and_dark(
    browser: Browser, live_server: LiveServer, settings: Settings
) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    paths = {"docs": "/api/v1/docs", **_rows()}
    client = Client()
    client.force_login(User.objects.create_superuser("ada"))
    session = client.cookies["sessionid"].value
    looks = [(d, s) for d in DEVICES for s in SCHEMES] if SCREENSHOTS else LOOKS
    found: dict[str, object] = {}
    for device, scheme in looks:
        context = browser.new_context(**DEVICES[device], color_scheme=scheme)
        _log_in(context, live_server.url, session)
        page = context.new_page()
        for name, path in paths.items():
            page.goto(f"{live_server.url}{path}")
            if name == "secret":
                page.click(".outside-ask summary")
                page.click(".outside-ask form button >> text=Make it")
            if name == "docs":
                page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
            found |= _wrong(page, f"{name}-{device}-{scheme}")
        context.close()

    assert found == {}


def _log_in(context: BrowserContext, url: str, session: str) -> None:
    context.add_cookies([{"name": "sessionid", "value": session, "url": url}])


def _wrong(page: Page, name: str) -> dict[str, object]:
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=True)
    wrong = violations(page, DJANGO)
    # Django's own lists scroll by themselves.
    too_wide = is_too_wide(page) and not name.startswith(("tokens", "calls"))
    return {name: (wrong, too_wide)} if wrong or too_wide else {}


def _rows() -> dict[str, str]:
    """Something to see, and where."""
    make_token(last_used_at=timezone.now())
    old, _ = make_token(name="The old shop", revoked_at=timezone.now())
    endpoint = Endpoint.objects.create(
        name="A CRM",
        url="https://crm.dest.example/a/rather/long/path/to/a/hook",
        kinds=Kind.values,
        salt=signing.new_salt(),
        failing_since=timezone.now(),
    )
    Notice.note(Kind.CLOSED, {"edition": "2026-11-27", "papers": 58})
    Notice.note(Kind.HELD, {"hold": 1, "reason": "Paused by an operator"})
    call = Call.objects.order_by("pk")[0]
    for status, answer in ((503, "<html>Closed for lunch"), (None, "")):
        error = "" if status else "no answer in time"
        Attempt.objects.create(
            call=call, status=status, answer=answer, milliseconds=412, error=error
        )
    return {
        "tokens": "/admin/digest/token/",
        "token": f"/admin/digest/token/{old.pk - 1}/change/",
        "new-token": "/admin/digest/token/add/",
        "endpoints": "/admin/digest/endpoint/",
        "endpoint": f"/admin/digest/endpoint/{endpoint.pk}/change/",
        "secret": f"/admin/digest/endpoint/{endpoint.pk}/change/",
        "calls": "/admin/digest/call/",
        "call": f"/admin/digest/call/{call.pk}/change/",
    }
