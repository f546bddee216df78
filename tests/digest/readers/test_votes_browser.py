"""Scanners that open every link in a mail and run the pages' scripts, against the real site."""

import re
from typing import Any

import requests
from django.db.models import Model
from playwright.sync_api import Browser, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from digest.models import Click, Vote
from subscribers.models import Consent, Subscriber, Subscription, Term
from tests.browser import NEEDS
from tests.browser import browser as browser
from tests.digest.sent import html_part, mail_of, sent_digest, vote_path
from tests.factories import make_paper, make_topic

pytestmark = NEEDS


def everything_kept() -> list[list[dict[str, Any]]]:
    """Return everything stored about what readers want."""
    models: list[type[Model]] = [Vote, Click, Subscriber, Subscription, Term, Consent]
    return [list(model._default_manager.order_by("pk").values()) for model in models]


def test_a_scanner_that_runs_scripts_changes_nothing(
    browser: Browser, settings: Settings, live_server: LiveServer
) -> None:
    settings.SITE_URL = live_server.url
    html = html_part(mail_of(sent_digest()))
    addresses = {
        address.replace("&amp;", "&")
        for address in re.findall(r'href="([^"]*)"', html)
        if re.match(rf"{live_server.url}/[a-z]/", address)
    }
    before = everything_kept()

    page = browser.new_page()
    for address in sorted(addresses):
        assert requests.head(address, timeout=10).status_code == 200
        page.goto(address, wait_until="networkidle")

    # Read, saved papers, preferences, unsubscribe; each paper's two votes and "Save".
    assert len(addresses) == 4 + 3 * 3
    assert everything_kept() == before


def test_a_reader_votes_and_mutes_by_keyboard(
    browser: Browser, settings: Settings, live_server: LiveServer
) -> None:
    settings.SITE_URL = live_server.url
    digest = sent_digest([make_paper() for _ in range(3)], topic=make_topic(name="Retrieval"))
    page = browser.new_page()

    page.goto(f"{live_server.url}{vote_path(digest)}?w=more")
    page.get_by_role("button", name="More like this").press("Enter")
    expect(page.get_by_role("status")).to_be_visible()
    page.locator("summary").press("Enter")
    page.get_by_role("button", name="Mute Retrieval").press("Enter")
    expect(page.get_by_role("button", name="Muted: Retrieval. Undo")).to_be_visible()
    page.get_by_role("button", name="Less", exact=True).first.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("You will get less like this")

    assert list(Vote.objects.order_by("id").values_list("paper_id", "value")) == [
        (digest.paper_ids[0], 1),
        (digest.paper_ids[1], -1),
    ]
    assert Subscription.objects.get().emphasis == Subscription.Emphasis.MUTED
