"""The page in Chromium, with what it found: accessible, and nothing wider than the screen."""

import os
from pathlib import Path

import dns.resolver
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from tests.browser import DEVICES, NEEDS, SCHEMES, is_too_wide, violations
from tests.browser import browser as browser
from tests.dns_server import DnsServer

from .conftest import DOMAIN

pytestmark = NEEDS
PICTURES = os.environ.get("PICTURES", "")


def test_the_page_is_accessible_and_fits(
    browser: Browser,
    live_server: LiveServer,
    good: Settings,
    names: DnsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    good.SESSION_COOKIE_SECURE = good.CSRF_COOKIE_SECURE = False
    ours = dns.resolver.Resolver(configure=False)
    ours.nameservers, ours.port = ["127.0.0.1"], names.port
    monkeypatch.setattr(dns.resolver, "default_resolver", ours)
    names.put(DOMAIN, "TXT")
    User.objects.create_superuser("ada", password="a long enough password")
    found: dict[str, object] = {}
    state = None
    for device, size in DEVICES.items():
        for scheme in SCHEMES:
            context = browser.new_context(**size, color_scheme=scheme, storage_state=state)
            page = context.new_page()
            page.goto(f"{live_server.url}/admin/delivery/")
            if state is None:
                page.fill("#id_username", "ada")
                page.fill("#id_password", "a long enough password")
                page.click("[type=submit]")
                state = context.storage_state()
            page.get_by_role("button", name="Check now").click()
            page.get_by_role("heading", name="Wrong").wait_for()
            if PICTURES:
                path = Path(PICTURES) / f"delivery-{device}-{scheme}.png"
                page.screenshot(path=path, full_page=True)
            if (wrong := violations(page)) or is_too_wide(page):
                found[f"{device} {scheme}"] = (wrong, is_too_wide(page))
            context.close()

    assert found == {}
