"""Celery's entry points. A task only says "look now"; what there is to do is in the tables."""

from celery import shared_task
from django.utils import timezone

from . import letters
from .database import Lock, only_one
from .importing import working
from .joining import address_change, signup

_LETTERS_PER_RUN = 200
_ROWS_PER_RUN = 1000


@shared_task(name="subscribers.send_letters")
def send_letters() -> None:
    """Send the waiting letters. Safe to call at any time, and to run twice at once.

    One at a time sends, so that a slow mail server leaves the other places of a worker free.
    """
    with only_one(Lock.SENDING_LETTERS) as is_ours:
        if is_ours:
            letters.send_waiting(timezone.now(), _LETTERS_PER_RUN)
    if is_ours and letters.is_any_due(timezone.now()):
        send_letters.delay()  # one may have come too late for us, whose own task found us working


@shared_task(name="subscribers.import_readers")
def import_readers() -> None:
    """Check, import and undo what operators want. Safe to call at any time, and twice at once."""
    if working.is_anything_wanted():
        working.work()


@shared_task(name="subscribers.purge")
def purge() -> None:
    """Once an hour, delete what was never confirmed and what has expired. Safe to repeat."""
    signup.purge(timezone.now(), _ROWS_PER_RUN)
    address_change.forget_stale(timezone.now(), _ROWS_PER_RUN)
    working.forget_old(timezone.now())
