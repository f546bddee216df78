"""Three ways in, each up to the first digest, and three ways out, each starting from it."""

import re
from email.message import EmailMessage

import pytest
from playwright.sync_api import FrameLocator, Page, expect
from pytest_django import Settings

from digest.models import Digest, Vote
from digest.readers import ratings
from subscribers.models import Consent, Subscriber
from tests.browser import NEEDS, SCHEMES, show_elsewhere, violations
from tests.browser import browser as browser
from tests.contract import check_digest, html_of, unsubscribe_url
from tests.walk import FILLING, READER, Walk, post
from tests.walk import device as device
from tests.walk import site as site
from tests.walk import walk as walk

pytestmark = NEEDS


def test_in_through_the_front_page_and_out_through_the_page(walk: Walk) -> None:
    walk.go(walk.site)
    fill_in(walk.page)
    walk.page.wait_for_timeout(FILLING)
    walk.press("Sign up")
    walk.sees("Check your inbox")
    confirm_and_read(walk, zone="Europe/Lisbon", rates=True)

    walk.follow("Unsubscribe")
    walk.sees("Stop all digests?")
    assert Subscriber.objects.get().state == Subscriber.State.ACTIVE
    walk.press("Unsubscribe")
    walk.sees("You are unsubscribed")

    assert_left_by(Consent.Act.UNSUBSCRIBED)


@pytest.mark.parametrize("device", ["desktop"])
def test_in_through_a_frame_on_another_site_and_out_through_the_mail_program(walk: Walk) -> None:
    walk.go(f"{walk.site}/signup/embed/")
    show_elsewhere(walk.page, walk.page.get_by_label("HTML to copy").last.input_value())
    form = walk.page.frame_locator("iframe")
    fill_in(form)
    look_into_the_frame(walk.page)
    walk.page.wait_for_timeout(FILLING)
    form.get_by_role("button", name="Sign up").click()
    expect(form.get_by_role("heading", level=1)).to_have_text("Check your inbox")
    look_into_the_frame(walk.page)
    assert walk.page.url == "https://blog.example/"
    digest = confirm_and_read(walk, zone="Europe/Lisbon")

    answer = post(unsubscribe_url(digest), data={"List-Unsubscribe": "One-Click"})

    assert (answer.status_code, answer.cookies.get_dict()) == (200, {})
    assert_left_by(Consent.Act.ONE_CLICK)


def test_in_through_json_and_out_through_a_mail_to_the_address_in_the_header(
    walk: Walk, settings: Settings
) -> None:
    settings.ANYMAIL = {"WEBHOOK_SECRET": "us:secret"}
    wanted = {"email": READER, "topics": ["retrieval"], "zone": "Asia/Tokyo"}
    assert post(f"{walk.site}/api/signup", json=wanted).status_code == 202
    address = unsubscribe_address(confirm_and_read(walk, zone="Asia/Tokyo"))

    answer = post(
        f"{walk.site}/webhooks/postmark/inbound/",
        json={"From": READER, "To": address, "OriginalRecipient": address, "Headers": []},
        auth=("us", "secret"),
    )

    assert answer.status_code == 200
    assert_left_by(Consent.Act.BY_MAIL)


# --- the steps -----------------------------------------------------------------------------
def fill_in(form: Page | FrameLocator) -> None:
    form.get_by_label("Your email address").fill(READER)
    form.get_by_text("Choose topics").click()
    form.get_by_label("Search and retrieval").check()


def look_into_the_frame(page: Page) -> None:
    """Check only the frame, because the page around it is not ours."""
    inside = page.frames[1]
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        assert violations(inside) == [], scheme


def rate_papers(walk: Walk) -> None:
    """Rate two of the papers that the page after confirming offers, and look at the next page."""
    walk.follow("Rate a few papers")
    assert walk.page.get_by_role("radiogroup").count() == ratings.NUMBER
    assert Vote.objects.count() == 0
    walk.page.get_by_role("radio", name="More").first.check()
    walk.page.get_by_role("radio", name="Less").last.check()
    walk.press("Save")
    saved = f"Saved: 1 of {ratings.ENOUGH} marked."
    expect(walk.page.get_by_role("status")).to_have_text(saved)
    values = Vote.objects.order_by("-value").values_list("value", flat=True)
    assert list(values) == [Vote.Value.MORE, Vote.Value.LESS]


def confirm_and_read(walk: Walk, *, zone: str, rates: bool = False) -> EmailMessage:
    """From the confirmation mail to the first digest. Only pressing the button confirms."""
    walk.read(1)
    walk.follow("Confirm on the next page")
    assert Subscriber.objects.get().state == Subscriber.State.PENDING
    walk.press("Yes, send me digests")
    walk.sees("You are subscribed")
    if rates:
        rate_papers(walk)

    digest = walk.read(2)

    check_digest(walk.sink.messages[1].content)
    assert "Welcome! Here is your first digest: 10 papers" in html_of(digest)
    assert [received.recipients for received in walk.sink.messages] == [[READER], [READER]]
    reader = Subscriber.objects.get()
    assert (reader.state, reader.email, reader.zone) == (Subscriber.State.ACTIVE, READER, zone)
    assert [topic.slug for topic in reader.topics.all()] == ["retrieval"]
    assert Digest.objects.get().subscriber == reader
    return digest


def unsubscribe_address(message: EmailMessage) -> str:
    match = re.search(r"<mailto:([^>?]+)", str(message["List-Unsubscribe"]))
    assert match, "List-Unsubscribe has no mailto address"
    return match.group(1)


def assert_left_by(act: Consent.Act) -> None:
    """Assert that the reader has unsubscribed, and how."""
    reader = Subscriber.objects.get()
    assert (reader.state, reader.next_due_at) == (Subscriber.State.UNSUBSCRIBED, None)
    assert Consent.objects.filter(subscriber=reader).latest("pk").act == act
