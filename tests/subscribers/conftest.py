"""Fixtures shared by the tests of subscribers."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.conf import settings
from django.utils import timezone

from subscribers import links
from subscribers.forms import opened_now
from subscribers.joining import abuse
from subscribers.models import Subscriber
from tests.factories import make_reader


@pytest.fixture(autouse=True)
def _nothing_was_counted() -> None:
    """Reset all counts: every test of a run uses the same Redis."""
    abuse._window(settings.REDIS_URL).storage.reset()


@pytest.fixture
def opened() -> str:
    """The signed time of a form opened ten seconds ago."""
    with time_machine.travel(timezone.now() - timedelta(seconds=10)):
        return opened_now()


@pytest.fixture
def now() -> datetime:
    """A Monday at noon."""
    return datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def reader(db: None) -> Subscriber:
    """An active reader whose links in digests work now, and who is due later."""
    next_due_at = timezone.now() + timedelta(hours=1)
    subscriber = make_reader(email="Reader@dest.example", next_due_at=next_due_at)
    links.ensure([subscriber], timezone.now())
    return subscriber
