"""Fixtures for every test."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.utils import translation
from pytest_django import Settings

from digest.choosing.candidate_index import library_of, space_of
from digest.choosing.candidates import candidate_set
from digest.mail.shared import shared_parts
from tests.smtp_sink import Sink


@pytest.fixture(autouse=True)
def _empty_process_caches() -> Iterator[None]:
    """A worker keeps what it made for an edition; in tests, ids of editions are used again."""
    cached = (shared_parts, candidate_set, space_of, library_of)
    for function in cached:
        function.cache_clear()
    yield
    for function in cached:
        function.cache_clear()


@pytest.fixture(autouse=True)
def _empty_page_cache() -> None:
    """The site caches public pages for a minute."""
    cache.clear()


@pytest.fixture(autouse=True)
def _default_language() -> None:
    """A request leaves its language active in the thread."""
    translation.deactivate()


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """A real SMTP server on this machine that receives all mail of the test."""
    with Sink() as running:
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = running.port
        settings.EMAIL_BACKEND = "digest.delivery.mail_services.smtp.EmailBackend"
        yield running
