"""All mails as a mail program shows them, including those that no walk meets."""

from playwright.sync_api import Browser

from tests.browser import DEVICES, NEEDS, SCHEMES, is_too_wide, violations
from tests.browser import browser as browser
from tests.contract import html_of, parsed
from tests.judges.everything import every_mail
from tests.walk import FOR_PAGES_ONLY

pytestmark = NEEDS


def test_axe_sees_a_violation(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<html lang=en><title>A mail</title><p style='color: #ccc'>Grey on white")

    assert [rule for rule, _ in violations(page, FOR_PAGES_ONLY)] == ["color-contrast"]


def test_axe_finds_nothing_in_any_mail(browser: Browser) -> None:
    page = browser.new_context(**DEVICES["phone"]).new_page()
    found = {}

    for name, raw in every_mail().items():
        page.set_content(html_of(parsed(raw)))
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            found[name, scheme] = violations(page, FOR_PAGES_ONLY)
        assert not is_too_wide(page), name

    assert {where: wrong for where, wrong in found.items() if wrong} == {}
    assert len(found) >= 8 * len(SCHEMES)
