"""Without a mouse: in and out with Tab, Space and Enter, with the focus visible throughout."""

from typing import Literal

import pytest
from playwright.sync_api import Locator

from subscribers.models import Subscriber
from tests.browser import NEEDS
from tests.browser import browser as browser
from tests.walk import FILLING, READER, Walk
from tests.walk import device as device
from tests.walk import site as site
from tests.walk import walk as walk

pytestmark = NEEDS
MOST_STOPS = 60
# The focused element is on the screen and has an outline.
IS_FOCUS_VISIBLE = """() => {
  const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
  return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0
    && box.width > 0 && box.bottom > 0 && box.top < innerHeight;
}"""


def go_to(walk: Walk, wanted: Locator, tab: str = "Tab") -> None:
    """Press Tab until `wanted` has the focus, which must be visible at every stop."""
    for _ in range(MOST_STOPS):
        walk.page.keyboard.press(tab)
        here = walk.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        assert walk.page.evaluate(IS_FOCUS_VISIBLE), here
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{wanted} cannot be reached by Tab")


def open_by(
    walk: Walk, role: Literal["link", "button"], name: str, key: str, tab: str = "Tab"
) -> None:
    go_to(walk, walk.page.get_by_role(role, name=name, exact=True).first, tab)
    with walk.page.expect_navigation():
        walk.page.keyboard.press(key)


@pytest.mark.parametrize("device", ["desktop"])
def test_a_reader_signs_up_and_leaves_with_the_keyboard_alone(walk: Walk) -> None:
    walk.page.goto(walk.site)
    go_to(walk, walk.page.get_by_label("Your email address"))
    walk.page.keyboard.type(READER)
    go_to(walk, walk.page.get_by_text("Choose topics and time zone"))
    walk.page.keyboard.press("Enter")
    go_to(walk, walk.page.get_by_label("Search and retrieval"))
    walk.page.keyboard.press("Space")
    walk.page.wait_for_timeout(FILLING)
    open_by(walk, "button", "Subscribe with these topics", "Enter")
    walk.read(1)
    open_by(walk, "link", "Confirm on the next page", "Enter")
    open_by(walk, "button", "Yes, send me digests", "Space")
    reader = Subscriber.objects.get()
    assert reader.state == Subscriber.State.ACTIVE
    assert [topic.slug for topic in reader.topics.all()] == ["retrieval"]

    walk.read(2)
    # It is at the foot of the mail, below all papers.
    open_by(walk, "link", "Unsubscribe", "Enter", tab="Shift+Tab")
    open_by(walk, "button", "Unsubscribe", "Space")
    walk.sees("You are unsubscribed")

    assert Subscriber.objects.get().state == Subscriber.State.UNSUBSCRIBED
