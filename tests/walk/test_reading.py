"""What a long-standing reader does: set preferences, vote, move, pause, download, erase."""

import json
from datetime import date, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, expect

from digest.models import Digest, Saved, Vote
from subscribers import links
from subscribers.models import Link, Subscriber, Subscription, Term
from tests.browser import NEEDS
from tests.browser import browser as browser
from tests.digest.sent import edition_of
from tests.walk import READER, Walk, mail
from tests.walk import device as device
from tests.walk import reader as reader
from tests.walk import site as site
from tests.walk import walk as walk

pytestmark = NEEDS
NEW = "new@dest.example"


@pytest.mark.parametrize("device", ["desktop"])
def test_preferences_are_saved_and_shown_again(walk: Walk, reader: Subscriber) -> None:
    until = timezone.now().date() + timedelta(days=20)
    walk.read(1)
    walk.follow("Preferences")

    unfold(walk)
    for topic, step in WISHES.items():
        step_of(walk, topic, step).check()
    for label, text in ENTRIES.items():
        walk.page.get_by_label(label).fill(text)
    walk.page.get_by_label("Pause until").fill(until.isoformat())
    walk.press("Preview")
    preview = walk.page.get_by_role("region", name="With these preferences")
    expect(preview.get_by_role("listitem")).to_have_count(5)
    assert not Term.objects.exists()
    walk.press("Save")

    expect(walk.page.get_by_role("status")).to_contain_text("Saved. Your next digest comes")
    for topic, step in WISHES.items():
        expect(step_of(walk, topic, step)).to_be_checked()
    for label, text in ENTRIES.items():
        expect(walk.page.get_by_label(label)).to_have_value(text)
    emphases = Subscription.objects.values_list("topic__slug", "emphasis")
    assert dict(emphases) == {"retrieval": 1, "robotics": -1, "speech-audio": -2}
    assert Term.objects.get(is_muted=True).text == "quantum"
    assert set_by(reader) == (5, until, until)
    walk.press("Resume now")
    expect(walk.page.get_by_role("status")).to_contain_text("Welcome back. Your next digest comes")
    assert set_by(reader) == (5, None, timezone.now().date() + timedelta(days=1))


def unfold(walk: Walk) -> None:
    closed = walk.page.locator("form details:not([open]) > summary")
    while closed.count():
        closed.first.click()


WISHES = {
    "Search and retrieval": "More",
    "Robotics and embodied AI": "Less",
    "Speech, audio and music": "Never",
}
ENTRIES = {"Keywords to mute": "quantum", "Maximum number of papers": "5"}


def set_by(reader: Subscriber) -> tuple[int, date | None, date]:
    """The length of their digest, the date until which it is paused, and that of the next one."""
    reader.refresh_from_db()
    assert reader.next_due_at is not None
    return reader.length, reader.paused_until, reader.next_due_at.date()


def step_of(walk: Walk, topic: str, step: str) -> Locator:
    return walk.page.get_by_role("radiogroup", name=topic).get_by_label(step, exact=True)


def test_a_vote_is_given_undone_and_given_to_another_paper(walk: Walk, reader: Subscriber) -> None:
    walk.read(1)

    walk.follow("More like this")
    walk.sees("More like this?")
    assert not Vote.objects.exists()
    walk.press("More like this")
    walk.sees("You will get more like this")
    assert Vote.objects.get().value == Vote.Value.MORE
    walk.press("Undo")
    assert not Vote.objects.exists()
    walk.press("Less")  # on the next paper of the same digest
    walk.sees("You will get less like this")

    vote = Vote.objects.get(subscriber=reader)
    assert (vote.paper_id, vote.value) == (Digest.objects.get().paper_ids[1], Vote.Value.LESS)
    walk.read(1)
    vote_and_save_on_the_web(walk, Digest.objects.get().paper_ids)


def vote_and_save_on_the_web(walk: Walk, paper_ids: list[int]) -> None:
    """From the mail to the digest on the web, to the rest of the day, and to what was saved."""
    walk.follow("Save")
    walk.press("Save")
    walk.sees("Saved")
    walk.page.get_by_label("Your note").fill("Table 3")
    walk.press("Save the note")
    walk.read(1)
    walk.follow("Read on the web")
    third = walk.page.locator(f"#paper-{paper_ids[2]}")
    for button in ("More like this", "Save"):
        with walk.page.expect_navigation():
            third.get_by_role("button", name=button, exact=True).click()
    expect(third.get_by_role("button", name="More like this")).to_have_attribute(
        "aria-pressed", "true"
    )
    walk.follow("The rest of the day, in your order")
    walk.page.go_back()
    walk.follow("Saved papers")
    with walk.page.expect_download() as download:
        walk.page.get_by_role("link", name="BibTeX").click()

    text = download.value.path().read_text()
    assert (text.count("@misc{"), text.count("note = {Table 3}")) == (2, 1)
    assert Vote.objects.get(paper=paper_ids[2]).value == Vote.Value.MORE
    assert set(Saved.objects.values_list("paper_id", flat=True)) == {paper_ids[0], paper_ids[2]}


def test_digests_move_once_the_new_address_has_confirmed(walk: Walk, reader: Subscriber) -> None:
    walk.read(1)
    walk.follow("Preferences")
    walk.press("Email a link to r***@dest.example")
    expect(walk.page.get_by_role("status")).to_contain_text("a new link is on its way")
    walk.read(2)
    walk.follow("Open your preferences")

    walk.follow("Move your digests to another address")
    walk.page.get_by_label("Your new email address").fill(NEW)
    walk.press("Send the confirmation")
    walk.read(3)
    walk.follow("Confirm on the next page")
    assert Subscriber.objects.get().email == READER
    walk.press("Yes, send them here")
    walk.sees("Done: your address has changed")
    walk.read(4)

    assert Subscriber.objects.get().email == NEW
    assert walk.page.get_by_role("heading", level=1).inner_text() == "Your address has changed"
    recipients = [recipient for received in walk.sink.messages for recipient in received.recipients]
    assert recipients == [READER, READER, NEW, READER]


@pytest.mark.parametrize("device", ["desktop"])
def test_a_reader_downloads_everything_and_is_erased(walk: Walk, reader: Subscriber) -> None:
    mail(walk.sink, 1)
    now = timezone.now()
    own_link = links.issue(reader, Link.Purpose.PREFERENCES, links.FRESH_LIFETIME, now)

    walk.go(own_link)
    with walk.page.expect_download() as download:
        walk.page.get_by_role("link", name="Download everything").click()
    walk.follow("Erase everything about you")
    walk.press("Erase everything")
    walk.sees("Everything has been erased")

    known = json.loads(download.value.path().read_text())
    digest = Digest.objects.get()
    assert known["reader"]["email"] == READER
    assert [kept["edition"] for kept in known["digests"]] == [edition_of(digest).date.isoformat()]
    assert len(known["digests"][0]["papers"]) == 10
    assert not Subscriber.objects.exists()
    walk.go(own_link)
    walk.sees("This link does not work")
