"""System checks: ``manage.py check --deploy`` reports wrong configuration before mail is sent."""

from typing import Any

from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import AnymailError, AnymailUnsupportedFeature
from anymail.message import AnymailMessage
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError

from subscribers.database import fetch

from .choosing import trial
from .delivery import routing
from .sources import SOURCES


@register(Tags.compatibility, deploy=True)
def check_lease(**_: Any) -> list[CheckMessage]:
    # An SMTP conversation waits for three answers and the text to go out, up to the timeout for
    # each, and then for the answer to the text.
    longest = 4 * settings.EMAIL_TIMEOUT + settings.MAIL_ANSWER_SECONDS
    if settings.DELIVERY_LEASE.total_seconds() > longest:
        return []
    return [
        Warning(
            "A slow mail service would look like a dead worker, because the lease is shorter than "
            f"one hand-over may take ({longest} seconds).",
            hint="Raise DELIVERY_LEASE_SECONDS, or lower MAIL_ANSWER_SECONDS.",
            id="broadsheet.W001",
        )
    ]


@register(Tags.compatibility, deploy=True)
def check_postal_address(**_: Any) -> list[CheckMessage]:
    if settings.POSTAL_ADDRESS:
        return []
    return [
        Warning(
            "The digests have no postal address at their foot. Many laws require one.",
            hint="Set POSTAL_ADDRESS.",
            id="broadsheet.W002",
        )
    ]


@register(Tags.compatibility)
def check_trial(**_: Any) -> list[CheckMessage]:
    """Runs at every start, because a worker would fail on every batch."""
    try:
        trial.challenger_of(settings.RANKING_TRIAL)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="See deploy/env.example.", id="broadsheet.E002")]
    return []


@register(Tags.compatibility)
def check_sources(**_: Any) -> list[CheckMessage]:
    """Runs at every start, because every look at an unknown source would fail."""
    return [
        Error(
            f"SOURCES names “{name}”, which is not a source.",
            hint=f"The sources are: {', '.join(SOURCES)}.",
            id="broadsheet.E003",
        )
        for name in settings.SOURCES
        if name not in SOURCES
    ]


@register(Tags.compatibility, deploy=True)
def check_database(**_: Any) -> list[CheckMessage]:
    """Check that what is committed survives a crash: marks that are lost are mails sent twice."""
    names = ("synchronous_commit", "fsync", "full_page_writes")
    try:
        off = [name for name in names if fetch(f"SHOW {name}") == [("off",)]]
    except OperationalError:
        return []  # whoever cannot reach the database hears of it elsewhere
    problems: list[CheckMessage] = []
    if "synchronous_commit" in off:
        problems.append(
            Error(
                "The database does not wait for the disk, so nothing is sent.",
                hint="Something between us and PostgreSQL drops “-c synchronous_commit=on”.",
                id="broadsheet.E004",
            )
        )
    if lost := [name for name in off if name != "synchronous_commit"]:
        problems.append(
            Warning(
                f"After a crash digests may be sent twice: {' and '.join(lost)} off in PostgreSQL.",
                hint="Switch it on in postgresql.conf.",
                id="broadsheet.W004",
            )
        )
    return problems


@register(Tags.compatibility, deploy=True)
def check_mail_services(**_: Any) -> list[CheckMessage]:
    """Check that each mail service can carry our ID, by which its events find their digest."""
    backends = [routing.connection_to(name) for name in routing.names()]
    return [problem for backend in backends if (problem := _problem_of(backend))]


def _problem_of(backend: Any) -> CheckMessage | None:
    if not isinstance(backend, AnymailBaseBackend):
        return None
    canary = AnymailMessage(
        "Check",
        "Check",
        settings.DEFAULT_FROM_EMAIL,
        ["check@example.org"],
        metadata={"digest": "0"},
        tags=["digest"],
    )
    try:
        backend.build_message_payload(canary, backend.send_defaults)
    except AnymailUnsupportedFeature as error:
        return Error(
            f"{backend.esp_name} cannot carry a digest: {error}",
            hint="Choose another service in MAIL_BACKEND or MAIL_SERVICES.",
            id="broadsheet.E001",
        )
    except AnymailError:
        pass  # about the content, which a real message may have right
    return None
