"""Whether the service does its work: what `/ready` answers."""

from datetime import timedelta
from typing import TypedDict

from django.conf import settings
from django.utils import translation

from digest.desk.today import attention, standing
from digest.desk.today.trouble import DATABASE, REDIS, STUCK, TICK

# Without these nothing is sent, whatever else is well.
_NEEDED = (DATABASE, REDIS, TICK, STUCK)


class Readiness(TypedDict):
    ready: bool
    wrong: list[str]
    last_tick_seconds: float | None
    oldest_due_seconds: float | None


def look() -> Readiness:
    """Return whether all is there that sending needs, and what is not, in words. Never raises for
    a server that is down."""
    found = standing.look_anyway()
    with translation.override(settings.LANGUAGE_CODE):
        troubles = attention.troubles(found)
    wrong = [trouble.words for trouble in troubles if trouble.key in _NEEDED]
    rows = found.rows
    due_since = rows and rows.run.due_since
    return {
        "ready": not wrong,
        "wrong": wrong,
        "last_tick_seconds": _seconds(rows.clock.age if rows else None),
        "oldest_due_seconds": _seconds(found.now - due_since if due_since else None),
    }


def _seconds(length: timedelta | None) -> float | None:
    return None if length is None else round(length.total_seconds(), 1)
