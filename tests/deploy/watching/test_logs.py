"""Log lines as JSON, and reports of errors: nothing personal in either."""

import json
import logging
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from deploy.watching import errors
from deploy.watching.logs import JsonFormatter


def test_a_line_is_one_object_with_its_message_and_trace() -> None:
    try:
        raise KeyError("a")
    except KeyError:
        record = logging.LogRecord("digest", 40, "f.py", 1, "%s\nsent", ("8",), sys.exc_info())
    record.address = "reader@dest.example"

    written = JsonFormatter().format(record)

    assert "\n" not in written
    line = json.loads(written)
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "digest", "8\nsent")
    assert line["trace"].endswith("KeyError: 'a'")
    assert "dest.example" not in written


def test_a_report_has_the_place_of_an_error_and_nothing_from_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sentry = pytest.importorskip("sentry_sdk")
    sent: list[Any] = []
    monkeypatch.setattr(
        "sentry_sdk.transport.HttpTransport.capture_envelope", lambda _, e: sent.append(e)
    )
    errors.report_to("https://key@sentry.example.org/1")
    sentry_sends_personal_data = sentry.get_client().should_send_default_pii()
    try:
        secret = "@".join(["reader", "dest.example"])  # the lines around are in a report
        try:
            raise ValueError(f"no such reader: {secret}")
        except ValueError as error:
            sentry.capture_exception(error)
        sentry.capture_message(f"signed up: {secret}")
        sentry.flush()
    finally:
        sentry.get_client().close()
        sentry.init()

    assert not sentry_sends_personal_data
    said = "".join(item.payload.get_bytes().decode() for one in sent for item in one.items)
    assert '"ValueError"' in said
    assert "test_a_report_has_the_place" in said
    assert secret not in said


def test_a_wrong_dsn_stops_the_start() -> None:
    with pytest.raises(ImproperlyConfigured, match="SENTRY_DSN"):
        errors.report_to("https://sentry.example.org")
