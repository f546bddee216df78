"""Celery's entry points. A task only says "look now"; what there is to do is in the tables."""

from celery import shared_task
from django.utils import timezone

from . import letters
from .joining import address_change, signup

_LETTERS_PER_RUN = 200
_ROWS_PER_RUN = 1000


@shared_task(name="subscribers.send_letters")
def send_letters() -> None:
    """Send the waiting letters. Safe to call at any time, and to run twice at once."""
    letters.send_waiting(timezone.now(), _LETTERS_PER_RUN)


@shared_task(name="subscribers.purge")
def purge() -> None:
    """Once an hour, delete what was never confirmed and what has expired. Safe to repeat."""
    signup.purge(timezone.now(), _ROWS_PER_RUN)
    address_change.forget_stale(timezone.now(), _ROWS_PER_RUN)
