"""Fixtures for every test."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import TransactionTestCase, override_settings
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


# What Django's own flush would fill again after each test.
_MADE_BY_MIGRATE = {"django_migrations", "django_content_type", "auth_permission"}


@pytest.fixture(scope="session", autouse=True)
def _delete_instead_of_flushing() -> Iterator[None]:
    """Django truncates every table after a test that commits, which takes it 0.3 s each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", _delete_all_rows)
        yield


@pytest.fixture(scope="session", autouse=True)
def _hash_passwords_quickly() -> Iterator[None]:
    """The hash for real passwords is slow on purpose: half a second for every login."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


def _delete_all_rows(_test: TransactionTestCase) -> None:
    tables = sorted({*connection.introspection.table_names()} - _MADE_BY_MIGRATE)
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"(SELECT '{name}' FROM {name} LIMIT 1)" for name in tables)
        )
        deletions = [f"DELETE FROM {name}" for (name,) in cursor.fetchall()]
        # Without triggers: neither foreign keys nor the tables that count others stand in the way.
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("; ".join(deletions))
        cursor.execute("RESET session_replication_role")


@pytest.fixture
def sink(settings: Settings) -> Iterator[Sink]:
    """A real SMTP server on this machine that receives all mail of the test."""
    with Sink() as running:
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = running.port
        settings.EMAIL_BACKEND = "digest.delivery.mail_services.smtp.EmailBackend"
        yield running
