"""Reports errors to Sentry, if the operator wants that. Nothing personal is in a report.

A path may hold a token and a message an address. So a report has the classes, the places in the
code and the name of the view, but no request, no message, no values of variables, no logged lines.
"""

from importlib import import_module
from typing import Any

from django.core.exceptions import ImproperlyConfigured


def report_to(dsn: str) -> None:
    """Have this process report its errors. Raises ImproperlyConfigured if it cannot."""
    try:
        sentry = import_module("sentry_sdk")
    except ImportError as error:
        raise ImproperlyConfigured(
            "SENTRY_DSN is set, but the package sentry-sdk is not installed."
        ) from error
    try:
        sentry.init(
            dsn=dsn,
            # Personal data is off unless asked for; to say so (send_default_pii) is deprecated.
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            server_name="",
            before_send=without_values,
        )
    except ValueError as error:
        raise ImproperlyConfigured(f"SENTRY_DSN is no DSN: {type(error).__name__}") from None


def without_values(event: dict[str, Any], _hint: object) -> dict[str, Any]:
    """Return the event without anything that comes from outside."""
    for part in ("request", "user", "extra", "breadcrumbs", "logentry", "message", "server_name"):
        event.pop(part, None)
    for error in (event.get("exception") or {}).get("values", []):
        error["value"] = ""
    return event
