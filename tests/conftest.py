"""What every test may use."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.utils import translation
from pytest_django import Settings

from digest.choosing.candidates import candidate_set
from digest.choosing.interests import space_of
from digest.mail.shared import shared_parts
from tests.smtp_sink import Sink


@pytest.fixture(autouse=True)
def _fresh_press() -> Iterator[None]:
    """A press is kept for as long as a worker lives; tests make the same edition anew."""
    kept = (shared_parts, candidate_set, space_of)
    for function in kept:
        function.cache_clear()
    yield
    for function in kept:
        function.cache_clear()


@pytest.fixture(autouse=True)
def _fresh_pages() -> None:
    """The site keeps public pages for a minute."""
    cache.clear()


@pytest.fixture(autouse=True)
def _own_language() -> None:
    """A request leaves its language behind in the thread."""
    translation.deactivate()


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """A real SMTP server on this machine, which all mail of the test goes to."""
    with Sink() as running:
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = running.port
        settings.EMAIL_BACKEND = "digest.delivery.mail_services.smtp.EmailBackend"
        yield running
