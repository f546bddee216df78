"""An operator's morning in a real browser, with a real worker and mail server.

The clock of the worker stands still after its first tick, so whatever goes out was started by a
button.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as used
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from digest.desk.editions import forecasts
from digest.models import Digest, Edition, Heartbeat, Hold, Paper
from subscribers.models import Subscriber, Topic
from tests.browser import DEVICES, NEEDS, SCHEMES, is_too_wide, violations
from tests.browser import browser as browser
from tests.contract import html_of, parsed
from tests.factories import LONG_AFTER, make_digest, make_paper, make_reader, make_topic
from tests.smtp_sink import Sink
from tests.workers import flush_redis, wait_until, worker

pytestmark = NEEDS
SETTLED = """async () => {
    await new Promise(requestAnimationFrame);
    await Promise.allSettled(document.getAnimations().map(one => one.finished));
}"""
QUIET = {"TICK_SECONDS": "600", "EDITION_CLOSES_HOUR": "0"}


@pytest.fixture
def topic() -> Topic:
    topic = make_topic(name="Walruses", seed_terms=["walruses"])
    for number in range(6):
        make_paper(title=f"Walruses number {number} and their habits", votes=10 * number)
    return topic


@pytest.fixture
def page(
    browser: Browser, live_server: LiveServer, settings: Settings, admin_client: Client
) -> Iterator[Page]:
    """A page of the admin, with an operator who has signed in."""
    settings.SITE_URL = live_server.url
    settings.EDITION_CLOSES_HOUR = 0
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    context = browser.new_context(**DEVICES["desktop"])
    value = admin_client.cookies[used.SESSION_COOKIE_NAME].value
    context.add_cookies(
        [{"name": used.SESSION_COOKIE_NAME, "value": value, "url": live_server.url}]
    )
    yield context.new_page()
    context.close()


def press(page: Page, label: str, yes: str) -> None:
    """Press a button that asks once."""
    page.locator("details.ask > summary", has_text=label).first.click()
    with page.expect_navigation():
        page.get_by_role("button", name=yes).click()


def told(page: Page, words: str) -> None:
    expect(page.locator("ul.messagelist")).to_contain_text(words)


def look(page: Page, name: str) -> None:
    """Assert that axe finds nothing and nothing is too wide, on a phone and on a desktop."""
    for device, scheme in zip(DEVICES, SCHEMES, strict=True):
        page.set_viewport_size(DEVICES[device]["viewport"])
        page.emulate_media(color_scheme=scheme)
        # The admin's links change their colours slowly.
        page.evaluate(SETTLED)
        assert violations(page) == [], f"{name}, {device}, {scheme}"
        assert not is_too_wide(page), f"{name}, {device}"


def test_an_operators_morning(
    page: Page, live_server: LiveServer, sink: Sink, topic: Topic, tmp_path: Path
) -> None:
    flush_redis()
    readers = [make_reader(topic, email=f"ada{n}@dest.example", length=4) for n in range(2)]
    Subscriber.objects.filter(pk=readers[1].pk).update(next_due_at=LONG_AFTER)
    page.goto(f"{live_server.url}/admin/digest/edition/desk/")

    press(page, "Hold", "Yes, hold it")
    told(page, "The edition is held until somebody approves it.")
    expect(page.get_by_text("an operator holds it until it is approved.")).to_be_visible()
    page.get_by_role("button", name="Work it out").click()

    with worker(tmp_path, queues="ticks,letters,digests,chores", **QUIET):
        wait_until(Heartbeat.objects.exists, seconds=60, what="the first tick")
        wait_until(lambda: forecasts.make_all() == 0 and is_forecast(), seconds=60, what="forecast")
        assert not Edition.objects.closed().exists()
        pin_and_annotate(page)
        look(page, "desk")
        preview(page)

        page.goto(f"{live_server.url}/admin/digest/edition/desk/")
        press(page, "Approve", "Yes, approve it")
        told(page, "The edition is approved and has closed.")
        wait_until(lambda: len(sink.messages) == 1, seconds=60, what="the first mail")
        html = html_of(parsed(sink.messages[0].content))
        assert html.index("Walruses number 1") < html.index("Chosen for being short.")
        assert "Chosen by the editor" in html

        pause_and_resume(page, sink, readers[1])
        retry(page, sink, topic)
        look(page, "run")
    why_not(page, topic)


def is_forecast() -> bool:
    forecast = forecasts.of(timezone.now().date())
    return forecast is not None and not forecast.is_awaited


def pin_and_annotate(page: Page) -> None:
    chosen = Paper.objects.get(title__contains="number 1")
    page.reload()
    expect(page.get_by_text("of 1 readers would get it").first).to_be_visible()
    card = page.locator(f"#paper-{chosen.pk}")
    card.get_by_role("button", name="Pin").click()
    told(page, "Pinned.")
    card.get_by_text("Note and summary").click()
    card.get_by_label("Note, in the mail and on the page").fill("Chosen for being short.")
    card.get_by_role("button", name="Save").click()
    told(page, "Saved.")
    expect(page.locator(".candidate").first).to_contain_text("Pinned no. 1")
    expect(page.locator(".candidate").first).to_contain_text("Chosen for being short.")


def preview(page: Page) -> None:
    page.get_by_role("link", name="Preview as a reader").click()
    look(page, "readers")
    page.get_by_role("link", name="ada0@dest.example").click()
    mail = page.frame_locator("iframe.mail")
    expect(mail.get_by_text("Chosen for being short.")).to_be_visible()
    expect(mail.get_by_text("Chosen by the editor")).to_be_visible()
    expect(page.get_by_text("As it would be sent if the edition closed now.")).to_be_visible()
    # Its own sheet of styles applies, and nothing was refused.
    size = mail.locator(".nameplate").evaluate("element => getComputedStyle(element).textAlign")
    assert size == "center"
    page.locator("summary", has_text="Headers").press("Enter")
    expect(page.get_by_text("List-Unsubscribe-Post")).to_be_visible()
    look(page, "preview")


def pause_and_resume(page: Page, sink: Sink, reader: Subscriber) -> None:
    press(page, "Pause", "Yes, pause")
    told(page, "Sending is paused.")
    assert Hold.objects.active().count() == 1
    Subscriber.objects.filter(pk=reader.pk).update(next_due_at=timezone.now())
    press(page, "Resume", "Yes, resume")
    told(page, "Sending goes on.")
    wait_until(lambda: len(sink.messages) == 2, seconds=60, what="the second mail")


def retry(page: Page, sink: Sink, topic: Topic) -> None:
    edition, now = Edition.objects.get(), timezone.now()
    refused = make_reader(topic, next_due_at=LONG_AFTER)
    make_digest(edition, refused, state=Digest.State.FAILED, handed_over_at=now)
    press(page, "Retry failed", "Yes, try again")
    told(page, "Digests that get another try: 1.")
    wait_until(lambda: len(sink.messages) == 3, seconds=60, what="the third mail")


def why_not(page: Page, topic: Topic) -> None:
    """“Why did she not get it?”, asked by an address, and what can be done for her."""
    eve = make_reader(topic, email="eve@dest.example", next_due_at=LONG_AFTER)
    thin = {"state": Digest.State.SKIPPED, "skip_reason": Digest.SkipReason.THIN}
    make_digest(Edition.objects.get(), eve, **thin)
    page.get_by_role("link", name="People").click()
    page.get_by_label("Reader: an address, or a number").fill("Eve@Dest.Example")
    page.get_by_role("button", name="Find").click()
    answer = page.locator(".answer")
    expect(answer).to_contain_text("Today’s digest: not sent at")
    expect(answer).to_contain_text("because fewer than 3 papers fit")
    press(page, "Suppress", "Yes, suppress it")
    told(page, "The address is suppressed")
    expect(answer).to_contain_text("Next: none, because the address has been suppressed")
    look(page, "person")
    press(page, "Lift the suppression", "Yes, lift it")
    expect(answer).to_contain_text("Next: ")
