"""What operators make of an edition's papers, before it closes and after.

Each function returns whether it changed anything, so that pressing a button twice does no harm. It
raises SteeringError if what is asked for cannot be done. Digests that are under way but not handed
over yet are composed again (``delivery.handover``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from digest.choosing.candidates import MOST_PINNED
from digest.models import Curation, EditionPaper, Paper, Picture
from digest.models.curation import NOTE_LENGTH, SUMMARY_LENGTH
from digest.papers.pictures import keeping
from digest.sources.text import presentable
from subscribers.database import Lock, wait_for_lock

Act = Curation.Act
# What a new row keeps of the one before it.
_KEPT = ("pin", "note", "summary", "shows", "hides_picture")
By = User | None


class SteeringError(Exception):
    """It cannot be done. The text tells the operator why."""


@contextmanager
def curating() -> Iterator[None]:
    """Have nobody else change anything of this kind meanwhile, so that revisions come in order."""
    with transaction.atomic():
        wait_for_lock(Lock.CURATING_PAPERS)
        yield


def pin(paper: Paper, by: By) -> bool:
    """Have the paper come first for everybody who is not barred from it, after those pinned before.

    It does so in every digest that there is; a digest is not made for its sake. Only `MOST_PINNED`
    papers of an edition can be pinned.
    """
    with curating():
        if paper.set_aside:
            raise SteeringError(_("This paper is kept out of editions, so it cannot be pinned."))
        others = pinned(edition_of(paper))
        if any(one.paper_id == paper.pk for one in others):
            return False
        if len(others) >= MOST_PINNED:
            words = _("No more than %(most)s papers of an edition can be pinned.")
            raise SteeringError(words % {"most": MOST_PINNED})
        return _add(Act.PIN, paper, by, pin=max((one.pin or 0 for one in others), default=0) + 1)


def unpin(paper: Paper, by: By) -> bool:
    with curating():
        return _add(Act.UNPIN, paper, by, pin=None)


def move(paper: Paper, by: By, *, place: int) -> bool:
    """Give the pinned paper this place among the pinned ones, from 1."""
    with curating():
        order = pinned(edition_of(paper))
        own = next((one for one in order if one.paper_id == paper.pk), None)
        if own is None:
            raise SteeringError(_("Only pinned papers have an order."))
        order.remove(own)
        order.insert(max(place, 1) - 1, own)
        moved = [
            _add(Act.MOVE, one.paper, by, pin=number)
            for number, one in enumerate(order, start=1)
            if one.paper is not None
        ]
        return any(moved)


def drop(paper: Paper, by: By) -> bool:
    """Have nobody get the paper who has not got it yet. It is not pinned any more."""
    with curating():
        free = Paper.objects.filter(pk=paper.pk, set_aside="")
        if not free.update(set_aside=Paper.Aside.DROPPED):
            return False
        return _add(Act.DROP, paper, by, is_change=True, pin=None)


def restore(paper: Paper, by: By) -> bool:
    """Undo `drop`: who has not had a digest with the edition's papers yet may get it again."""
    with curating():
        dropped = Paper.objects.filter(pk=paper.pk, set_aside=Paper.Aside.DROPPED)
        if not dropped.update(set_aside=""):
            return False
        return _add(Act.RESTORE, paper, by, is_change=True)


def annotate(paper: Paper, by: By, *, note: str) -> bool:
    """Have the note stand in the paper's card, in mails and on pages; "" for none."""
    with curating():
        return _add(Act.NOTE, paper, by, note=presentable(note, NOTE_LENGTH))


def rewrite(paper: Paper, by: By, *, summary: str, shows: str = Curation.Shows.USUAL) -> bool:
    """Show this summary instead of the paper's own; "" for the paper's own, as `shows` says."""
    if shows not in Curation.Shows.values:
        raise SteeringError(_("There is no such choice of what to show."))
    text = presentable(summary, SUMMARY_LENGTH)
    with curating():
        return _add(Act.SUMMARY, paper, by, summary=text, shows=shows)


def hide_picture(paper: Paper, by: By) -> bool:
    """Show the paper's picture nowhere. It is also gone from the mails that have been sent."""
    with curating():
        is_new = _add(Act.PICTURE, paper, by, hides_picture=True)
        keeping.remove(paper)
        return is_new


def show_picture(paper: Paper, by: By) -> bool:
    """Undo `hide_picture`: the picture is fetched anew."""
    with curating():
        Picture.objects.filter(paper=paper).delete()
        return _add(Act.PICTURE, paper, by, hides_picture=False)


def pinned(edition_id: int | None) -> list[Curation]:
    """Return the pinned papers of an edition in order; of those that wait for one, if None."""
    ever = Curation.objects.filter(pin__isnull=False, paper__candidate__edition=edition_id)
    if edition_id is None:
        ever = Curation.objects.filter(pin__isnull=False, paper__candidate=None)
    newest = Curation.objects.of(set(ever.values_list("paper_id", flat=True)))
    found = [one for one in newest.values() if one.pin is not None]
    return sorted(found, key=lambda one: (one.pin or 0, one.pk))


def edition_of(paper: Paper) -> int | None:
    """Return the id of the edition in which the paper is a candidate; None if it waits for one."""
    of_paper = EditionPaper.objects.filter(paper=paper)
    found: int | None = of_paper.values_list("edition_id", flat=True).first()
    return found


def _add(act: str, paper: Paper, by: By, *, is_change: bool = False, **changes: Any) -> bool:
    """Add a row with the `changes` to what the newest says, unless it says so already."""
    before = Curation.objects.of([paper.pk]).get(paper.pk) or Curation(paper=paper)
    kept = {name: getattr(before, name) for name in _KEPT}
    if kept | changes == kept and not is_change:
        return False
    Curation.objects.create(act=act, paper=paper, by=by, **(kept | changes))
    return True
