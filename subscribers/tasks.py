"""Doors for Celery. A task says "look now"; the work is in the tables."""

from celery import shared_task
from django.utils import timezone

from subscribers import letters

LETTERS_A_RUN = 200


@shared_task(name="subscribers.send_letters")
def send_letters() -> None:
    """Send the letters that wait. Safe to ring at any time, and twice."""
    letters.send_waiting(timezone.now(), LETTERS_A_RUN)
