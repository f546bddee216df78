"""How the service stands at one moment: what the page, the alerts and `/ready` judge by."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import InterfaceError, OperationalError, connection

from digest.models import Hold

from . import broker, machinery, run, services, sources
from .broker import Broker
from .machinery import Clock, Disk
from .run import Run
from .services import ServiceFigures
from .sources import SourceFigures


@dataclass(frozen=True, slots=True)
class Rows:
    """What the database says."""

    run: Run
    clock: Clock
    sources: Sequence[SourceFigures]
    holds: Sequence[Hold]
    services: Sequence[ServiceFigures]


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
    return Rows(run.look(), machinery.look(), sources.look(), holds, services.look(holds))
