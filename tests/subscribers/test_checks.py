"""What ``manage.py check --deploy`` says about sign-ups."""

import pytest
from pytest_django import Settings

from subscribers.checks import check_proxies


@pytest.mark.parametrize(
    ("url", "proxies", "ids"),
    [
        ("https://news.example.org", 0, ["broadsheet.W003"]),
        ("https://news.example.org", 1, []),
        ("http://localhost:8000", 0, []),
    ],
)
def test_a_site_with_tls_is_asked_about_its_proxies(
    settings: Settings, url: str, proxies: int, ids: list[str]
) -> None:
    settings.SITE_URL, settings.TRUSTED_PROXIES = url, proxies

    assert [warning.id for warning in check_proxies()] == ids
