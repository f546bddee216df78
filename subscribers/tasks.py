"""Doors for Celery. A task says "look now"; the work is in the tables."""

from celery import shared_task
from django.utils import timezone

from . import change, letters
from .joining import signup

LETTERS_A_RUN = 200
ROWS_A_RUN = 1000


@shared_task(name="subscribers.send_letters")
def send_letters() -> None:
    """Send the letters that wait. Safe to ring at any time, and twice."""
    letters.send_waiting(timezone.now(), LETTERS_A_RUN)


@shared_task(name="subscribers.purge")
def purge() -> None:
    """Once an hour: delete what was never confirmed, and what expired. Safe to run twice."""
    signup.purge(timezone.now(), ROWS_A_RUN)
    change.forget(timezone.now(), ROWS_A_RUN)
