"""Which mail service takes the next digests: one of several, by weight, while it is not held.

A digest that may have gone out is never handed to a second service: only READY digests are
claimed, and one in doubt is asked about, or tried again, at the service that was given it
(``doubt``).
"""

import random
from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.core.mail import get_connection

from digest.models import Hold

SMTP = "smtp"


def names() -> list[str]:
    """The configured services: those of MAIL_SERVICES, or the one that sends the letters.

    Rows and holds store these names. The one that sends the letters has anymail's name, or "smtp".
    """
    if settings.MAIL_SERVICES:
        return list(settings.MAIL_SERVICES)
    return [kind_of(get_connection())]


def connection_to(name: str) -> Any:
    """A new, unopened backend for the service of this name. Raises KeyError for an unknown name."""
    if not settings.MAIL_SERVICES:
        return get_connection()
    service = settings.MAIL_SERVICES[name]
    return get_connection(service["BACKEND"], **service["OPTIONS"])


def kind_of(backend: Any) -> str:
    """The kind of service behind a backend: anymail's name for it, or "smtp"."""
    return str(getattr(backend, "esp_name", SMTP))


def open_names() -> list[str]:
    """The services that are not held now."""
    configured = names()
    held = set(Hold.objects.active().values_list("mail_service", flat=True))
    # A hold without a name applies to all of them.
    return [] if "" in held else [name for name in configured if name not in held]


def choose(*, without: Collection[str] = ()) -> str | None:
    """The service for the next batch, at random by weight, or None if none is available.

    A service of weight 0 is a reserve: it is used only while all the others are held or are among
    `without`.
    """
    candidates = [name for name in open_names() if name not in without]
    if not candidates:
        return None
    weights = [_weight(name) for name in candidates]
    if not any(weights):
        return candidates[0]
    return random.choices(candidates, weights)[0]


def _weight(name: str) -> float:
    return float(settings.MAIL_SERVICES[name]["WEIGHT"]) if settings.MAIL_SERVICES else 1.0
