"""All pages behind the links in mails, including those that no walk meets.

`test_site_browser` checks the public ones.
"""

import pytest
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tests.browser import DEVICES, LOOKS, NEEDS, Scheme, is_too_wide, violations
from tests.browser import browser as browser
from tests.factories import starter_topics
from tests.judges.everything import a_digest, reader_paths

pytestmark = NEEDS


@pytest.mark.parametrize(("device", "scheme"), LOOKS)
def test_axe_finds_nothing_on_any_reader_s_page(
    browser: Browser, live_server: LiveServer, device: str, scheme: Scheme
) -> None:
    starter_topics()
    paths = reader_paths(a_digest())
    page = browser.new_context(**DEVICES[device], color_scheme=scheme).new_page()
    found = {}

    for name, path in paths.items():
        page.goto(f"{live_server.url}{path}")
        found[name] = violations(page)
        assert not is_too_wide(page), name

    assert {where: wrong for where, wrong in found.items() if wrong} == {}
    assert found.keys() == paths.keys()
