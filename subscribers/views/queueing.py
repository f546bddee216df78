"""Queueing tasks from views."""

import logging

from kombu.exceptions import OperationalError

from subscribers import tasks

logger = logging.getLogger(__name__)


def send_letters_soon() -> None:
    """Have a worker send the waiting letters now. If the broker is down, the next tick sends them.

    Call it after the commit: a worker that starts earlier would not see the letter.
    """
    try:
        tasks.send_letters.delay()
    except OperationalError:
        logger.warning("The broker is down; the letter goes out with the next tick")
