"""What the tests of subscribers share."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from subscribers import links
from subscribers.models import Subscriber
from tests.factories import make_reader


@pytest.fixture
def now() -> datetime:
    """A Monday at noon."""
    return datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def reader(db: None) -> Subscriber:
    """An active reader whose links in digests work now."""
    subscriber = make_reader(email="Reader@dest.example")
    links.ensure([subscriber], timezone.now())
    return subscriber
