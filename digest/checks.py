"""Wrong configuration, said by ``manage.py check --deploy`` before the first mail goes out."""

from typing import Any

from anymail.backends.base import AnymailBaseBackend
from anymail.exceptions import AnymailError, AnymailUnsupportedFeature
from anymail.message import AnymailMessage
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from .choosing import trial
from .delivery import routing


@register(Tags.compatibility, deploy=True)
def check_lease(**_: Any) -> list[CheckMessage]:
    # A conversation by SMTP waits for several answers, and as long as this for each.
    longest = 4 * settings.EMAIL_TIMEOUT
    if settings.DELIVERY_LEASE.total_seconds() > longest:
        return []
    return [
        Warning(
            "A slow mail service would look like a dead worker: the lease is shorter than one "
            f"hand-over may take ({longest} seconds).",
            hint="Raise DELIVERY_LEASE_SECONDS, or lower MAIL_TIMEOUT_SECONDS.",
            id="broadsheet.W001",
        )
    ]


@register(Tags.compatibility, deploy=True)
def check_postal_address(**_: Any) -> list[CheckMessage]:
    if settings.POSTAL_ADDRESS:
        return []
    return [
        Warning(
            "No postal address stands at the foot of the digests; many laws ask for one.",
            hint="Set POSTAL_ADDRESS.",
            id="broadsheet.W002",
        )
    ]


@register(Tags.compatibility)
def check_trial(**_: Any) -> list[CheckMessage]:
    """At every start, for a worker would fail at each batch."""
    try:
        trial.challenger_of(settings.RANKING_TRIAL)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="deploy/env.example shows one.", id="broadsheet.E002")]
    return []


@register(Tags.compatibility, deploy=True)
def check_mail_services(**_: Any) -> list[CheckMessage]:
    """Whether each mail service can carry our id, by which its events find their digest."""
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
        pass  # a question of content, which a real message answers
    return None
