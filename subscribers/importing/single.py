"""One reader from another program, judged as a row of a file would be."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from subscribers.models import Import

from . import staging, storing
from .entries import Defaults, EntryMaker
from .reading import Row

SYSTEM = "api"


@transaction.atomic
def add(cells: Mapping[str, str], basis: str, by: str, now: datetime) -> str:
    """Add a reader who has consented elsewhere. Returns what was judged (``staging.WHAT``).

    `cells` are those of a row, by the name of their field. Only somebody "added" gets an `Import`
    with the basis; nobody who has signed up, left, been erased or is suppressed is changed.
    """
    places = {name: place for place, name in enumerate(cells)}
    entry = EntryMaker(places, len(places), Defaults(), now).entry(Row(1, list(cells.values())))
    with staging.tables():
        list(staging.fill([entry]))
        counts = staging.judge(has_basis=bool(basis.strip()))
        (judgement,) = counts
        if judgement == "added":
            imported = Import.objects.create(
                started_at=now,
                finished_at=now,
                by=by[:150],
                system=SYSTEM,
                basis=basis.strip(),
                counts=counts,
            )
            list(storing.store(imported, now))
    return judgement
