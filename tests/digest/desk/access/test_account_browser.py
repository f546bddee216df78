"""An operator's account in a real browser, which pretends to be an authenticator as well."""

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from digest.desk import audit
from digest.models import Factor
from tests.browser import DEVICES, NEEDS, SCHEMES, is_too_wide, violations
from tests.browser import browser as browser
from tests.digest.desk.access.people import user_of

pytestmark = NEEDS
PASSWORD = "a right password"
SETTLED = "Promise.allSettled(document.getAnimations().map(one => one.finished))"
SHOTS: Path | None = None


@pytest.fixture
def page(browser: Browser, live_server: LiveServer, settings: Settings) -> Iterator[Page]:
    # Browsers have passkeys for localhost without HTTPS, but not for an address.
    settings.SITE_URL = live_server.url.replace("127.0.0.1", "localhost")
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.SECOND_FACTOR_FOR = ["operator", "owner"]
    context = browser.new_context(**DEVICES["desktop"], base_url=settings.SITE_URL)
    page = context.new_page()
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield page
    context.close()


@pytest.fixture
def ada() -> User:
    user = user_of("owner", "ada")
    user.set_password(PASSWORD)
    user.save()
    return user


def look(page: Page, name: str) -> None:
    """Assert that axe finds nothing and nothing is too wide, on a phone and on a desktop."""
    for device, scheme in zip(DEVICES, SCHEMES, strict=True):
        page.set_viewport_size(DEVICES[device]["viewport"])
        page.emulate_media(color_scheme=scheme)
        page.evaluate(SETTLED)
        if SHOTS:
            page.screenshot(path=SHOTS / f"{name}-{device}.png", full_page=True)
        assert violations(page) == [], f"{name}, {device}, {scheme}"
        assert not is_too_wide(page), f"{name}, {device}"


def log_in(page: Page) -> None:
    page.goto("/admin/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def log_out(page: Page) -> None:
    page.get_by_role("button", name="Log out", exact=True).click()


def test_an_owner_adds_a_passkey_and_an_app_and_logs_in_with_each(page: Page, ada: User) -> None:
    log_in(page)
    expect(page.get_by_text("Please add a second factor.")).to_be_visible()
    look(page, "account-needed")

    page.get_by_role("link", name="Add a passkey").click()
    look(page, "passkey")
    page.get_by_label("Name, for example").fill("This computer")
    page.get_by_role("button", name="Make a passkey").click()
    expect(page.locator(".codes li")).to_have_count(10)
    look(page, "codes")
    code = page.locator(".codes li").first.inner_text()
    page.get_by_role("link", name="I have them").click()
    expect(page.get_by_text("This computer")).to_be_visible()
    log_out(page)

    log_in(page)
    look(page, "second-step")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Today")).to_be_visible()

    page.goto("/admin/account/app/")
    expect(page.get_by_role("heading", name="Please confirm that it is you")).to_be_visible()
    look(page, "confirm")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Add an authenticator app")).to_be_visible()
    look(page, "app")
    key = page.locator(".key").inner_text().replace(" ", "")
    page.get_by_role("textbox", name="Code").fill(pyotp.TOTP(key).now())
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_text("“Authenticator app” is added.")).to_be_visible()
    look(page, "account")
    log_out(page)

    log_in(page)
    page.get_by_role("textbox", name="Code").fill(code)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Today")).to_be_visible()
    assert set(Factor.objects.values_list("kind", flat=True)) == {"passkey", "app"}
    its_colleagues(page, ada)


def its_colleagues(page: Page, ada: User) -> None:
    """The pages of users, and of what they did."""
    bob = user_of("operator", "bob")
    Factor.objects.create(user=bob, kind="app", name="Phone", secret=b"x")
    audit.record(bob, "edition.pause", on=("digest.edition", 3), day="2026-11-27")
    audit.record(bob, "paper.pin", on=("digest.paper", 5), result=audit.REFUSED, why="No more.")
    page.goto(f"/admin/auth/user/{bob.pk}/change/")
    look(page, "user")
    page.get_by_label("editor:").check()
    page.get_by_role("button", name="Save", exact=True).click()
    page.goto(f"/admin/auth/user/{bob.pk}/change/")
    page.get_by_role("button", name="Reset the second factor").click()
    expect(page.get_by_text("bob has no second factor.")).to_be_visible()
    page.get_by_role("link", name="What operators did").first.click()
    look(page, "log")
    expect(page.get_by_role("link", name="factor.reset")).to_be_visible()
    page.get_by_label("Who").fill("bob")
    page.get_by_role("button", name="Find").click()
    expect(page.locator("table.log tbody tr")).to_have_count(2)
