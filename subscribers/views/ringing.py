import logging

from kombu.exceptions import OperationalError

from subscribers import tasks

logger = logging.getLogger(__name__)


def ring_for_letters() -> None:
    """Have the waiting letters sent now. Without a broker the next tick sends them.

    Call it after the commit: a worker that is quicker than that would find no letter.
    """
    try:
        tasks.send_letters.delay()
    except OperationalError:
        logger.warning("The broker does not answer; the letter goes out with the next tick")
