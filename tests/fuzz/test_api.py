"""The API takes whatever its own document allows, and whatever it does not, without a 5xx.

Schemathesis makes the requests from the document, good and bad ones. Each answer must be one that
the document has for the operation, in its media type and by its schema.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, seed, strategies
from hypothesis import settings as how
from pytest_django import Settings
from schemathesis import GenerationMode, checks

from digest.models import Event
from subscribers.models import Subscriber
from tests.digest.api.tokens import make_token
from tests.factories import make_digest, make_edition, make_reader, make_topic

pytestmark = [pytest.mark.django_db, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "8"))
checks.load_all_checks()
CHECKS = checks.CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
        "response_headers_conformance",
    ]
)

# What each operation takes that has a body.
RIGHT = {
    "POST /api/v1/subscribers": {"email": "ada@dest.example", "hour": 9},
    "PATCH /api/v1/subscribers/{pk}": {"hour": 9},
    "PUT /api/v1/topics/{slug}": {"name": "Boats", "description": "About boats."},
    "PATCH /api/v1/topics/{slug}": {"position": 9},
}


@pytest.fixture
def schema(settings: Settings) -> Iterator[Any]:
    """The API as another program sees it, in the transaction of the test."""
    settings.API_PER_MINUTE, settings.ALLOWED_HOSTS = 1_000_000, ["*"]
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


def test_no_request_makes_the_api_fail_or_answer_what_it_does_not_document(schema: Any) -> None:
    known = _everything()
    _, key = make_token()
    statuses: set[tuple[str, int]] = set()
    turns = cycle([True, False])

    def check(case: Any) -> None:
        if next(turns):
            _make_known(case, known)
        answer = case.call(headers={"Authorization": f"Bearer {key}"})
        case.validate_response(answer, checks=CHECKS)
        statuses.add((case.operation.label, answer.status_code))

    for found in schema.get_all_operations():
        operation = found.ok()
        cases = strategies.one_of(
            [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]
        )
        _many(check, cases)

    good = {label for label, status in statuses if status < 300}
    asked = {label for label, _ in statuses}
    assert (len(asked), asked - good) == (16, set()), "each operation has succeeded"


def _many(check: Any, cases: Any) -> None:
    quietly = {
        "database": None,
        "deadline": None,
        "phases": [Phase.generate],
        "suppress_health_check": list(HealthCheck),
    }
    run: Any = seed(0)(how(max_examples=EXAMPLES, **quietly)(given(cases)(check)))  # type: ignore[arg-type, no-untyped-call]  # its decorators are made for typed keywords
    run()


def _everything() -> dict[str, Any]:
    """One of each, by the name of its place in paths."""
    edition = make_edition(2)
    digest = make_digest(edition, make_reader(), state="delivered")
    Event.objects.create(
        dedupe_key="1",
        kind="delivered",
        digest=digest,
        mail_service="Postmark",
        at=timezone.now(),
        received_at=timezone.now() - timedelta(minutes=1),
    )
    return {"slug": make_topic().slug, "day": f"{edition.date}", "id": str(digest.uuid)}


def _make_known(case: Any, known: dict[str, Any]) -> None:
    """Have the request be about what there is, and ask for a few fields that are right."""
    for name in case.path_parameters or {}:
        case.path_parameters[name] = known[name] if name in known else _reader().pk
    if case.operation.label in RIGHT:
        case.body = RIGHT[case.operation.label]
    case.query = {}


def _reader() -> Subscriber:
    found: Subscriber | None = Subscriber.objects.first()
    return found or make_reader()
