"""How the service stands at one moment: what the page, the alerts and `/ready` judge by."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from django.db.models.functions import Now

from digest.models import Endpoint, Hold

from . import broker, machinery, run, services, sources
from .broker import Broker
from .machinery import Clock, Disk
from .run import Run
from .services import ServiceFigures
from .sources import SourceFigures

_WEBHOOKS_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rows:
    """What the database says."""

    run: Run
    clock: Clock
    sources: Sequence[SourceFigures]
    holds: Sequence[Hold]
    services: Sequence[ServiceFigures]
    webhooks: Sequence[Endpoint] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """`rows` is None while the database is down; then `problem` is the class of the error."""

    now: datetime
    broker: Broker
    disks: Sequence[Disk]
    rows: Rows | None
    problem: str = field(default="")


def look() -> Standing:
    """Return how things stand. Raises if the database is down."""
    rows = _rows()
    return Standing(rows.run.now, broker.look(), machinery.disks(), rows)


def look_anyway() -> Standing:
    """Return how things stand, even if the database is down: never raises for that."""
    now, told, disks = datetime.now(UTC), broker.look(), machinery.disks()
    try:
        rows = _rows()
    except (OperationalError, InterfaceError) as error:
        connection.close()
        return Standing(now, told, disks, None, type(error).__name__)
    return Standing(rows.run.now, told, disks, rows)


def _rows() -> Rows:
    holds = services.active_holds()
    found = run.look(), machinery.look(), sources.look(), holds, services.look(holds)
    return Rows(*found, _failing_webhooks())


def _failing_webhooks() -> Sequence[Endpoint]:
    """Those that we have switched off, and those that have failed for an hour."""
    failing = Q(is_on=True, failing_since__lt=Now() - _WEBHOOKS_AFTER)
    return list(Endpoint.objects.filter(failing | ~Q(disabled_because="")).order_by("pk"))
