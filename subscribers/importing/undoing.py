"""Removes who came with an import and has not acted since."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from subscribers.database import Lock, only_one
from subscribers.leaving import suppression
from subscribers.models import Consent, Import, Subscriber, Suppression

from .run import NotNow, Tell

_BATCH = 2000
_TELL_EVERY = 50_000
# Conditions of other apps under which a reader has acted. They register here, because this app must
# not import them.
_Condition = Callable[[], Exists]
_conditions: list[_Condition] = []


class CannotUndo(ValueError):
    """There is no such import, or it was undone before."""


@dataclass(frozen=True, slots=True)
class Undone:
    """How many readers were removed, how many stay because they acted, and suppressions lifted."""

    removed: int
    stayed: int
    lifted: int


def counts_as_act(condition: _Condition) -> _Condition:
    """Decorator: readers stay of whom this subquery, on ``OuterRef("pk")``, finds something."""
    _conditions.append(condition)
    return condition


def undo(pk: int, now: datetime, tell: Tell) -> Undone:
    """Remove the readers of an import who have done nothing since, and its suppressions.

    Whoever voted, changed preferences or address, left or came back stays, and so does a
    suppression that a mail service has confirmed since. The consents stay as well, without a
    reader. Each batch is a transaction; what was interrupted can be run again. Raises `CannotUndo`
    or `NotNow`.
    """
    with only_one(Lock.IMPORTING_READERS) as is_ours:
        if not is_ours:
            raise NotNow("Another import is running.")
        imported = Import.objects.filter(pk=pk, undone_at=None).first()
        if imported is None:
            raise CannotUndo(f"There is no import {pk} that could be undone.")
        removed = _remove(imported, tell)
        lifted = suppression.lift(Suppression.objects.filter(imported_with=imported))
        stayed = _came_with(imported).count()
        imported.undone_at = now
        imported.counts |= {"removed": removed, "stayed": stayed, "lifted": lifted}
        imported.save(update_fields=["undone_at", "counts"])
        return Undone(removed, stayed, lifted)


def _remove(imported: Import, tell: Tell) -> int:
    removed = 0
    for ids in _batches(imported):
        with transaction.atomic():
            # Locked before we look: who acts from now on waits, and finds that they are gone.
            locked = Subscriber.objects.select_for_update().filter(pk__in=ids).order_by("pk")
            list(locked.values_list("pk", flat=True))
            gone = list(_idle(Subscriber.objects.filter(pk__in=ids)).values_list("pk", flat=True))
            Subscriber.objects.filter(pk__in=gone).delete()
        before, removed = removed, removed + len(gone)
        if removed // _TELL_EVERY > before // _TELL_EVERY:
            tell(f"{removed:,} readers removed")
    return removed


def _batches(imported: Import) -> Iterator[Sequence[int]]:
    last = 0
    while True:
        later = _came_with(imported).filter(subscriber__gt=last).order_by("subscriber")
        ids = list(later.values_list("subscriber", flat=True)[:_BATCH])
        if not ids:
            return
        yield ids
        last = ids[-1]


def _came_with(imported: Import) -> QuerySet[Consent]:
    return Consent.objects.filter(imported_with=imported, subscriber__isnull=False)


def _idle(readers: QuerySet[Subscriber]) -> QuerySet[Subscriber]:
    """Return the readers of these who have done nothing but come with an import."""
    acts = Consent.objects.filter(subscriber=OuterRef("pk"), imported_with=None)
    idle = readers.filter(~Exists(acts), changed_at=None)
    for condition in _conditions:
        idle = idle.filter(~Q(condition()))
    return idle
